"""Temporary tables that hold what an import has read until all of it is known to be right.

A record with a fault is staged too, as far as it can be read, so that what refers to it or clashes with it is
judged as if it were mended. Nothing is moved on from here while there is any fault.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import TypeAlias

from sqlalchemy import Boolean, Column, Connection, Integer, MetaData, String, Table, cast, delete, func, select
from sqlalchemy.dialects.postgresql import REGCLASS
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateTable

from authz_service.storage.bulk import add_rows

Row: TypeAlias = tuple[object, ...]
"""The values of a table's columns in their order, but for `place`."""

Rows: TypeAlias = dict[str, list[Row]]
"""By the name of their table, each in the order of reading."""

PEOPLE = "staged_people"
OTHER_PROVIDER_NUMBERS = "staged_other_provider_numbers"
OPTIONS = "staged_options"
CUSTOMERS = "staged_customers"
MEMBERS = "staged_members"
SUBSCRIPTIONS = "staged_subscriptions"

metadata = MetaData()


_COLUMNS_OF_PLACE = 5
_MUCH_BYTES = 64 * 1024


def _staged(name: str, *columns: Column[str] | Column[int] | Column[bool]) -> Table:
    """A table whose every row knows where it was read.

    `place` counts the rows of the table in the order of reading, `file` is an index, `line` is that of what names
    the row, `record` the index of the object in its list or null, `item` the index in a list inside the object.
    """
    return Table(
        name,
        metadata,
        Column("place", Integer, nullable=False),
        Column("file", Integer, nullable=False),
        Column("line", Integer, nullable=False),
        Column("record", Integer),
        Column("item", Integer),
        *columns,
        prefixes=["TEMPORARY"],
    )


people = _staged(
    PEOPLE,
    Column("id", String, index=True),
    Column("name", String),
    Column("email", String),
    Column("language", String),
)

other_provider_numbers = _staged(OTHER_PROVIDER_NUMBERS, Column("number", String, index=True), Column("person", String))

options = _staged(
    OPTIONS,
    Column("id", String, index=True),
    Column("name", String),
    Column("subscription_kind", String),
    Column("price_cents", Integer),
)

customers = _staged(
    CUSTOMERS,
    Column("number", String, index=True),
    Column("name", String),
    Column("kind", String),
    Column("activation_digest", String),
    Column("is_faultless", Boolean, nullable=False),
)

members = _staged(
    MEMBERS,
    Column("customer_number", String, index=True),
    Column("person", String),
    Column("role", String),
    Column("customer_kind", String),
)

subscriptions = _staged(
    SUBSCRIPTIONS,
    Column("customer_number", String),
    Column("id", String, index=True),
    Column("kind", String),
    Column("number", String, index=True),
    Column("number_line", Integer),
    Column("holder", String),
    Column("plan", String),
    Column("paid_by", String),
)


def own_columns(table: Table) -> list[str]:
    """Those that are not about where a row was read."""
    return table.c.keys()[_COLUMNS_OF_PLACE:]


class Stage:
    """The tables on one connection, from empty to full."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._places = {name: count() for name in metadata.tables}

    def add(self, rows: Rows) -> None:
        for name, of_table in rows.items():
            if of_table:
                placed = [(place, *row) for row, place in zip(of_table, self._places[name], strict=False)]
                add_rows(self._connection, metadata.tables[name], placed)

    def prepare_for_questions(self) -> None:
        """Has the database find rows fast; it is done once when all are there, which is cheaper than with each."""
        for table in metadata.sorted_tables:
            for index in table.indexes:
                self._connection.execute(CreateIndex(index))
        self.analyze()

    def analyze(self) -> None:
        analyze_tables(self._connection, metadata.sorted_tables)

    def clear(self) -> None:
        """Takes all out again."""
        empty_tables(self._connection, metadata.sorted_tables)


def analyze_tables(connection: Connection, tables: Iterable[Table]) -> None:
    """Has PostgreSQL look at what is there: it joins whole tables, and has to know how large they are."""
    if connection.dialect.name == "postgresql":
        for table in tables:
            connection.exec_driver_sql(f"ANALYZE {table.name}")


def empty_tables(connection: Connection, tables: Sequence[Table]) -> None:
    """Takes all rows out of temporary tables, and gives much room back, which PostgreSQL would not do by itself."""
    sizes = _sizes(connection, tables) if connection.dialect.name == "postgresql" else dict.fromkeys(tables, 1)
    for table, size in sizes.items():
        if size > _MUCH_BYTES:
            # With its files, each of which PostgreSQL makes anew: that takes milliseconds.
            connection.exec_driver_sql(f"TRUNCATE {table.name}")
        elif size:
            connection.execute(delete(table))


def _sizes(connection: Connection, tables: Sequence[Table]) -> dict[Table, int]:
    """The bytes of each, with rows that are no more there."""
    sizes = [func.pg_relation_size(cast(f"pg_temp.{table.name}", REGCLASS)) for table in tables]
    return dict(zip(tables, connection.execute(select(*sizes)).one(), strict=True))


@contextmanager
def staging_tables(connection: Connection) -> Iterator[Stage]:
    """The tables are there within the block, on this connection alone."""
    with connection.begin():
        for table in metadata.sorted_tables:
            connection.execute(CreateTable(table))
    try:
        yield Stage(connection)
    finally:
        # A connection that is lost takes its temporary tables along.
        with suppress(DBAPIError), connection.begin():
            metadata.drop_all(connection, checkfirst=False)
