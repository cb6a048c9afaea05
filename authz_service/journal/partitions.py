"""PostgreSQL keeps the entries of each month apart, so that old ones stand in nobody's way."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from authz_service.ids import first_id_at, time_of

# Any number will do as long as nobody else asks this database for the same one.
_LOCK = 7_420_119


class Partitions:
    """Makes the partitions that entries need."""

    def __init__(self) -> None:
        self._made: set[tuple[int, int]] = set()

    def make_for(self, connection: Connection, ids: Sequence[str]) -> set[tuple[int, int]]:
        """Has a partition for each of these ids; returns the months of those that it has made."""
        if connection.dialect.name != "postgresql":
            return set()
        # Of nearly all ids, as they are in the order of time, the first and the last are of one month.
        months = _months((min(ids), max(ids))) if ids else set()
        if len(months) > 1:
            months = _months(ids)
        months -= self._made
        if not months:
            return months
        # Two processes that make the same partition at once would both fail.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        for year, month in months:
            start, end = (
                datetime(year, month, 1, tzinfo=UTC),
                datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC),
            )
            connection.execute(
                text(
                    f"CREATE TABLE IF NOT EXISTS journal_entries_{year:04}_{month:02} PARTITION OF journal_entries"
                    f" FOR VALUES FROM ('{first_id_at(start)}') TO ('{first_id_at(end)}')"
                )
            )
        return months

    def are_made(self, months: Iterable[tuple[int, int]]) -> None:
        """Has these not made again: their transaction has been committed."""
        self._made.update(months)


def _months(ids: Iterable[str]) -> set[tuple[int, int]]:
    return {(moment.year, moment.month) for moment in map(time_of, ids)}
