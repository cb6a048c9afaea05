"""Runs the steps in the transaction that the caller has begun, and writes down which programs the tables then serve."""

from alembic import context
from sqlalchemy import delete, insert, inspect

from authz_service.storage.schema import metadata, schema_compatibility

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
context.run_migrations()

if inspect(connection).has_table(schema_compatibility.name):
    # A step that takes something away says which program is the oldest that does without it.
    steps = [step.module for step in context.script.walk_revisions()]
    names = ("serves_from", f"serves_from_on_{connection.dialect.name}")
    oldest = max(getattr(step, name, "") for step in steps for name in names)
    connection.execute(delete(schema_compatibility))
    connection.execute(insert(schema_compatibility).values(oldest=oldest))
