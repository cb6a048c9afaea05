"""SQLite's indexes of entries are kept in portions by time, so that new entries change the pages of one portion only.

A search looks into one portion after the other, the latest first. PostgreSQL has a partition a month instead, and all
of its entries in portion 0.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import repeat

from sqlalchemy import Connection, delete, func, insert, select, update

from authz_service.storage.schema import journal_entries, journal_portions

_FULL = 16_384
# So many are looked at first: entries come late by some milliseconds, mostly.
_NEWEST = 16
_AFTER_ALL = float("inf")


class Portions:
    """The portions that there are, as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        newest_first = select(journal_portions).order_by(journal_portions.c.number.desc())
        found = connection.execute(newest_first.limit(_NEWEST)).all()[::-1]
        self._connection = connection
        # Without any, entries are still to come, or the database has no portions.
        self._begun: list[tuple[str, float]] = [(row.first_id, row.number) for row in found] or [("", 0)]
        self._entries: int = found[-1].entries if found else 0
        self._is_kept = bool(found)

    def of(self, entry_id: str) -> int:
        """The portion that an entry belongs to."""
        if entry_id < self._begun[0][0]:
            self._read_older()
        return int(self._begun[bisect_right(self._begun, (entry_id, _AFTER_ALL)) - 1][1])

    def take(self, ids: Sequence[str]) -> Iterator[int]:
        """The portions of new entries, in the order of their ids, of which there is one at least.

        One that is full is followed by another, which begins after all entries that there are.
        """
        if ids[0] >= self._begun[-1][0] and self._entries + len(ids) <= _FULL:
            # As it nearly always is.
            self._entries += len(ids)
            self._keep_count()
            return repeat(int(self._begun[-1][1]), len(ids))
        return self._take_each(ids)

    def _take_each(self, ids: Sequence[str]) -> Iterator[int]:
        last: str = self._connection.scalar(select(func.max(journal_entries.c.id))) or ""
        for entry_id in ids:
            if self._entries >= _FULL and entry_id > last:
                self._begin(entry_id)
            last = max(last, entry_id)
            if entry_id >= self._begun[-1][0]:
                self._entries += 1
            yield self.of(entry_id)
        self._keep_count()

    def drop_empty(self) -> None:
        """Forgets those whose entries have all been removed."""
        oldest = self._connection.scalar(select(func.min(journal_entries.c.id)))
        number = self._begun[-1][1] if oldest is None else self.of(oldest)
        numbers = journal_portions.c.number
        self._connection.execute(delete(journal_portions).where(numbers < number))
        # Whatever old entry comes late still has its portion.
        self._connection.execute(update(journal_portions).where(numbers == number).values(first_id=""))

    def _read_older(self) -> None:
        older = select(journal_portions).where(journal_portions.c.number < self._begun[0][1])
        found = self._connection.execute(older.order_by(journal_portions.c.number))
        self._begun[:0] = [(row.first_id, row.number) for row in found]

    def _begin(self, first_id: str) -> None:
        self._keep_count()
        self._begun.append((first_id, self._begun[-1][1] + 1))
        self._entries, self._is_kept = 0, False

    def _keep_count(self) -> None:
        first_id, number = self._begun[-1]
        values = {"number": number, "first_id": first_id, "entries": self._entries}
        if self._is_kept:
            newest = journal_portions.c.number == number
            self._connection.execute(update(journal_portions).where(newest).values(values))
        else:
            self._connection.execute(insert(journal_portions).values(values))
