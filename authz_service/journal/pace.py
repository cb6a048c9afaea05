"""How much was decided of late, counted from the journal, so that every process and replica is in it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Engine, func, select

from authz_service.journal.queries import count_denied
from authz_service.storage.database import reading
from authz_service.storage.schema import journal_chains, journal_checkpoints

MINUTES = 60
_SECONDS = 60
# A block is closed once a second at most.
_BLOCKS = MINUTES * _SECONDS
_FEW_BLOCKS, _FAR = 600, 20
_MOST_COUNTED = 5_000


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
        denials: Decisions that were denied; of more than 5,000, the last.
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
            for minute, count in _entries_of(connection, number, now - timedelta(minutes=MINUTES)):
                entries[minute] += count
        denials, are_all = _denials(connection, now)
    return Pace([entries[minute] for minute in minutes], [denials[minute] for minute in minutes], are_all)


def _entries_of(connection: Connection, chain: int, since: datetime) -> Iterator[tuple[int, int]]:
    """How many entries the chain has got in each minute in which there were any."""
    block, at, last = journal_checkpoints.c.block, journal_checkpoints.c.at, journal_checkpoints.c.last
    of_chain = select(block, at, last).where(journal_checkpoints.c.chain == chain).order_by(block)
    newest = connection.scalar(select(func.max(block)).where(journal_checkpoints.c.chain == chain)) or 0
    # Of a chain that gets blocks all the time, some tell what all would.
    middle = connection.execute(of_chain.where(block == newest - _FEW_BLOCKS)).one_or_none()
    step, count = (_FAR, _BLOCKS) if middle and middle.at >= since else (1, _FEW_BLOCKS)
    wanted = [number for number in range(newest, newest - count - step, -step) if number > 0]
    before: int | None = None
    for row in connection.execute(of_chain.where(block.in_(wanted))):
        # What the first block that is looked at has besides is not known, unless the chain begins with it.
        if before is None:
            before = 0 if row.block == 1 else row.last
        yield _minute_of(row.at), row.last - before
        before = row.last


def _denials(connection: Connection, now: datetime) -> tuple[Counter[int], bool]:
    """By minute."""
    counted: Counter[int] = Counter()
    for at, count in count_denied(connection, now - timedelta(minutes=MINUTES), _MOST_COUNTED):
        counted[_minute_of(at)] += count
    return counted, counted.total() < _MOST_COUNTED


def _minute_of(at: datetime) -> int:
    return int(at.timestamp()) // _SECONDS
