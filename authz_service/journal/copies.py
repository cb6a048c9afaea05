"""The two copies of the journal, read from beginning to end: the files, and what the database has of them."""

from collections.abc import Generator, Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, Text, cast, select

from authz_service.journal.checkpoint import SignedCheckpoint
from authz_service.journal.folder import segments_of
from authz_service.journal.lines import (
    Header,
    KeptEntry,
    Line,
    checkpoint_line,
    entry_line,
    header_line,
    parse_line,
    ruling_line,
)
from authz_service.journal.queries import shown_id
from authz_service.journal.terms import KnownTerms
from authz_service.questions import Ruling
from authz_service.storage.schema import journal_chains, journal_checkpoints, journal_entries, journal_rulings

_ROWS_AT_ONCE = 2_000


class Unreadable(NamedTuple):
    """A line that is none."""

    what: str


class FiledUnder(NamedTuple):
    """An entry as the database has it.

    Attributes:
        id: The id that it is found by.
        terms: Those that searches find it by, or others of its time; None where the database has indexes instead.
    """

    id: str
    terms: AbstractSet[str] | None
    entry: KeptEntry


Item: TypeAlias = Line | Unreadable | FiledUnder
"""What a copy has, in its order."""

Placed: TypeAlias = tuple[str, Item]
"""An item, and where it is."""


def chains_in_files(folders: Sequence[Path]) -> set[str]:
    """The names of the chains that have files."""
    return {chain.name for folder in folders for chain in folder.iterdir() if segments_of(chain)}


def read_files(folders: Sequence[Path], chain: str) -> Generator[Placed, None, None]:
    """What the files of a chain hold, in whichever folder; a line that is being written just now is left out.

    Raises:
        OSError: They cannot be read.
    """
    segments = segments_of(*(folder / chain for folder in folders))
    for segment in segments:
        place = f"{chain}/{segment.name}"
        with segment.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.endswith(b"\n"):
                    yield f"{place}:{number}", _parsed(line[:-1])
                elif segment != segments[-1]:
                    yield f"{place}:{number}", Unreadable("ends in the middle of a line")


def chains_in_database(connection: Connection) -> dict[str, int]:
    """The chains that the database knows, with their numbers."""
    known = select(journal_chains.c.chain, journal_chains.c.number).order_by(journal_chains.c.number)
    return {row.chain: row.number for row in connection.execute(known)}


def read_database(connection: Connection, chain: str, number: int) -> Generator[Placed, None, None]:
    """What the database has of a chain: entries, and each checkpoint after the last entry that it closes."""
    place = f"database, chain {chain}"
    terms = KnownTerms(connection) if connection.dialect.name == "sqlite" else None
    entries = (
        select(
            journal_entries.c.id,
            journal_entries.c.item,
            journal_entries.c.sequence,
            journal_entries.c.hash,
            cast(journal_entries.c.body, Text).label("body"),
        )
        .where(journal_entries.c.chain == number)
        .order_by(journal_entries.c.sequence)
    )
    closed = select(journal_checkpoints).where(journal_checkpoints.c.chain == number)
    checkpoints = iter(connection.execute(closed.order_by(journal_checkpoints.c.block)).all())
    checkpoint = next(checkpoints, None)
    with connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(entries) as listed:
        for row in listed:
            while checkpoint is not None and checkpoint.last < row.sequence:
                yield place, SignedCheckpoint(checkpoint.signature, checkpoint.payload.encode())
                checkpoint = next(checkpoints, None)
            kept = KeptEntry(row.sequence, row.hash, row.body.encode())
            yield place, FiledUnder(shown_id(row.id, row.item), terms.of(row.id) if terms else None, kept)
    while checkpoint is not None:
        yield place, SignedCheckpoint(checkpoint.signature, checkpoint.payload.encode())
        checkpoint = next(checkpoints, None)


def rulings_in_database(connection: Connection) -> Iterator[Placed]:
    """All rulings that the database has."""
    for row in connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(select(journal_rulings)):
        yield "database, rulings", Ruling(row.digest, row.content.encode())


def _parsed(line: bytes) -> Item:
    try:
        parsed = parse_line(line)
        # A line that says the same in other characters has been touched as well.
        return parsed if _written(parsed) == line + b"\n" else Unreadable("is not as it was written")
    except ValueError as error:
        return Unreadable(str(error))


def _written(line: Line) -> bytes:
    match line:
        case Header():
            return header_line(line)
        case Ruling():
            return ruling_line(line)
        case KeptEntry():
            return entry_line(line.sequence, bytes.fromhex(line.hash), line.body)
        case SignedCheckpoint():
            return checkpoint_line(line)
