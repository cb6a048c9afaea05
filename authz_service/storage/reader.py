"""Reads with the database's own driver: for the one statement that every decision waits for."""

from collections.abc import Sequence
from sqlite3 import Connection as SQLiteConnection
from time import monotonic
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, PoolProxiedConnection, QueuePool, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from authz_service.errors import DatabaseUnavailable
from authz_service.storage.connections import CONNECTIONS, DECISIONS
from authz_service.storage.database import POOL_SIZE, connect, said_by, sqlite_file
from authz_service.telemetry.tally import Tally

if TYPE_CHECKING:
    import psycopg

Row = tuple[Any, ...]

# A connection that no longer holds says so when it is used; one that is lost later has been waited for enough.
_AT_ONCE_SECONDS = 1.0


class Reader:
    """Gives single statements that only read to the driver as they are. Each sees one state of the data by itself.

    It keeps connections of its own, one for each thread that reads at the same time. They are in no transaction, and
    are not asked first whether they still hold: where one is found lost at once, the statement is given once more to a
    new one. One that takes too long is not. They go when the engine is disposed of.

    Attributes:
        dialect: The name of the database's kind, on which the statement depends.

    Args:
        engine: The database.
        tally: Tells how many connections it has.
    """

    def __init__(self, engine: Engine, tally: Tally | None = None) -> None:
        self.dialect = engine.dialect.name
        self._engine = _own(engine)
        # A database in memory has one connection, which others need as well.
        self._keeps = self._engine is not engine
        self._kept: list[PoolProxiedConnection] = []
        self._driver_error = self._engine.dialect.loaded_dbapi.Error
        event.listen(engine, "engine_disposed", lambda _: self._let_go())
        pool = self._engine.pool
        if tally and self._keeps and isinstance(pool, QueuePool):
            tally.gauge(lambda: pool.checkedout() - len(self._kept), CONNECTIONS, DECISIONS, "in_use")
            tally.gauge(lambda: len(self._kept), CONNECTIONS, DECISIONS, "idle")

    def rows(self, statement: str, parameters: Sequence[object]) -> list[Row]:
        """All rows of a statement in the driver's own words.

        Raises:
            DatabaseUnavailable: The database does not answer, or cannot be used.
        """
        began = monotonic()
        try:
            try:
                return self._rows(statement, parameters)
            except _ConnectionLost:
                if monotonic() - began > _AT_ONCE_SECONDS:
                    raise
                return self._rows(statement, parameters)
        except (DBAPIError, PoolTimeoutError, _ConnectionLost, self._driver_error) as error:
            raise DatabaseUnavailable(more=said_by(error)) from error

    def _rows(self, statement: str, parameters: Sequence[object]) -> list[Row]:
        try:
            connection = self._kept.pop()
        except IndexError:
            connection = self._engine.raw_connection()
        driver: Any = connection.driver_connection
        try:
            rows: list[Row] = driver.execute(statement, parameters).fetchall()
        except self._driver_error as error:
            if not self._engine.dialect.is_disconnect(error, driver, None):
                raise
            connection.invalidate(error)
            # The others are as old.
            self._let_go()
            raise _ConnectionLost from error
        finally:
            if self._keeps and connection.is_valid:
                self._kept.append(connection)
            else:
                connection.close()
        return rows

    def _let_go(self) -> None:
        while self._kept:
            self._kept.pop().close()
        if self._keeps:
            self._engine.dispose()


class _ConnectionLost(Exception):
    """Another connection may do."""


def _own(engine: Engine) -> Engine:
    """An engine for connections to the same database in which no transaction is begun; the same one in memory."""
    if engine.dialect.name == "sqlite":
        if sqlite_file(engine) is None:
            return engine
        own = connect(engine.url.render_as_string(hide_password=False))
        event.listen(own, "connect", _cache_little)
        return own
    from authz_service.storage import postgresql  # noqa: PLC0415 - costs time, and most do without

    own = postgresql.make_engine(
        engine.url,
        answers=True,
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
        pool_size=POOL_SIZE,
    )
    event.listen(own, "connect", _plan_once)
    return own


def _cache_little(connection: SQLiteConnection, _record: object) -> None:
    # Each connection has a cache of its own, and a worker many: more of it makes no decision quicker, as whoever is
    # asked about next is somewhere else.
    connection.execute("PRAGMA cache_size = -750")


def _plan_once(connection: "psycopg.Connection[Any]", _record: object) -> None:
    # The few rows that a question is about are found by index, whoever is asked about and whatever the statistics say:
    # planning that anew for each question would take longer than finding them.
    connection.execute("SET plan_cache_mode = force_generic_plan")
    connection.execute("SET enable_seqscan = off")
    connection.execute("SET jit = off")
