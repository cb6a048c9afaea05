"""Many rows at once, by the shortest way that each database has."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Table, insert, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

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


# What PostgreSQL keeps up with each row: the references of tables and to them, and then the indexes of tables, with the
# constraints that these are of. What its administrator has set of an index stays, as the words for it leave that out.
_KEPT_UP = text("""
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
                  pg_get_constraintdef(oid)) AS make,
           1 AS place
    FROM pg_constraint
    WHERE contype = 'f' AND (conrelid = ANY (:tables ::regclass[]) OR confrelid = ANY (:tables ::regclass[]))
    UNION ALL
    SELECT CASE WHEN conname IS NULL THEN format('DROP INDEX %s', indexrelid::regclass)
                ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', indrelid::regclass, conname) END,
           CASE WHEN conname IS NULL THEN pg_get_indexdef(indexrelid)
                ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', indrelid::regclass, conname,
                            pg_get_constraintdef(pg_constraint.oid)) END,
           2
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    LEFT JOIN pg_constraint ON conindid = indexrelid AND contype IN ('p', 'u')
    WHERE indrelid = ANY (:tables ::regclass[])
      AND reltablespace = 0 AND reloptions IS NULL AND NOT indisreplident AND NOT indisclustered
    ORDER BY place
""")


@contextmanager
def keys_made_afterwards(connection: Connection, tables: Iterable[Table]) -> Iterator[bool]:
    """Has PostgreSQL make the indexes of empty tables, and look for what rows refer to, once, at the end of the block.

    Row by row, that takes longer than to write the rows. Until the transaction ends nobody else reads these tables, nor
    those that refer to them; that is so where it gives True. Where somebody goes on using one, or they are another
    role's, it gives False, and it is done row by row all the same.

    Raises:
        sqlalchemy.exc.IntegrityError: Something is there twice, or refers to what is not there.
    """
    try:
        with connection.begin_nested():
            # As the database has them: a later version of this program may have made them.
            kept_up = connection.execute(_KEPT_UP, {"tables": [table.name for table in tables]}).all()
            connection.execute(WAIT_BRIEFLY)
            for each in kept_up:
                connection.exec_driver_sql(each.drop)
    except DBAPIError:
        kept_up = []
    yield bool(kept_up)
    for each in reversed(kept_up):
        connection.exec_driver_sql(each.make)


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
