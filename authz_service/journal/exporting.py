"""The journal as it leaves the house: every entry of a period, the oldest first."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import Engine, func, select

from authz_service.journal.queries import KeptDecision, entries_query, kept_of, period
from authz_service.questions import Json
from authz_service.storage.database import reading
from authz_service.storage.schema import journal_entries

COLUMNS = (
    "id",
    "at",
    "kind",
    "caller",
    "request_id",
    "traceparent",
    "subject",
    "action",
    "resource",
    "customer",
    "option",
    "decision",
    "reasons",
    "cites",
    "facts",
    "route",
    "requires",
    "effects",
    "policy_revision",
    "more",
    "chain",
    "sequence",
)
"""The columns of a table. What has no column of its own is JSON in `more`."""

_ROWS_AT_ONCE = 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def count(database: Engine, since: datetime | None, until: datetime | None) -> int:
    """How many entries there are in the period.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    query = select(func.count()).select_from(journal_entries).where(*period(since, until))
    with reading(database) as connection:
        return int(connection.scalar(query) or 0)


def read_all(database: Engine, since: datetime | None, until: datetime | None) -> Iterator[KeptDecision]:
    """The entries of the period, of whatever kind; memory does not grow with them.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    query = entries_query().where(*period(since, until)).order_by(journal_entries.c.id, journal_entries.c.item)
    with reading(database) as connection:
        for row in connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query):
            yield kept_of(row)


def as_cells(value: Mapping[str, Json]) -> list[str]:
    """The columns of an entry as it is shown."""
    reasons = value.get("reasons")
    listed = [reason for reason in reasons if isinstance(reason, dict)] if isinstance(reasons, list) else []
    cites = [cite for reason in listed for cite in _texts(reason.get("cites"))]
    flat: dict[str, Json] = {
        **value,
        "reasons": " ".join(str(reason["code"]) for reason in listed),
        "cites": " ".join(dict.fromkeys(cites)),
        "requires": " ".join(_texts(value.get("requires"))),
        "effects": " ".join(_texts(value.get("effects"))),
    }
    more = {name: flat[name] for name in value if name not in COLUMNS}
    if more:
        flat["more"] = more
    return [_cell(flat.get(name)) for name in COLUMNS]


def _texts(value: Json) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _cell(value: Json) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    # A spreadsheet would take it for a formula, and calculate.
    return f"'{text}" if text.startswith(_FORMULA) else text
