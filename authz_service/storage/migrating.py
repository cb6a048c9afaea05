"""Brings tables up to date by the migrations. Alembic is slow to import, so it is here alone."""

import time

import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from authz_service.errors import ConfigurationError, DatabaseUnavailable
from authz_service.storage.database import WAIT_BRIEFLY, reading, writing

log = structlog.get_logger()

STEPS = "authz_service.storage:migrations"
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 3.0
# Any number will do as long as nobody else asks this database for the same one.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7420118)")
_LOCK_NOT_AVAILABLE = "55P03"
# Every role may see that much of the others.
_HOLDING = text(
    "SELECT DISTINCT pid, virtualtransaction, coalesce(nullif(application_name, ''), 'no name') AS name"
    " FROM pg_locks JOIN pg_class ON pg_class.oid = relation LEFT JOIN pg_stat_activity USING (pid)"
    " WHERE granted AND relnamespace = current_schema()::regnamespace AND pid <> pg_backend_pid()"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def bring_up_to_date(engine: Engine, steps: str = STEPS) -> None:
    """Runs what is missing, all of it or nothing, one process after the other.

    On PostgreSQL each table that somebody uses is waited for half a second, then all is left for a while, so that
    others are held up no longer.

    Args:
        engine: The database.
        steps: Where the migrations are.

    Raises:
        ConfigurationError: The database was made by a later version of this program.
        DatabaseUnavailable: It does not answer, or a table was never free in `PATIENCE_SECONDS`: it says who uses it.
    """
    if engine.dialect.name != "postgresql":
        with writing(engine) as connection:
            migrate(connection, steps)
        return
    until = time.monotonic() + PATIENCE_SECONDS
    held: dict[str, str] = {}
    while True:
        try:
            with writing(engine) as connection:
                connection.execute(_ONE_AT_A_TIME)
                connection.execute(WAIT_BRIEFLY)
                migrate(connection, steps)
        except DatabaseUnavailable as error:
            if not _is_of_a_lock(error):
                raise
            held, before = _held(engine), held
            # A transaction that was there the last time too is one that lasts.
            users = ", ".join(sorted(held[one] for one in (held.keys() & before.keys() or held))) or "nobody now"
            if time.monotonic() >= until:
                raise DatabaseUnavailable(
                    f"A table that has to change has been in use for {PATIENCE_SECONDS:g} s, and nothing has changed."
                    f" Tables are used by: {users}. Wait until that has ended, or end it, and try again."
                ) from error
            log.warning("tables.in_use", by=users, next_try_in_seconds=PAUSE_SECONDS)
            time.sleep(PAUSE_SECONDS)
        else:
            return


def _is_of_a_lock(error: DatabaseUnavailable) -> bool:
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE


def _held(engine: Engine) -> dict[str, str]:
    """By transaction, the process that has a table of ours in use."""
    with reading(engine) as connection:
        rows = connection.execute(_HOLDING)
        return {row.virtualtransaction: f"process {row.pid} ({row.name})" for row in rows}


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
