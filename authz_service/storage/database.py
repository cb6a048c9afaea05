"""The database: connecting, transactions that only read or also write, and keeping its tables up to date."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection
from sqlite3 import OperationalError as SQLiteOperationalError
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    QueuePool,
    String,
    column,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    table,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from authz_service.errors import ConfigurationError, Conflict, DatabaseUnavailable

REVISION = "0011"
"""The migration whose tables this version expects: the last in `migrations/versions/`."""

WAIT_BRIEFLY = text("SET LOCAL lock_timeout = '500ms'")
"""For the rest of a transaction on PostgreSQL that needs tables for itself.

Whoever comes after one that waits for a table waits behind it, decisions too. It gives up well before PostgreSQL looks
for deadlocks, after a second, and would end a decision for one.
"""

LOCK_WAIT_SECONDS = 5
_MIGRATED = "alembic_version"
_SERVED = "schema_compatibility"
_WRITES = "authz_writes"
# More than a worker has threads: a connection beyond it would be made anew for each use.
POOL_SIZE = 12
_MUCH_KIB = 64 * 1024
_PAGE_KIB = 4


def connect(url: str, *, writes_much: bool = False, answers: bool = False) -> Engine:
    """An engine for `sqlite:///…` or `postgresql+psycopg://…`; a SQLite file is made, mode 0600, if need be.

    Args:
        url: The URL.
        writes_much: Whether it is worth 64 MiB of memory that SQLite writes a page that changes often less often.
        answers: Whether callers wait for what it is asked, so that PostgreSQL has ten seconds for it.

    Raises:
        ConfigurationError: The URL cannot be used.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Without the cause: a password with a `/` in it may be taken for a port, and be shown.
        raise ConfigurationError(
            "AUTHZ_DATABASE_URL is not a URL of a database; write sqlite:///FILE or postgresql+psycopg://…"
        ) from None
    try:
        if parsed.get_backend_name() == "sqlite":
            return _connect_sqlite(parsed, writes_much=writes_much)
        if parsed.get_backend_name() == "postgresql":
            from authz_service.storage import postgresql  # noqa: PLC0415 - costs time, and most do without

            return postgresql.make_engine(parsed, answers=answers, pool_pre_ping=True, pool_size=POOL_SIZE)
        return create_engine(parsed, hide_parameters=True, pool_pre_ping=True, pool_size=POOL_SIZE)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise ConfigurationError(
            f"AUTHZ_DATABASE_URL names {parsed.drivername}, whose driver is not installed;"
            " for PostgreSQL write postgresql+psycopg://… and install psycopg"
        ) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one state of the data throughout. It waits for no writer.

    Raises:
        DatabaseUnavailable: The database does not answer, or cannot be used.
    """
    with errors_in_our_words(), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: committed at the end of the block, rolled back on an exception.

    On SQLite it has the write lock from the start, so what it reads holds until it commits.

    Raises:
        Conflict: The database's own rules refuse the change.
        DatabaseUnavailable: The database does not answer, or is locked for too long.
    """
    with errors_in_our_words(), engine.connect() as connection, begin_writing(connection):
        yield connection


@contextmanager
def begin_writing(connection: Connection) -> Iterator[None]:
    """The same on a connection that is already open and in no transaction."""
    connection.execution_options(**{_WRITES: True})
    try:
        with connection.begin():
            yield
    finally:
        connection.execution_options(**{_WRITES: False})


@contextmanager
def errors_in_our_words() -> Iterator[None]:
    """What the database or its driver raises in the block leaves it as one of our own exceptions."""
    try:
        yield
    except IntegrityError:
        # The driver's message may hold the values, so it goes no further.
        raise Conflict("Another change came in between and this one no longer fits; read again and retry.") from None
    except (DBAPIError, PoolTimeoutError) as error:
        raise DatabaseUnavailable(more=said_by(error)) from error


def said_by(error: Exception) -> str:
    """A sentence with what the database or its driver says of an error; empty where that may hold values."""
    of_driver = getattr(error, "orig", None) or error
    first, *above = (kind.__name__ for kind in type(of_driver).__mro__)
    # Names that PEP 249 gives. What is wrong with values is of other kinds, and a further line may quote a statement.
    is_told = first == "DatabaseError" or not {"OperationalError", "ProgrammingError"}.isdisjoint({first, *above})
    line = next(iter(str(of_driver).splitlines()), "").strip().rstrip(".")
    return f"It says: {line}." if line and is_told else ""


def upgrade(engine: Engine) -> None:
    """Makes the tables or brings them up to date. Safe when several processes start at once.

    Raises:
        ConfigurationError: The database was made by a later version of this program.
        DatabaseUnavailable: The database does not answer, or others use the tables without an end.
    """
    if is_current(engine):
        return
    from authz_service.storage.migrating import bring_up_to_date  # noqa: PLC0415 - Alembic is a fifth of a start, and old tables are rare

    bring_up_to_date(engine)


def is_current(engine: Engine) -> bool:
    """Whether the tables serve this version: they are those that it expects, or later ones that say so.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    revision, oldest = revision_of(engine)
    return revision == REVISION or (revision is not None and oldest is not None and oldest <= REVISION < revision)


def revision_of(engine: Engine) -> tuple[str | None, str | None]:
    """The last migration of the tables, and that of the oldest program which they serve; None where there is none.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    with reading(engine) as connection:
        return _single(connection, _MIGRATED, "version_num"), _single(connection, _SERVED, "oldest")


def _single(connection: Connection, name: str, value: str) -> str | None:
    if not inspect(connection).has_table(name):
        return None
    return connection.scalar(select(column(value, String)).select_from(table(name)))


def version_of(engine: Engine) -> str:
    """The kind and version of the database.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    is_sqlite = engine.dialect.name == "sqlite"
    with reading(engine) as connection:
        version = connection.exec_driver_sql("SELECT sqlite_version()" if is_sqlite else "SHOW server_version")
        return f"{'SQLite' if is_sqlite else 'PostgreSQL'} {version.scalar_one()}"


def sqlite_file(engine: Engine) -> Path | None:
    """The file of a SQLite database, None where there is none."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:":
        return None
    return Path(name)


def _connect_sqlite(url: URL, *, writes_much: bool) -> Engine:
    in_memory = not url.database or url.database == ":memory:"
    arguments: dict[str, Any] = {"connect_args": {"timeout": LOCK_WAIT_SECONDS}}
    if in_memory:
        # The data lives and dies with its one connection, which threads take in turns.
        arguments["connect_args"]["check_same_thread"] = False
        arguments |= {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
    elif url.database:
        arguments |= {"pool_size": POOL_SIZE}
        _make_private_file(Path(url.database))
    engine = create_engine(url, hide_parameters=True, **arguments)
    event.listen(engine, "connect", _set_up_sqlite)
    if writes_much:
        event.listen(engine, "connect", _set_up_much_writing)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private_file(path: Path) -> None:
    # SQLite gives its journal files the permissions of the database.
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ConfigurationError(f"the database file {path} cannot be opened: {error.strerror}") from error


def _set_up_sqlite(connection: SQLiteConnection, _record: object) -> None:
    # The driver begins transactions late and not for reads; `_begin_sqlite` begins them all.
    connection.isolation_level = None
    _use_write_ahead_log(connection)
    # With a write-ahead log anything less may lose a change that was answered, when the power fails.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _set_up_much_writing(connection: SQLiteConnection, _record: object) -> None:
    connection.execute(f"PRAGMA cache_size = -{_MUCH_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_MUCH_KIB // _PAGE_KIB}")


def _use_write_ahead_log(connection: SQLiteConnection) -> None:
    # Other statements wait for a lock; this one fails at once when a second process is just starting.
    give_up = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except SQLiteOperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    # Taken first, the write lock waits for other writers; taken later, it fails if one came in between.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
