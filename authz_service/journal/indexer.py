"""Loads what the chains of a folder hold into the database, where it can be searched."""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias

import structlog
from sqlalchemy import Connection, Engine, func, select, update

from authz_service.journal.chain import genesis
from authz_service.journal.checkpoint import SignedCheckpoint
from authz_service.journal.folder import chains_in, number_of, segment_file, segments_of
from authz_service.journal.lines import Header, NotALine, parse_line
from authz_service.journal.loading import (
    NewEntries,
    Position,
    insert_checkpoints,
    insert_entries,
    insert_rulings,
    read_lines,
)
from authz_service.journal.partitions import Partitions
from authz_service.journal.shadow_counts import count_shadows
from authz_service.questions import Ruling
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import journal_chains

log = structlog.get_logger()

_CHUNK_BYTES = 1024 * 1024
# The database may become another one, from a backup, while nothing comes.
_LOOK_ANYWAY_SECONDS = 5.0


NOTHING = Position(0, 0, 0, 0, "")


_State: TypeAlias = tuple[int, int]
"""Of a file or folder, when it was changed, in nanoseconds, and its size in bytes."""


class _New(NamedTuple):
    """What has been read of a segment and not been loaded, and whether there was more."""

    chain: str
    segment: int
    start: int
    data: bytes
    has_more: bool


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
        # What files were like when all that is in them had been loaded, and until when they tell that nothing is new.
        self._loaded: dict[Path, _State] = {}
        self._tell_until = 0.0

    def catch_up(self, *, has_to_look: bool = False) -> int:
        """Loads what is new; returns how many entries.

        Args:
            has_to_look: Whether the database is to be asked also where no file has changed since, because it may have
                become another one.

        Raises:
            DatabaseUnavailable: The database does not answer.
        """
        do_files_tell = self._loaded and not has_to_look and time.monotonic() < self._tell_until
        if do_files_tell and self._loaded == _states(self._loaded):
            return 0
        self._loaded = {}
        # Before they are read: what comes meanwhile is seen the next time.
        states = _states(_paths_that_change(self._folder))
        count = self._catch_up()
        self._loaded, self._tell_until = states, time.monotonic() + _LOOK_ANYWAY_SECONDS
        return count

    def _catch_up(self) -> int:
        count = 0
        while True:
            with reading(self._database) as connection:
                positions = positions_of(connection)
            chains = chains_in(self._folder)
            news = [new for chain in chains if (new := _new(chain, positions.get(chain.name)))]
            if not news:
                return count
            # All chains together, as a database writes much for little.
            with writing(self._database) as connection:
                months: set[tuple[int, int]] = set()
                loaded = [self._load(connection, new, positions.get(new.chain), months) for new in news]
                insert_entries(connection, loaded)
                count += sum(len(entries.rows) for entries in loaded)
            self._partitions.are_made(months)
            # What has come meanwhile is for the next time, with what comes then.
            if not any(new.has_more for new in news):
                return count

    def _load(
        self, connection: Connection, new: _New, position: Position | None, months: set[tuple[int, int]]
    ) -> NewEntries:
        """Loads all but the entries, and returns those."""
        file = segment_file(self._folder / new.chain, new.segment)
        position = position or _begin(connection, new.chain, new.segment, new.data)
        entries, unusual, others, sequence, head = read_lines(new.data, file, position)
        months |= self._partitions.make_for(connection, entries.ids)
        insert_rulings(connection, [line for line in others if isinstance(line, Ruling)])
        insert_checkpoints(connection, position.number, [x for x in others if isinstance(x, SignedCheckpoint)])
        count_shadows(connection, unusual)
        reached = {"segment": new.segment, "bytes": new.start + len(new.data), "sequence": sequence, "head": head}
        connection.execute(update(journal_chains).where(journal_chains.c.number == position.number).values(reached))
        return entries


def _paths_that_change(folder: Path) -> list[Path]:
    """Those of which one changes whenever there is something new: a chain, a segment or an entry."""
    chains = chains_in(folder)
    return [folder, *chains, *(segment for chain in chains for segment in segments_of(chain)[-1:])]


def _states(paths: Iterable[Path]) -> "dict[Path, _State]":
    states = {}
    for path in paths:
        # What is gone has been pruned, or put away.
        with suppress(FileNotFoundError):
            state = path.stat()
            states[path] = state.st_mtime_ns, state.st_size
    return states


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


def _new(chain: Path, position: Position | None) -> _New | None:
    """What comes next in a chain; None where that is nothing yet."""
    segment, start = (position.segment, position.bytes) if position else (_first(chain), 0)
    while segment is not None:
        # Once the next segment is there, nobody writes this one: in this order, nothing of it is missed.
        has_next = segment_file(chain, segment + 1).exists()
        data, has_more = _chunk(segment_file(chain, segment), start)
        if data:
            return _New(chain.name, segment, start, data, has_more or has_next)
        if not has_next:
            return None
        segment, start = segment + 1, 0
    return None


def _first(chain: Path) -> int | None:
    segments = segments_of(chain)
    return number_of(segments[0]) if segments else None


def _chunk(file: Path, start: int) -> tuple[bytes, bool]:
    """Whole lines, from there on, empty where there is none; and whether there is more than that."""
    try:
        opened = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return b"", False
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
        return data[:end], len(data) == size
    finally:
        os.close(opened)


def _begin(connection: Connection, chain: str, segment: int, data: bytes) -> Position:
    position = NOTHING._replace(segment=segment, head=genesis(chain).hex())
    with suppress(NotALine):
        line = parse_line(data[: data.index(b"\n")])
        if isinstance(line, Header) and segment > 1:
            # The segments before have been put away.
            position = position._replace(sequence=line.first - 1, head=line.previous)
    values = {name: value for name, value in position._asdict().items() if name != "number"}
    made = journal_chains.insert().values(chain=chain, **values)
    number: int = connection.execute(made.returning(journal_chains.c.number)).scalar_one()
    return position._replace(number=number)
