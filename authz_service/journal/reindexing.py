"""Makes anew what SQLite finds entries by, where it has been edited or damaged."""

from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Connection, Engine, func, select

from authz_service.errors import ConfigurationError
from authz_service.ids import AFTER_ALL, LENGTH, number_of
from authz_service.journal.terms import NewTerms, beginning_of, searched_in
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import journal_entries, make_journal_terms

# In a transaction each, as whoever writes meanwhile waits for it.
_ENTRIES_AT_ONCE = 5_000

OnProgress = Callable[[int, int], None]
"""Told how many entries have been gone through, and of how many."""


def reindex(database: Engine, on_progress: OnProgress = lambda _done, _of: None) -> int:
    """Has searches find each entry of the database again; until it returns, they find fewer.

    A service may go on loading entries meanwhile.

    Args:
        database: Where the entries are.
        on_progress: Is told how far it is.

    Returns:
        How many entries there are.

    Raises:
        ConfigurationError: The database has indexes of its own instead.
        DatabaseUnavailable: The database does not answer, or is written to for too long.
    """
    if database.dialect.name != "sqlite":
        raise ConfigurationError(
            "PostgreSQL finds entries by indexes of its own, which `REINDEX TABLE journal_entries` makes anew."
        )
    with writing(database) as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS journal_terms_known")
        connection.exec_driver_sql("DROP TABLE IF EXISTS journal_terms")
        make_journal_terms(connection)
    with reading(database) as connection:
        total = connection.scalar(select(func.count()).select_from(journal_entries)) or 0
    done, first = 0, ""
    while first != AFTER_ALL:
        with writing(database) as connection:
            end = _end_of_some(connection, first)
            done += _add_terms(connection, first, end)
        on_progress(done, max(done, total))
        first = end
    return done


def _end_of_some(connection: Connection, first: str) -> str:
    """The beginning of the slice before which there are some thousand entries from that id on."""
    ids = select(journal_entries.c.id).where(journal_entries.c.id >= first).order_by(journal_entries.c.id)
    last: str | None = connection.scalar(ids.offset(_ENTRIES_AT_ONCE).limit(1))
    if last is None:
        return AFTER_ALL
    # At least the whole of one slice, however many entries it has.
    return beginning_of(last) if beginning_of(last) > first else beginning_of(last) + AFTER_ALL


def _add_terms(connection: Connection, first: str, end: str) -> int:
    """Has the entries of whole slices found, from one id to before another; returns how many they are."""
    of_slices = select(journal_entries.c.id, journal_entries.c.body).where(
        journal_entries.c.id >= first, journal_entries.c.id < end
    )
    rows = [row for row in connection.execute(of_slices.order_by(journal_entries.c.id)) if _is_id(row.id)]
    terms = NewTerms()
    terms.take([row.id for row in rows], [searched_in(row.body) for row in rows])
    # What has been loaded meanwhile is among these.
    terms.write(connection, are_all=True)
    return len(rows)


def _is_id(text: str) -> bool:
    # Somebody may have put another one there, by which it is found as it is.
    with suppress(ValueError):
        return len(text) == LENGTH and number_of(text) >= 0
    return False
