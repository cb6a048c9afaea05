"""Asks the journal: one decision, or those that fit, the newest first."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

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
    true,
    tuple_,
    union_all,
)

from authz_service.errors import Fault, InvalidRequest, UnknownDecision
from authz_service.ids import AFTER_ALL, LENGTH, first_id_at, time_of
from authz_service.journal.loading import SINGLE
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.journal.terms import Slice, slices_with, wanted_terms
from authz_service.storage.database import reading
from authz_service.storage.schema import in_body, journal_chains, journal_entries, journal_rulings
from authz_service.words import EntryKind

DECISIONS = (EntryKind.DECISION, EntryKind.SEARCH, EntryKind.TAKE_OVER, EntryKind.TRIAL)
"""The kinds of entries that answer somebody."""

_ANSWERED = frozenset({EntryKind.DECISION, EntryKind.TAKE_OVER, EntryKind.TRIAL})

_Place: TypeAlias = tuple[str, int]
_LAST_ITEM = 10**9 - 1
_ENTRIES_AT_ONCE = 500
# What an index finds is read from so many times as many places as what lies together.
_AS_SCATTERED = 5
_OF_A_SECOND = 8  # so many characters of an id are of the same second
_DENY = "deny"
_ALL = true()
_position = tuple_(journal_entries.c.id, journal_entries.c.item)
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
        revision: The policy revision.
        kinds: The kinds of entries.
    """

    subject: str | None = None
    customer: str | None = None
    action: str | None = None
    answer: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    revision: str | None = None
    kinds: Sequence[EntryKind] = DECISIONS


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
    database: Engine,
    pseudonyms: Pseudonyms,
    wanted: Wanted,
    limit: int,
    cursor: str | None = None,
    *,
    newer: bool = False,
    most: int | None = None,
) -> Found:
    """The decisions that fit, after the one that the cursor names.

    Args:
        database: Where they are.
        pseudonyms: How people and things are named there.
        wanted: Which.
        limit: How many at most.
        cursor: The cursor of the page before, or the id of an entry.
        newer: Whether those just newer than the cursor are meant, instead of those just older.
        most: How many entries are looked at, more or less, where they lie together, and a fifth of that where each is
            somewhere else on the disk; then there may be fewer than the limit, and a cursor all the same. None for any
            number.

    Raises:
        InvalidRequest: The cursor is none.
        DatabaseUnavailable: The database does not answer.
    """
    look = _Look(_stretch(wanted, cursor, newer=newer), _members(pseudonyms, wanted), limit + 1, most, newer)
    with reading(database) as connection:
        terms = _terms(look.members) if connection.dialect.name == "sqlite" else ""
        found, end = _in_slices(connection, terms, look) if terms else _in_order(connection, look)
    on = found[limit - 1].id if len(found) > limit else shown_id(*end) if end else None
    return Found(sorted(found[:limit], key=_place, reverse=True), on)


def get_decision(database: Engine, decision_id: str) -> KeptDecision:
    """The decision with that id.

    Raises:
        UnknownDecision: There is none; a moment after it was answered, there is not yet.
        DatabaseUnavailable: The database does not answer.
    """
    kept = get_entry(database, decision_id)
    if kept.body.get("kind") not in DECISIONS:
        raise UnknownDecision("There is no such decision.")
    return kept


def get_entry(database: Engine, entry_id: str) -> KeptDecision:
    """The entry with that id, of whatever kind.

    Raises:
        UnknownDecision: There is none; a moment after it was answered, there is not yet.
        DatabaseUnavailable: The database does not answer.
    """
    parsed = _parsed(entry_id)
    if parsed is None:
        raise UnknownDecision("There is no such decision.")
    call, item = parsed
    with reading(database) as connection:
        row = connection.execute(
            entries_query().where(journal_entries.c.id == call, journal_entries.c.item == item).limit(1)
        ).one_or_none()
        if row is None and item == SINGLE and _has_items(connection, call):
            raise UnknownDecision(f"This was a call of several evaluations: its decisions are {call}.0 and so on.")
    if row is None:
        raise UnknownDecision("There is no such decision.")
    return kept_of(row)


def entries_of_call(database: Engine, call: str, limit: int) -> list[KeptDecision]:
    """The first entries of a call of several, in their order; none where there is no such call.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    if _parsed(call) != (call, SINGLE):
        return []
    query = entries_query().where(journal_entries.c.id == call).order_by(journal_entries.c.item).limit(limit)
    with reading(database) as connection:
        return [kept_of(row) for row in connection.execute(query)]


def count_denied(connection: Connection, since: datetime, most: int) -> Iterator[tuple[datetime, int]]:
    """When decisions were denied, from some moment on, and how many: the newest, until they are so many or some more.

    No entry is read, as the indexes over answers have the ids, and ids and slices have the time.
    """
    first_id = first_id_at(since)
    if connection.dialect.name == "sqlite":
        counted = 0
        for each in slices_with(connection, wanted_terms({"answer": [_DENY]}), first_id, "", newer=False):
            yield time_of(each.first_id), each.denied
            counted += each.denied
            if counted >= most:
                return
    else:
        stretch = _Stretch().since((first_id, SINGLE))
        denied = _along(stretch, _is("answer", _DENY), newer=False).limit(most).subquery()
        second = func.substr(denied.c.id, 1, _OF_A_SECOND)
        for beginning, count in connection.execute(select(second, func.count()).group_by(second)):
            yield time_of(beginning.ljust(LENGTH, "0")), count


def shown_id(entry_id: str, item: int) -> str:
    """The id as callers are told it."""
    return entry_id if item == SINGLE else f"{entry_id}.{item}"


def _members(pseudonyms: Pseudonyms, wanted: Wanted) -> dict[str, list[str]]:
    """What members of an entry have to be: of each, one of some values."""
    members = {"kind": [str(kind) for kind in wanted.kinds]}
    if wanted.subject is not None:
        members["subject"] = pseudonyms.all_of("person", wanted.subject)
    if wanted.customer is not None:
        members["customer"] = pseudonyms.all_of("customer", wanted.customer)
    given = {"action": wanted.action, "answer": wanted.answer, "revision": wanted.revision}
    return members | {member: [value] for member, value in given.items() if value is not None}


def _terms(members: Mapping[str, Sequence[str]]) -> str:
    """Asks for the slices that may have what is wanted; empty where most slices would."""
    searched = {member: values for member, values in members.items() if member != "kind"}
    if members["kind"] and EntryKind.DECISION not in members["kind"]:
        searched["kind"] = members["kind"]
    return wanted_terms(searched)


def _in_slices(connection: Connection, terms: str, look: "_Look") -> tuple[list[KeptDecision], _Place | None]:
    """What is found in slices with these terms; and how far was looked, where that is not to the end of the stretch."""
    # Not by the id itself, so that SQLite begins with the slices, and not with the entries of the stretch.
    conditions = [
        *look.stretch.conditions(tuple_(journal_entries.c.id.concat(""), journal_entries.c.item)),
        *_besides(look.members),
    ]
    found: list[KeptDecision] = []
    looked_at = 0
    searched = slices_with(connection, terms, *look.stretch.ids(), newer=look.newer)
    for slices in _some_at_once(filter(look.stretch.has_some_of, searched)):
        begins = func.json_each(json.dumps([each.beginning for each in slices])).table_valued("value").c.value
        in_slice = and_(journal_entries.c.id >= begins, journal_entries.c.id < begins.concat(AFTER_ALL))
        query = _entries_of(begins.table.join(journal_entries, in_slice), journal_entries.c.chain)
        query = query.where(*conditions).order_by(*_order(newer=look.newer)).limit(look.limit - len(found))
        found += [kept_of(row) for row in connection.execute(query)]
        looked_at += sum(each.entries for each in slices)
        if len(found) == look.limit:
            break
        if look.most is not None and looked_at >= look.most:
            first, last = _ends_of(slices[-1])
            return found, last if look.newer else first
    return found, None


def _ends_of(of_slice: Slice) -> tuple[_Place, _Place]:
    return (of_slice.first_id, SINGLE), (of_slice.last_id, _LAST_ITEM)


def _some_at_once(slices: Iterable[Slice]) -> Iterator[list[Slice]]:
    """Slices together that have some hundreds of entries, as each question to a database costs something."""
    some: list[Slice] = []
    entries = 0
    for each in slices:
        some.append(each)
        entries += each.entries
        if entries >= _ENTRIES_AT_ONCE:
            yield some
            some, entries = [], 0
    if some:
        yield some


def _in_order(connection: Connection, look: "_Look") -> tuple[list[KeptDecision], _Place | None]:
    """The same by indexes over entries, or along all of them."""
    ways, rest = _ways(look.members)
    stretch, end = look.stretch, _end(connection, ways, look)
    if end:
        stretch = stretch.to(end) if look.newer else stretch.since(end)
    places = [_along(stretch, through, *rest, newer=look.newer).limit(look.limit) for through in ways]
    place = union_all(*(select(each.subquery()) for each in places)).subquery()
    # Joined outer, as SQLite might begin with all entries otherwise.
    of_place = and_(*(journal_entries.c[name] == place.c[name] for name in ("id", "item", "chain")))
    query = _entries_of(place.outerjoin(journal_entries, of_place), place.c.chain)
    query = query.order_by(*_order(newer=look.newer)).limit(look.limit)
    return [kept_of(row) for row in connection.execute(query)], end


def _ways(members: Mapping[str, Sequence[str]]) -> tuple[list[ColumnElement[bool]], list[ColumnElement[bool]]]:
    """Conditions that together find what is wanted, each of them in the order of an index; and what else has to hold.

    The one that leaves least is looked up in its index. The others are kept from theirs, as a database that knows
    nothing of the entries might prefer those.
    """
    for member in ("subject", "customer"):
        if member in members:
            # A name and its pseudonym are looked up one by one, as each is in order by itself.
            return [_is(member, name) for name in members[member]], _besides(members, member)
    # What is no answer has none: those are looked up, as they are few among many that have one.
    unknown = [None] if _ANSWERED.isdisjoint(members["kind"]) else ["permit", _DENY, None]
    answers: Sequence[str | None] = members.get("answer", unknown)
    if "action" in members:
        [action] = members["action"]
        return [and_(_is("action", action), _is("answer", answer)) for answer in answers], _besides(
            members, "action", "answer"
        )
    if len(answers) == 1:
        return [_is("answer", answers[0])], _besides(members, "answer")
    return [_ALL], _besides(members)


def _besides(members: Mapping[str, Sequence[str]], *looked_up: str) -> list[ColumnElement[bool]]:
    return [_is_among(member, values) for member, values in members.items() if member not in looked_up]


def _is(member: str, value: str | None) -> ColumnElement[bool]:
    return in_body(member).is_(None) if value is None else in_body(member) == value


def _is_among(member: str, values: Sequence[str]) -> ColumnElement[bool]:
    return func.coalesce(in_body(member), "").in_(values)


class _Stretch(NamedTuple):
    """Where is looked: one bound on each side, as a database uses one of several at best.

    Attributes:
        first: The place that it begins with.
        end: The place before which it ends.
    """

    first: _Place = ("", SINGLE)
    end: _Place = (AFTER_ALL, SINGLE)

    def since(self, first: _Place) -> "_Stretch":
        return self._replace(first=max(self.first, first))

    def before(self, end: _Place) -> "_Stretch":
        return self._replace(end=min(self.end, end))

    def to(self, last: _Place) -> "_Stretch":
        return self.before(_following(last))

    def conditions(self, position: ColumnElement[_Place] = _position) -> list[ColumnElement[bool]]:
        conditions = []
        if self.first[0]:
            conditions.append(position >= self.first)
        if self.end[0] != AFTER_ALL:
            conditions.append(position < self.end)
        return conditions

    def has_some_of(self, of_slice: Slice) -> bool:
        """Whether an entry of the slice may be in it."""
        first, last = _ends_of(of_slice)
        return first < self.end and self.first <= last

    def ids(self) -> tuple[str, str]:
        """The first id that may be in it, and the last; empty for any."""
        return self.first[0], "" if self.end[0] == AFTER_ALL else self.end[0]


class _Look(NamedTuple):
    """What is looked for, and how far.

    Attributes:
        stretch: Where.
        members: What members of an entry have to be.
        limit: How many are to be found, at most.
        most: How many are to be looked at, at most; None for any number.
        newer: Whether from the oldest on, and not from the newest.
    """

    stretch: _Stretch
    members: Mapping[str, Sequence[str]]
    limit: int
    most: int | None
    newer: bool


def _stretch(wanted: Wanted, cursor: str | None, *, newer: bool) -> _Stretch:
    stretch = _Stretch()
    if wanted.since is not None:
        stretch = stretch.since((first_id_at(wanted.since), SINGLE))
    if wanted.until is not None:
        stretch = stretch.before((first_id_at(wanted.until), SINGLE))
    if cursor is None:
        return stretch
    parsed = _parsed(cursor)
    if parsed is None:
        raise InvalidRequest([Fault("must be the next_cursor of the page before, or left out", "cursor")])
    return stretch.since(_following(parsed)) if newer else stretch.before(parsed)


def _following(place: _Place) -> _Place:
    entry_id, item = place
    return entry_id, item + 1


def _along(stretch: _Stretch, through: ColumnElement[bool], *rest: ColumnElement[bool], newer: bool) -> Select[Any]:
    """The places of entries, in their order."""
    query = select(journal_entries.c.id, journal_entries.c.item, journal_entries.c.chain)
    return query.where(*stretch.conditions(), through, *rest).order_by(*_order(newer=newer))


def _order(*, newer: bool) -> list[ColumnElement[Any]]:
    columns = (journal_entries.c.id, journal_entries.c.item)
    return [column.asc() if newer else column.desc() for column in columns]


def _end(connection: Connection, ways: Sequence[ColumnElement[bool]], look: _Look) -> _Place | None:
    """The last place that is looked at; None where there are not so many entries to look at."""
    if look.most is None:
        return None
    ends = []
    most_of_each = look.most if ways == [_ALL] else look.most // _AS_SCATTERED // len(ways)
    for through in ways:
        last = _along(look.stretch, through, newer=look.newer).offset(max(most_of_each, 1) - 1).limit(1)
        row = connection.execute(last).one_or_none()
        if row:
            ends.append((row.id, row.item))
    # Beyond the first of them, something that another way finds would be left out.
    return (min if look.newer else max)(ends, default=None)


def _place(kept: KeptDecision) -> _Place:
    entry_id, _, item = kept.id.partition(".")
    return entry_id, int(item) if item else SINGLE


def _parsed(decision_id: str) -> _Place | None:
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
