"""Loads what the chains of a folder hold into the database, where it can be searched."""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, Engine, Table, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from authz_service import strict_json
from authz_service.journal.chain import genesis, link
from authz_service.journal.checkpoint import SignedCheckpoint
from authz_service.journal.folder import chains_in, number_of, segment_file, segments_of
from authz_service.journal.lines import Header, KeptEntry, Line, NotALine, parse_line
from authz_service.journal.partitions import Partitions
from authz_service.journal.shadow_counts import count_shadows
from authz_service.questions import Ruling
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import journal_chains, journal_checkpoints, journal_entries, journal_rulings
from authz_service.strict_json import NotJson

log = structlog.get_logger()

SINGLE = -1
"""The item of an entry that is none of a call of several."""

_CHUNK_BYTES = 1024 * 1024
# Without the ids of years after 9773, as not every one of those can be a date.
_BEGINNING = re.compile(rb'\{"id":"([0-6][0-9A-HJKMNP-TV-Z]{25})",(?:"item":(0|[1-9]\d{0,8}),)?')
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Position(NamedTuple):
    """How far a chain has been read.

    Attributes:
        number: Its number in the database.
        segment: The number of the segment.
        bytes: How much of it.
        sequence: The number of the last entry.
        head: Its hash, in hexadecimal.
    """

    number: int
    segment: int
    bytes: int
    sequence: int
    head: str


_NOTHING = Position(0, 0, 0, 0, "")


class Row(NamedTuple):
    """An entry as the database has it."""

    id: str
    item: int
    chain: int
    sequence: int
    hash: str
    body: str


class Indexer:
    """Reads the chains of a folder to their ends, again and again.

    Args:
        database: Where to.
        folder: The folder of the journal, which no other indexer reads.
    """

    def __init__(self, database: Engine, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._partitions = Partitions()

    def catch_up(self) -> int:
        """Loads what is new; returns how many entries.

        Raises:
            DatabaseUnavailable: The database does not answer.
        """
        chains = chains_in(self._folder)
        with reading(self._database) as connection:
            positions = positions_of(connection)
        return sum(self._read(chain, positions.get(chain.name)) for chain in chains)

    def _read(self, chain: Path, position: Position | None) -> int:
        count = 0
        segment, start = (position.segment, position.bytes) if position else (_first(chain), 0)
        while segment is not None:
            # Once the next segment is there, nobody writes this one: in this order, nothing of it is missed.
            has_next = segment_file(chain, segment + 1).exists()
            data = _chunk(segment_file(chain, segment), start)
            if data:
                position, loaded = self._load(chain.name, segment, position, data)
                start = position.bytes
                count += loaded
            elif has_next:
                segment, start = segment + 1, 0
            else:
                break
        return count

    def _load(self, chain: str, segment: int, position: Position | None, data: bytes) -> tuple[Position, int]:
        with writing(self._database) as connection:
            lines = list(_lines(data, segment_file(self._folder / chain, segment)))
            if position is None:
                position = _begin(connection, chain, segment, lines[0] if lines else None)
            entries = [line for line in lines if isinstance(line, KeptEntry)]
            rows = list(_rows(entries, chain, position))
            months = self._partitions.make_for(connection, (row.id for row in rows))
            _insert(connection, rows)
            _insert_rulings(connection, [line for line in lines if isinstance(line, Ruling)])
            _insert_checkpoints(connection, position.number, [x for x in lines if isinstance(x, SignedCheckpoint)])
            count_shadows(connection, [row.body for row in rows])
            position = position._replace(
                segment=segment, bytes=(position.bytes if position.segment == segment else 0) + len(data)
            )
            if entries:
                position = position._replace(sequence=entries[-1].sequence, head=entries[-1].hash)
            reached = {name: value for name, value in position._asdict().items() if name != "number"}
            connection.execute(update(journal_chains).where(journal_chains.c.number == position.number).values(reached))
        self._partitions.are_made(months)
        return position, len(rows)


def positions_of(connection: Connection) -> dict[str, Position]:
    """How far each chain has been read, by its name."""
    return {
        row.chain: Position(row.number, row.segment, row.bytes, row.sequence, row.head)
        for row in connection.execute(select(journal_chains))
    }


def count_entries(database: Engine) -> int:
    """How many entries have been loaded, ever.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    with reading(database) as connection:
        return int(connection.scalar(select(func.sum(journal_chains.c.sequence))) or 0)


def bytes_behind(database: Engine, folder: Path) -> int:
    """How many bytes of the chains in the folder have not been loaded yet.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    with reading(database) as connection:
        positions = positions_of(connection)
    behind = 0
    for chain in chains_in(folder):
        position = positions.get(chain.name, _NOTHING)
        for segment in segments_of(chain):
            if number_of(segment) >= position.segment:
                behind += segment.stat().st_size
            if number_of(segment) == position.segment:
                behind -= position.bytes
    return behind


def _first(chain: Path) -> int | None:
    segments = segments_of(chain)
    return number_of(segments[0]) if segments else None


def _chunk(file: Path, start: int) -> bytes:
    """Whole lines, from there on; empty where there is none."""
    try:
        opened = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return b""
    try:
        size = _CHUNK_BYTES
        while True:
            data = os.pread(opened, size, start)
            end = data.rfind(b"\n") + 1
            if end or len(data) < size:
                break
            size *= 2
        if end:
            # What the database knows, the files are not to lose.
            os.fdatasync(opened)
        return data[:end]
    finally:
        os.close(opened)


def _lines(data: bytes, file: Path) -> Iterator[Line]:
    for line in data[:-1].split(b"\n"):
        try:
            yield parse_line(line)
        except NotALine:
            log.error("journal.line_is_wrong", segment=str(file))  # noqa: TRY400 - the place tells all


def _rows(entries: Sequence[KeptEntry], chain: str, position: Position) -> Iterator[Row]:
    head = bytes.fromhex(position.head)
    for entry in entries:
        head = link(head, entry.body)
        if head.hex() != entry.hash:
            log.error(
                "journal.entry_is_wrong", chain=chain, sequence=entry.sequence, look="authz-service journal verify"
            )
            head = bytes.fromhex(entry.hash)
        beginning = _BEGINNING.match(entry.body)
        # What is wrong is loaded all the same, as long as a database takes it: it shows what has been done.
        if beginning and _is_taken(entry.body):
            item = int(beginning[2]) if beginning[2] else SINGLE
            yield Row(beginning[1].decode(), item, position.number, entry.sequence, entry.hash, entry.body.decode())


def _is_taken(body: bytes) -> bool:
    """Whether every database takes it, also where its hash is right: anybody can make one."""
    try:
        strict_json.loads(body)
    except NotJson:
        return False
    return body.isascii() and _NUL.search(body) is None


def _is_right(ruling: Ruling) -> bool:
    # Another one would keep the right one out for good.
    if hashlib.sha256(ruling.content).hexdigest() != ruling.digest:
        return False
    try:
        return ruling.content.isascii() and isinstance(json.loads(ruling.content), dict)
    except (ValueError, RecursionError):
        return False


def _begin(connection: Connection, chain: str, segment: int, line: Line | None) -> Position:
    position = _NOTHING._replace(segment=segment, head=genesis(chain).hex())
    if isinstance(line, Header) and segment > 1:
        # The segments before have been put away.
        position = position._replace(sequence=line.first - 1, head=line.previous)
    values = {name: value for name, value in position._asdict().items() if name != "number"}
    made = journal_chains.insert().values(chain=chain, **values)
    number: int = connection.execute(made.returning(journal_chains.c.number)).scalar_one()
    return position._replace(number=number)


def _insert(connection: Connection, rows: Sequence[Row]) -> None:
    if not rows:
        return
    columns = ", ".join(Row._fields)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(Row._fields))
        connection.exec_driver_sql(
            f"INSERT OR IGNORE INTO {journal_entries.name} ({columns}) VALUES ({marks})",  # noqa: S608 - names of ours
            [tuple(row) for row in rows],
        )
        return
    arrays = "%s::text[], %s::int[], %s::int[], %s::bigint[], %s::text[], %s::json[]"
    connection.exec_driver_sql(
        f"INSERT INTO {journal_entries.name} ({columns}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING",  # noqa: S608 - names of ours
        tuple(list(column) for column in zip(*rows, strict=True)),
    )


def _insert_rulings(connection: Connection, rulings: Sequence[Ruling]) -> None:
    values = []
    for ruling in rulings:
        if _is_right(ruling):
            values.append({"digest": ruling.digest, "content": ruling.content.decode()})
        else:
            log.error("journal.ruling_is_wrong", digest=ruling.digest, look="authz-service journal verify")
    if values:
        connection.execute(_inserting(connection, journal_rulings), values)


def _insert_checkpoints(connection: Connection, chain: int, signed: Sequence[SignedCheckpoint]) -> None:
    values = []
    for each in signed:
        try:
            checkpoint = each.read()
        except ValueError:
            continue
        values.append(
            {
                "chain": chain,
                "block": checkpoint.block,
                "last": checkpoint.last,
                "at": datetime.fromisoformat(checkpoint.at),
                "signature": each.signature,
                "payload": each.payload.decode(),
            }
        )
    if values:
        connection.execute(_inserting(connection, journal_checkpoints), values)


def _inserting(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()
