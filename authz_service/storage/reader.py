"""Reads with the database's own driver: for the one statement that every decision waits for."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from authz_service.errors import DatabaseUnavailable
from authz_service.storage.database import POOL_SIZE

Row = tuple[Any, ...]


class Reader:
    """Gives single statements that only read to the driver as they are. Each sees one state of the data by itself.

    On PostgreSQL it has connections of its own, which are in no transaction and are not asked first whether they still
    hold: where one does not, the statement is given once more to a new one. They go when the engine is disposed of.

    Attributes:
        dialect: The name of the database's kind, on which the statement depends.
    """

    def __init__(self, engine: Engine) -> None:
        self.dialect = engine.dialect.name
        self._pool = engine
        if self.dialect == "postgresql":
            self._pool = create_engine(
                engine.url,
                hide_parameters=True,
                isolation_level="AUTOCOMMIT",
                pool_reset_on_return=None,
                pool_size=POOL_SIZE,
            )
            event.listen(engine, "engine_disposed", lambda _: self._pool.dispose())
        self._driver_error = self._pool.dialect.loaded_dbapi.Error

    def rows(self, statement: str, parameters: Sequence[object]) -> list[Row]:
        """All rows of a statement in the driver's own words.

        Raises:
            DatabaseUnavailable: The database does not answer, or cannot be used.
        """
        try:
            try:
                return self._rows(statement, parameters)
            except _ConnectionLost:
                return self._rows(statement, parameters)
        except (DBAPIError, PoolTimeoutError, _ConnectionLost, self._driver_error) as error:
            raise DatabaseUnavailable("The database does not answer or cannot be used.") from error

    def _rows(self, statement: str, parameters: Sequence[object]) -> list[Row]:
        connection = self._pool.raw_connection()
        driver: Any = connection.driver_connection
        try:
            rows: list[Row] = driver.execute(statement, parameters).fetchall()
        except self._driver_error as error:
            if not self._pool.dialect.is_disconnect(error, driver, None):
                raise
            connection.invalidate(error)
            # The others are as old.
            self._pool.dispose()
            raise _ConnectionLost from error
        finally:
            connection.close()
        return rows


class _ConnectionLost(Exception):
    """Another connection may do."""
