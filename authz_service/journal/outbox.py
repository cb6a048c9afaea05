"""Entries that belong to a transaction: they wait in the database until they are in a chain."""

import json

from sqlalchemy import Connection, Engine, delete, exists, insert, select

from authz_service.journal.entries import Entry
from authz_service.journal.writer import Writer
from authz_service.questions import Ruling
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import journal_entries, journal_outbox

_AT_ONCE = 1_000


def order_entry(connection: Connection, entry: Entry) -> None:
    """Has the entry kept if the transaction is committed, and not otherwise."""
    rulings = [[ruling.digest, ruling.content.decode()] for ruling in entry.rulings]
    connection.execute(
        insert(journal_outbox).values(id=_id_of(entry.body.decode()), body=entry.body.decode(), rulings=rulings)
    )


def relay(database: Engine, writer: Writer) -> int:
    """Brings waiting entries into a chain; returns how many.

    An entry that a process has brought there before it died is not brought a second time, if it has been indexed.

    Raises:
        DatabaseUnavailable: The database does not answer.
        JournalUnavailable: The journal cannot be written; they go on waiting.
    """
    with reading(database) as connection:
        if not connection.scalar(select(exists(select(journal_outbox.c.id)))):
            return 0
    waiting = select(journal_outbox).order_by(journal_outbox.c.id).limit(_AT_ONCE).with_for_update(skip_locked=True)
    with writing(database) as connection:
        rows = connection.execute(waiting).all()
        ids = [row.id for row in rows]
        kept = set(connection.scalars(select(journal_entries.c.id).where(journal_entries.c.id.in_(ids))))
        entries = [_entry(row.body, row.rulings) for row in rows if row.id not in kept]
        if entries:
            writer.append(entries)
        connection.execute(delete(journal_outbox).where(journal_outbox.c.id.in_(ids)))
    return len(entries)


def _entry(body: str, rulings: list[tuple[str, str]]) -> Entry:
    return Entry(body.encode(), tuple(Ruling(digest, content.encode()) for digest, content in rulings))


def _id_of(body: str) -> str:
    entry_id: str = json.loads(body)["id"]
    return entry_id
