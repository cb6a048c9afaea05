"""Runs the steps in the transaction that the caller has begun."""

from alembic import context

from authz_service.storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
