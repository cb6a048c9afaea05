"""How many decisions a shadow policy answers differently, counted from the entries that say so."""

import json
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from authz_service.storage.database import reading
from authz_service.storage.schema import journal_rulings, journal_shadow
from authz_service.words import EntryKind

_MOST = 2**31
_MARK = f'"kind":"{EntryKind.SHADOW}"'


def count_shadows(connection: Connection, bodies: Sequence[str]) -> None:
    """Adds what these entries say to the counts."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    for body in bodies:
        if _MARK not in body:
            continue
        entry = json.loads(body)
        ruling, shadow, count = entry.get("ruling"), entry.get("shadow"), entry.get("count")
        if [type(ruling), type(shadow), type(count)] != [str, str, int] or not 0 < count <= _MOST:
            # The writer writes no such entry.
            continue
        added = insert(journal_shadow).values(ruling=ruling, shadow=shadow, decisions=count)
        connection.execute(
            added.on_conflict_do_update(
                index_elements=["ruling", "shadow"],
                set_={"decisions": journal_shadow.c.decisions + added.excluded.decisions},
            )
        )


def count_differences(database: Engine) -> dict[tuple[str, str], int]:
    """How many decisions were answered so and would have been answered so: permit or deny, each.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    old, new = journal_rulings.alias(), journal_rulings.alias()
    query = (
        select(old.c.content.label("old"), new.c.content.label("new"), journal_shadow.c.decisions)
        .join(old, old.c.digest == journal_shadow.c.ruling)
        .join(new, new.c.digest == journal_shadow.c.shadow)
    )
    counts: Counter[tuple[str, str]] = Counter()
    with reading(database) as connection:
        for row in connection.execute(query):
            counts[_answer(row.old), _answer(row.new)] += row.decisions
    return dict(counts)


def _answer(content: str) -> str:
    return "permit" if json.loads(content)["allow"] else "deny"
