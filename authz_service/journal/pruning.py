"""Lets go of old entries by whole blocks, so that what is left can be verified as before; and puts segments away."""

import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, delete, false, func, select

from authz_service.journal.entries import Entry
from authz_service.journal.folder import PRIVATE, chains_in, number_of, segments_of, sync_folder
from authz_service.journal.indexer import positions_of
from authz_service.journal.lines import Header, parse_line
from authz_service.journal.terms import drop_terms
from authz_service.journal.writer import Writer
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import journal_chains, journal_checkpoints, journal_entries

_ENTRIES_AT_ONCE = 10_000


class Pruned(NamedTuple):
    """What has been let go of.

    Attributes:
        entries: How many entries of the database.
        segments: How many files.
    """

    entries: int
    segments: int


def last_to_go(database: Engine, folder: Path, before: datetime) -> dict[str, int]:
    """By chain, the last entry of the blocks that were closed before that moment and are there yet.

    They may be gone from the database, and files in this folder not, where another replica has removed them there.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    last = func.max(journal_checkpoints.c.last).label("last")
    old = (
        select(journal_checkpoints.c.chain, last)
        .where(journal_checkpoints.c.at < before)
        .group_by(journal_checkpoints.c.chain)
        .subquery()
    )
    first = select(func.min(journal_entries.c.sequence)).where(journal_entries.c.chain == old.c.chain).scalar_subquery()
    is_kept = func.coalesce(first <= old.c.last, false()).label("is_kept")
    query = select(journal_chains.c.chain, old.c.last, is_kept).join(old, old.c.chain == journal_chains.c.number)
    with reading(database) as connection:
        return {
            row.chain: row.last
            for row in connection.execute(query)
            if row.is_kept or _closed_segments(folder / row.chain, row.last)
        }


def prune(database: Engine, folder: Path, writer: Writer, entry: Entry, last: Mapping[str, int]) -> Pruned:
    """Removes the entries up to the last to go of each chain; `entry` says so in the journal, before anything is gone.

    In the files, segments go whole, so that some entries of a segment may stay with those after them.

    Raises:
        DatabaseUnavailable: The database does not answer. What is gone is gone; again, it goes on.
        JournalUnavailable: The journal cannot be written. Nothing is gone.
    """
    writer.append([entry])
    entries = sum(_remove_rows(database, chain, upto) for chain, upto in last.items())
    if database.dialect.name == "sqlite":
        _drop_terms(database)
    segments = [segment for chain in chains_in(folder) for segment in _closed_segments(chain, last.get(chain.name, 0))]
    for segment in segments:
        segment.unlink()
    return Pruned(entries, len(segments))


def archive(database: Engine, folder: Path, target: Path) -> list[Path]:
    """Moves the segments to another folder that are closed, and known to the database whole; returns where they are.

    Raises:
        DatabaseUnavailable: The database does not answer.
        OSError: They cannot be moved. Each is in one of the two folders, whole.
    """
    with reading(database) as connection:
        positions = positions_of(connection)
    return [
        _move(segment, target / chain.name)
        for chain in chains_in(folder)
        if chain.name in positions
        for segment in segments_of(chain)[:-1]
        if number_of(segment) < positions[chain.name].segment
    ]


def _remove_rows(database: Engine, chain: str, upto: int) -> int:
    removed = 0
    while True:
        with writing(database) as connection:
            number = connection.scalar(select(journal_chains.c.number).where(journal_chains.c.chain == chain))
            of_chain = journal_entries.c.chain == number
            first = connection.scalar(select(func.min(journal_entries.c.sequence)).where(of_chain))
            if first is None or first > upto:
                break
            some = (journal_entries.c.sequence < first + _ENTRIES_AT_ONCE) & (journal_entries.c.sequence <= upto)
            removed += connection.execute(delete(journal_entries).where(of_chain, some)).rowcount
    # The last checkpoint stays: what comes next goes on from it.
    with writing(database) as connection:
        connection.execute(
            delete(journal_checkpoints).where(journal_checkpoints.c.chain == number, journal_checkpoints.c.last < upto)
        )
    return removed


def _drop_terms(database: Engine) -> None:
    has_dropped_all = False
    while not has_dropped_all:
        with writing(database) as connection:
            has_dropped_all = drop_terms(connection)


def _closed_segments(chain: Path, upto: int) -> list[Path]:
    """Those of which every entry is to go; never the one that is written."""
    segments = segments_of(chain)
    return [segment for segment, after in pairwise(segments) if _first_of(after) <= upto + 1]


def _first_of(segment: Path) -> int:
    with segment.open("rb") as file:
        header = parse_line(file.readline().rstrip(b"\n"))
    if not isinstance(header, Header):
        raise OSError(None, "does not begin as a segment does", str(segment))
    return header.first


def _move(segment: Path, target: Path) -> Path:
    target.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    draft, place = target / f".{segment.name}", target / segment.name
    shutil.copyfile(segment, draft)
    with draft.open("rb") as copy:
        os.fsync(copy.fileno())
    draft.replace(place)
    sync_folder(target)
    segment.unlink()
    return place
