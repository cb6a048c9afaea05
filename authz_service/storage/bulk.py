"""Many rows at once, by the shortest way that each database has."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, ForeignKeyConstraint, MetaData, Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import AddConstraint, DropConstraint

from authz_service.errors import Conflict, DatabaseUnavailable
from authz_service.storage.database import WAIT_BRIEFLY, said_by, writing

log = structlog.get_logger()


def add_rows(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Adds rows of strings, integers, booleans and None, which go to the driver as they are.

    Args:
        connection: In a transaction.
        table: Where to.
        rows: At least one. Each has the values of all columns in their order.

    Raises:
        DatabaseUnavailable: PostgreSQL does not take them.
    """
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
    else:
        statement = str(insert(table).compile(dialect=connection.dialect))
        connection.exec_driver_sql(statement, list(rows))


@contextmanager
def references_checked_together(connection: Connection, tables: Iterable[Table]) -> Iterator[bool]:
    """Has PostgreSQL look for what the foreign keys of tables refer to once, at the end of the block, for all rows.

    Row by row, that takes longer than to write the rows. Until the transaction ends nobody else reads the tables that
    refer to another or are referred to; that is so where it gives True. Where somebody goes on using one, or they are
    another role's, it gives False, and it is done row by row all the same.

    Raises:
        sqlalchemy.exc.IntegrityError: Something refers to what is not there.
    """
    try:
        with connection.begin_nested():
            references = _references(connection, tables)
            connection.execute(WAIT_BRIEFLY)
            for each in references:
                connection.execute(DropConstraint(each))
    except DBAPIError:
        references = []
    yield bool(references)
    for each in references:
        connection.execute(AddConstraint(each))


def _references(connection: Connection, tables: Iterable[Table]) -> list[ForeignKeyConstraint]:
    # As the database has them: a later version of this program may have made them.
    found = MetaData()
    found.reflect(connection, only=[table.name for table in tables])
    return [reference for table in found.tables.values() for reference in table.foreign_key_constraints]


def insert_or_update(connection: Connection, table: Table) -> Any:  # noqa: ANN401 - one class for each database
    """An INSERT in the words of the database, which have `excluded` and `on_conflict_do_update` for both."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def analyze(engine: Engine, tables: Iterable[Table]) -> None:
    """Has PostgreSQL look at what is in the tables: without, it goes by guesses until it comes to it by itself.

    SQLite finds rows by index without, and would go on by what it saw of small tables when they have become large.
    Where it does not succeed, it is logged and no error, as what has been stored is stored.
    """
    if engine.dialect.name != "postgresql":
        return
    try:
        with writing(engine) as connection:
            for table in tables:
                connection.exec_driver_sql(f"ANALYZE {table.name}")
    except (Conflict, DatabaseUnavailable) as error:
        log.warning("tables.not_analyzed", reason=error.for_operators())


def _copy(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    cursor: Any = connection.connection.cursor()
    name = connection.dialect.identifier_preparer.format_table(table)
    try:
        with cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        raise DatabaseUnavailable(more=said_by(error)) from error
