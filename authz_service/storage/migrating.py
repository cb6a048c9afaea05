"""Brings tables up to date by the migrations. Alembic is slow to import, so it is here alone."""

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from authz_service.errors import ConfigurationError

STEPS = "authz_service.storage:migrations"


def migrate(connection: Connection, steps: str = STEPS) -> None:
    """Runs what is missing, in the transaction of the connection.

    Args:
        connection: In a transaction that writes.
        steps: Where the migrations are.

    Raises:
        ConfigurationError: The database was made by a later version of this program.
    """
    config = Config()
    config.set_main_option("script_location", steps)
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigurationError(
            "the database was made by a later version of this program; start that version"
        ) from error


def steps_after(revision: str | None) -> list[str]:
    """What each migration after that one does, in their order; all of them for None."""
    config = Config()
    config.set_main_option("script_location", STEPS)
    steps = ScriptDirectory.from_config(config).iterate_revisions("head", revision or "base")
    return [f"{step.revision}: {step.doc}" for step in steps][::-1]
