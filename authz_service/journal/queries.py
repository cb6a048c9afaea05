"""Asks the journal: one decision, or those that fit, the newest first."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Row,
    Select,
    Text,
    and_,
    cast,
    func,
    select,
    tuple_,
    union_all,
)

from authz_service.errors import Fault, InvalidRequest, UnknownDecision
from authz_service.ids import first_id_at, time_of
from authz_service.journal.loading import SINGLE
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.storage.database import reading
from authz_service.storage.schema import in_body, journal_chains, journal_entries, journal_portions, journal_rulings
from authz_service.words import EntryKind

DECISIONS = (EntryKind.DECISION, EntryKind.SEARCH, EntryKind.TAKE_OVER)
"""The kinds of entries that answer somebody."""

_PLACE = select(journal_entries.c.id, journal_entries.c.item, journal_entries.c.chain)
_ID = re.compile(r"([0-7][0-9A-HJKMNP-TV-Z]{25})(?:\.(0|[1-9]\d{0,8}))?")


class Wanted(NamedTuple):
    """Which decisions; None where any will do.

    Attributes:
        subject: The id of a person, or a pseudonym.
        customer: A customer number, or a pseudonym.
        action: The action.
        answer: `permit` or `deny`.
        since: From when on.
        until: Before when.
    """

    subject: str | None = None
    customer: str | None = None
    action: str | None = None
    answer: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class KeptDecision(NamedTuple):
    """An entry as it is kept, with what it refers to.

    Attributes:
        id: As the caller was told it.
        at: When it was made.
        body: What the entry says.
        text: The same, to the byte as it is hashed.
        ruling: Revision, facts and answer; None where the entry refers to none.
        chain: The chain that it is in.
        sequence: Its number there.
    """

    id: str
    at: datetime
    body: Mapping[str, Any]
    text: str
    ruling: Mapping[str, Any] | None
    chain: str
    sequence: int


class Found(NamedTuple):
    """Some of the decisions that fit, the newest first.

    Attributes:
        cursor: What the next ones are asked with; None at the end.
    """

    decisions: list[KeptDecision]
    cursor: str | None


def find_decisions(
    database: Engine, pseudonyms: Pseudonyms, wanted: Wanted, limit: int, cursor: str | None = None
) -> Found:
    """The decisions that fit, after the one that the cursor names.

    Raises:
        InvalidRequest: The cursor is none.
        DatabaseUnavailable: The database does not answer.
    """
    conditions = [_is_among("kind", DECISIONS), *period(wanted.since, wanted.until)]
    if cursor is not None:
        conditions.append(_before(cursor))
    places = [
        _by_portion(wanted, cursor, *conditions, *through)
        if through and database.dialect.name == "sqlite"
        else _by_time(_PLACE.where(*conditions, *through))
        for through in _ways(pseudonyms, wanted)
    ]
    place = union_all(*(select(each.limit(limit + 1).subquery()) for each in places)).subquery()
    # Joined outer, as SQLite might begin with all entries otherwise.
    of_place = and_(*(journal_entries.c[name] == place.c[name] for name in ("id", "item", "chain")))
    query = _entries_of(place.outerjoin(journal_entries, of_place), place.c.chain)
    query = _by_time(query).limit(limit + 1)
    with reading(database) as connection:
        found = [kept_of(row) for row in connection.execute(query)]
    return Found(found[:limit], found[limit - 1].id if len(found) > limit else None)


def get_decision(database: Engine, decision_id: str) -> KeptDecision:
    """The decision with that id.

    Raises:
        UnknownDecision: There is none; a moment after it was answered, there is not yet.
        DatabaseUnavailable: The database does not answer.
    """
    parsed = _parsed(decision_id)
    if parsed is None:
        raise UnknownDecision("There is no such decision.")
    entry_id, item = parsed
    with reading(database) as connection:
        row = connection.execute(
            entries_query().where(journal_entries.c.id == entry_id, journal_entries.c.item == item).limit(1)
        ).one_or_none()
        if row is None and item == SINGLE and _has_items(connection, entry_id):
            raise UnknownDecision(f"This was a call of several evaluations: its decisions are {entry_id}.0 and so on.")
    if row is None or (kept := kept_of(row)).body.get("kind") not in DECISIONS:
        raise UnknownDecision("There is no such decision.")
    return kept


def shown_id(entry_id: str, item: int) -> str:
    """The id as callers are told it."""
    return entry_id if item == SINGLE else f"{entry_id}.{item}"


def _ways(pseudonyms: Pseudonyms, wanted: Wanted) -> list[list[ColumnElement[bool]]]:
    """Conditions that together find what is wanted, each of them in the order of an index.

    The one that leaves least is looked up in its index. The others are kept from theirs, as a database that knows
    nothing of the entries might prefer those.
    """
    named = {
        "subject": pseudonyms.all_of("person", wanted.subject) if wanted.subject is not None else [],
        "customer": pseudonyms.all_of("customer", wanted.customer) if wanted.customer is not None else [],
    }
    given = {"action": wanted.action, "answer": wanted.answer}
    others = [_is_among(member, [value]) for member, value in given.items() if value is not None]
    for member, names in named.items():
        if names:
            rest = [_is_among(other, more) for other, more in named.items() if more and other != member]
            # A name and its pseudonym are looked up one by one, as each is in order by itself.
            return [[_is(member, name), *rest, *others] for name in names]
    if wanted.action is not None:
        answers = ["permit", "deny", None] if wanted.answer is None else [wanted.answer]
        return [[_is("action", wanted.action), _is("answer", answer)] for answer in answers]
    return [[] if wanted.answer is None else [_is("answer", wanted.answer)]]


def _by_time(query: Select[Any]) -> Select[Any]:
    return query.order_by(journal_entries.c.id.desc(), journal_entries.c.item.desc())


def _by_portion(wanted: Wanted, cursor: str | None, *conditions: ColumnElement[bool]) -> Select[Any]:
    """The same, from one portion of the indexes after the other."""
    number, first_id = journal_portions.c.number, journal_portions.c.first_id
    within = [first_id <= cursor.split(".")[0]] if cursor is not None else []
    if wanted.until is not None:
        within.append(first_id <= first_id_at(wanted.until))
    if wanted.since is not None:
        begun = select(func.max(number)).where(first_id <= first_id_at(wanted.since))
        within.append(number >= begun.scalar_subquery())
    # As a sum, so that SQLite does not begin with the entries and look their portions up.
    query = _PLACE.join_from(journal_portions, journal_entries, journal_entries.c.portion == number + 0)
    return _by_time(query.where(*within, *conditions).order_by(number.desc()))


def _is(member: str, value: str | None) -> ColumnElement[bool]:
    return in_body(member).is_(None) if value is None else in_body(member) == value


def _is_among(member: str, values: Sequence[str]) -> ColumnElement[bool]:
    return func.coalesce(in_body(member), "").in_(values)


def _before(cursor: str) -> ColumnElement[bool]:
    parsed = _parsed(cursor)
    if parsed is None:
        raise InvalidRequest([Fault("must be the next_cursor of the page before, or left out", "cursor")])
    entry_id, item = parsed
    return tuple_(journal_entries.c.id, journal_entries.c.item) < (entry_id, item)


def _parsed(decision_id: str) -> tuple[str, int] | None:
    parts = _ID.fullmatch(decision_id)
    return None if parts is None else (parts[1], SINGLE if parts[2] is None else int(parts[2]))


def _has_items(connection: Connection, entry_id: str) -> bool:
    return (
        connection.scalar(select(journal_entries.c.item).where(journal_entries.c.id == entry_id).limit(1)) is not None
    )


def period(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    """The conditions for entries of a period; None where it has no beginning or end."""
    conditions = []
    if since is not None:
        conditions.append(journal_entries.c.id >= first_id_at(since))
    if until is not None:
        conditions.append(journal_entries.c.id < first_id_at(until))
    return conditions


def entries_query() -> Select[Any]:
    """Asks for entries as `kept_of` takes them."""
    return _entries_of(journal_entries, journal_entries.c.chain)


def _entries_of(entries: FromClause, chain: ColumnElement[int]) -> Select[Any]:
    return (
        select(
            journal_entries.c.id,
            journal_entries.c.item,
            journal_entries.c.sequence,
            cast(journal_entries.c.body, Text).label("body"),
            journal_chains.c.chain,
            journal_rulings.c.content,
        )
        .select_from(entries)
        .join(journal_chains, journal_chains.c.number == chain)
        .outerjoin(journal_rulings, journal_rulings.c.digest == in_body("ruling"))
    )


def kept_of(row: Row[Any]) -> KeptDecision:
    """The entry of a row."""
    return KeptDecision(
        id=shown_id(row.id, row.item),
        at=time_of(row.id),
        body=json.loads(row.body),
        text=row.body,
        ruling=json.loads(row.content) if row.content else None,
        chain=row.chain,
        sequence=row.sequence,
    )
