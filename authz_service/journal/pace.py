"""How much was decided of late, counted from the journal, so that every process and replica is in it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, Engine, cast, extract, func, select

from authz_service.ids import LENGTH, first_id_at, time_of
from authz_service.storage.database import reading
from authz_service.storage.schema import in_body, journal_chains, journal_checkpoints, journal_entries

MINUTES = 60
_SECONDS = 60
# A block is closed once a second at most; one from before the time says where to count from.
_BLOCKS = MINUTES * _SECONDS + 1
_MOST_COUNTED = 20_000
_OF_A_SECOND = 8  # so many characters of an id are of the same second


class ChainHead(NamedTuple):
    """Where a chain stands in the database.

    Attributes:
        chain: The name of the chain.
        sequence: The number of its last entry.
        head: The hash of that.
        signed_at: When its last block was closed and signed; None before the first.
    """

    chain: str
    sequence: int
    head: str
    signed_at: datetime | None


class Pace(NamedTuple):
    """The last hour, a number for each minute, the last minute last.

    Attributes:
        entries: Entries of any kind, in blocks that are closed.
        denials: Decisions that were denied; of more than 20,000, the last.
        are_all_denials: Whether no more were denied in that time.
    """

    entries: Sequence[int]
    denials: Sequence[int]
    are_all_denials: bool


def chain_heads(database: Engine, limit: int) -> list[ChainHead]:
    """The chains, those signed last first.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    signed_at = (
        select(journal_checkpoints.c.at)
        .where(journal_checkpoints.c.chain == journal_chains.c.number)
        .order_by(journal_checkpoints.c.block.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = select(journal_chains.c.chain, journal_chains.c.sequence, journal_chains.c.head, signed_at.label("at"))
    with reading(database) as connection:
        heads = [ChainHead(*row) for row in connection.execute(query)]
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(heads, key=lambda head: head.signed_at or never, reverse=True)[:limit]


def pace_until(database: Engine, now: datetime) -> Pace:
    """The hour before, however many entries there are.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    last = _minute_of(now)
    minutes = range(last - MINUTES + 1, last + 1)
    entries: Counter[int] = Counter()
    with reading(database) as connection:
        for number in list(connection.scalars(select(journal_chains.c.number))):
            for minute, count in _entries_of(connection, number):
                entries[minute] += count
        denials, are_all = _denials(connection, now)
    return Pace([entries[minute] for minute in minutes], [denials[minute] for minute in minutes], are_all)


def _entries_of(connection: Connection, chain: int) -> Iterator[tuple[int, int]]:
    """How many entries the chain has got in each minute in which there were any."""
    blocks = (
        select(
            journal_checkpoints.c.block,
            journal_checkpoints.c.last,
            (cast(extract("epoch", journal_checkpoints.c.at), BigInteger) // _SECONDS).label("minute"),
        )
        .where(journal_checkpoints.c.chain == chain)
        .order_by(journal_checkpoints.c.block.desc())
        .limit(_BLOCKS)
        .subquery()
    )
    query = (
        select(blocks.c.minute, func.min(blocks.c.block), func.min(blocks.c.last), func.max(blocks.c.last))
        .group_by(blocks.c.minute)
        .order_by(blocks.c.minute)
    )
    before: int | None = None
    for minute, first_block, first, last in connection.execute(query):
        if before is None:
            # What the first block that is looked at has besides is not known, unless the chain begins with it.
            before = 0 if first_block == 1 else first
        yield int(minute), last - before
        before = last


def _denials(connection: Connection, now: datetime) -> tuple[Counter[int], bool]:
    """By minute. The index over answers has the ids, and an id the time, so that no entry is read."""
    denied = (
        select(func.substr(journal_entries.c.id, 1, _OF_A_SECOND).label("second"))
        .where(in_body("answer") == "deny", journal_entries.c.id >= first_id_at(now - timedelta(minutes=MINUTES)))
        .order_by(journal_entries.c.id.desc())
        .limit(_MOST_COUNTED)
        .subquery()
    )
    counted: Counter[int] = Counter()
    for second, count in connection.execute(select(denied.c.second, func.count()).group_by(denied.c.second)):
        counted[_minute_of(time_of(second.ljust(LENGTH, "0")))] += count
    return counted, counted.total() < _MOST_COUNTED


def _minute_of(at: datetime) -> int:
    return int(at.timestamp()) // _SECONDS
