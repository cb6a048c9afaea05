"""Brings tables up to date by the migrations. Alembic is slow to import, so it is here alone."""

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from authz_service.errors import ConfigurationError


def migrate(connection: Connection) -> None:
    """Runs what is missing, in the transaction of the connection.

    Raises:
        ConfigurationError: The database was made by a later version of this program.
    """
    config = Config()
    config.set_main_option("script_location", "authz_service.storage:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigurationError(
            "the database was made by a later version of this program; start that version"
        ) from error
