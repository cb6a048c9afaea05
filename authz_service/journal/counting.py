"""How often each ruling was given: what a period of decisions comes down to, as many of them share one."""

import json
from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Text, cast, func, select

from authz_service.journal.queries import period
from authz_service.storage.database import reading
from authz_service.storage.schema import in_body, journal_entries, journal_rulings, journal_shadow
from authz_service.words import EntryKind

_AT_ONCE = 500


class Given(NamedTuple):
    """A ruling, and how many decisions it was.

    Attributes:
        ruling: `revision`, `facts`, `allow`, `reasons`, `route`, `requires` and `effects`.
        decisions: How many.
    """

    ruling: dict[str, Any]
    decisions: int


class Beside(NamedTuple):
    """A ruling, and what the shadow policy would have given instead."""

    ruling: dict[str, Any]
    shadow: dict[str, Any]
    decisions: int


def rulings_given(database: Engine, since: datetime | None, until: datetime | None) -> list[Given]:
    """The rulings of a period: of decisions, of take-overs, and of each candidate of a search.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    ruling, kind = in_body("ruling"), in_body("kind")
    decided = (
        select(ruling, func.count())
        .select_from(journal_entries)
        .where(*period(since, until), kind.in_([EntryKind.DECISION, EntryKind.TAKE_OVER]))
        .group_by(ruling)
    )
    searched = select(cast(journal_entries.c.body, Text)).where(*period(since, until), kind == EntryKind.SEARCH)
    counts: Counter[str] = Counter()
    with reading(database) as connection:
        for digest, count in connection.execute(decided):
            counts[digest] += count
        for body in connection.execution_options(yield_per=_AT_ONCE).scalars(searched):
            counts.update(json.loads(body)["asked"])
        contents = _contents(connection, list(counts))
    return [Given(contents[digest], count) for digest, count in counts.items() if digest in contents]


def answered_otherwise(database: Engine) -> list[Beside]:
    """What shadow policies have answered otherwise, all the time.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    with reading(database) as connection:
        rows = connection.execute(select(journal_shadow)).all()
        contents = _contents(connection, [digest for row in rows for digest in (row.ruling, row.shadow)])
    return [Beside(contents[row.ruling], contents[row.shadow], row.decisions) for row in rows]


def _contents(connection: Connection, digests: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(digests), _AT_ONCE):
        some = select(journal_rulings).where(journal_rulings.c.digest.in_(digests[start : start + _AT_ONCE]))
        found |= {row.digest: json.loads(row.content) for row in connection.execute(some)}
    return found
