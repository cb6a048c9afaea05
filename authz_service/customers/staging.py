"""Temporary tables that hold what an import has read until all of it is known to be right.

A record with a fault is staged too, as far as it can be read, so that what refers to it or clashes with it is
judged as if it were mended. Nothing is moved on from here while there is any fault.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
)
from sqlalchemy.exc import DBAPIError

metadata = MetaData()


def _staged(name: str, *columns: Column[str] | Column[int] | Column[bool]) -> Table:
    """A table whose every row knows where it was read.

    `place` counts all rows in the order of reading, `file` is an index, `line` is that of what names the row,
    `record` the index of the object in its list or null, `item` the index in a list inside the object.
    """
    return Table(
        name,
        metadata,
        Column("place", Integer, primary_key=True, autoincrement=False),
        Column("file", Integer, nullable=False),
        Column("line", Integer, nullable=False),
        Column("record", Integer),
        Column("item", Integer),
        *columns,
        prefixes=["TEMPORARY"],
    )


people = _staged(
    "staged_people",
    Column("id", String, index=True),
    Column("name", String),
    Column("email", String),
    Column("language", String),
)

other_provider_numbers = _staged(
    "staged_other_provider_numbers", Column("number", String, index=True), Column("person", String)
)

options = _staged(
    "staged_options",
    Column("id", String, index=True),
    Column("name", String),
    Column("subscription_kind", String),
    Column("price_cents", Integer),
)

customers = _staged(
    "staged_customers",
    Column("number", String, index=True),
    Column("name", String),
    Column("kind", String),
    Column("activation_digest", String),
    Column("is_faultless", Boolean, nullable=False),
)

members = _staged(
    "staged_members",
    Column("customer_number", String, index=True),
    Column("person", String),
    Column("role", String),
    Column("customer_kind", String),
)

subscriptions = _staged(
    "staged_subscriptions",
    Column("customer_number", String),
    Column("id", String, index=True),
    Column("kind", String),
    Column("number", String, index=True),
    Column("number_line", Integer),
    Column("holder", String),
    Column("plan", String),
    Column("paid_by", String),
)


@contextmanager
def staging_tables(connection: Connection) -> Iterator[None]:
    """The tables are there within the block, on this connection alone."""
    with connection.begin():
        metadata.create_all(connection, checkfirst=False)
    try:
        yield
    finally:
        # A connection that is lost takes its temporary tables along.
        with suppress(DBAPIError), connection.begin():
            metadata.drop_all(connection, checkfirst=False)
