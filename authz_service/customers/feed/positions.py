"""How far each source has come."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, func, select

from authz_service.customers.feed.changes import Change
from authz_service.storage.bulk import insert_or_update
from authz_service.storage.database import reading
from authz_service.storage.schema import feed_sources


def reached(highest: Mapping[str, int], waiting: Iterable[Change]) -> dict[str, int]:
    """By source, the highest sequence that has come, or what is just before the first that waits."""
    positions = dict(highest)
    for change in waiting:
        positions[change.source] = min(change.sequence - 1, positions[change.source])
    return {source: sequence for source, sequence in positions.items() if sequence >= 0}


def keep(connection: Connection, positions: Mapping[str, int]) -> None:
    """Writes them down where they are further than what is kept; the connection is in a transaction that writes."""
    if not positions:
        return
    now = datetime.now(UTC)
    statement = insert_or_update(connection, feed_sources).values(
        [{"source": source, "sequence": sequence, "at": now} for source, sequence in sorted(positions.items())]
    )
    later = func.greatest if connection.dialect.name == "postgresql" else func.max
    further = {"sequence": later(feed_sources.c.sequence, statement.excluded.sequence), "at": statement.excluded.at}
    connection.execute(statement.on_conflict_do_update(index_elements=["source"], set_=further))


def positions_of(database: Engine) -> dict[str, int]:
    """By source, the highest sequence that has come and was taken or refused; a lower one may come yet.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    with reading(database) as connection:
        found = connection.execute(select(feed_sources).order_by(feed_sources.c.source))
        return {row.source: row.sequence for row in found}
