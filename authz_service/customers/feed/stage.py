"""Temporary tables for the changes of a batch, beside those for what an import has read."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType

from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, MetaData, String, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from authz_service.customers.feed.changes import Change, Key
from authz_service.customers.staging import PEOPLE, Row, Stage, analyze_tables, empty_tables, staging_tables
from authz_service.storage.bulk import add_rows

metadata = MetaData()

staged_changes = Table(
    "staged_changes",
    metadata,
    Column("kind", String, nullable=False),
    Column("id", String, nullable=False),
    Column("source", String, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("code_sequence", BigInteger),
    Column("line", Integer, nullable=False),
    # What is there goes first, also where a later change brings it anew.
    Column("is_deleted", Boolean, nullable=False),
    Column("is_there_after", Boolean, nullable=False),
    prefixes=["TEMPORARY"],
)


class FeedStage:
    """The tables on one connection."""

    def __init__(self, connection: Connection, stage: Stage) -> None:
        self._connection = connection
        self._stage = stage

    def place(
        self,
        changes: Collection[Change],
        deleted: Collection[Key],
        leaving: Collection[Change],
        code_sequences: Mapping[Key, int],
    ) -> None:
        """Has these changes staged and no others, one at most of an object.

        Args:
            changes: The newest of each object.
            deleted: The objects that went, be it that they have come anew.
            leaving: People who are to go, and are there for others to name until then.
            code_sequences: Where in the sequence the activation code of a customer was issued or went.
        """
        self._stage.clear()
        rows: defaultdict[str, list[Row]] = defaultdict(list)
        for change in leaving:
            if change.rows is not None:
                rows[PEOPLE] += change.rows[PEOPLE]
        for change in changes:
            for table, of_table in (change.rows or {}).items():
                rows[table] += of_table
        self._stage.add(rows)
        self.place_keys(changes, deleted, code_sequences)
        self._stage.analyze()

    def place_keys(
        self,
        changes: Collection[Change],
        deleted: Collection[Key] = (),
        code_sequences: Mapping[Key, int] = MappingProxyType({}),
    ) -> None:
        """The same without what the changes say."""
        empty_tables(self._connection, [staged_changes])
        rows = [
            (
                *(key := change.key),
                change.source,
                change.sequence,
                code_sequences.get(key),
                change.line,
                key in deleted,
                change.rows is not None,
            )
            for change in changes
        ]
        if rows:
            add_rows(self._connection, staged_changes, rows)
        analyze_tables(self._connection, [staged_changes])


@contextmanager
def feed_stage(connection: Connection) -> Iterator[FeedStage]:
    """The tables are there within the block, on this connection alone."""
    with staging_tables(connection) as stage:
        with connection.begin():
            connection.execute(CreateTable(staged_changes))
            stage.prepare_for_questions()
        try:
            yield FeedStage(connection, stage)
        finally:
            # A connection that is lost takes its temporary tables along.
            with suppress(DBAPIError), connection.begin():
                metadata.drop_all(connection, checkfirst=False)
