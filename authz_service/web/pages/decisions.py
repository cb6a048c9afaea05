"""The journal as a page to search, and as a table to take away."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlencode

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine

from authz_service.errors import InvalidRequest
from authz_service.handbook.shelf import Shelf
from authz_service.ids import time_of
from authz_service.journal.exporting import COLUMNS, as_cells
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.journal.queries import DECISIONS, Found, Wanted, find_decisions
from authz_service.journal.shown import shown
from authz_service.web.pages.entries import KINDS, tell_entry
from authz_service.web.pages.frame import Frame
from authz_service.words import EntryKind

ANSWERS = {"permit": "✓ yes", "deny": "✗ no"}
EVERYTHING = "everything"
LABELS = {
    "person": "Person",
    "customer": "Customer number",
    "action": "Action",
    "answer": "Answer",
    "since": "From (UTC)",
    "until": "Before (UTC)",
    "revision": "Policy revision",
    "kind": "Kind",
}

_ON_A_PAGE = 50
_AT_ONCE = 1_000
# Some hundredths of a second.
_LOOKED_AT = 10_000
_REVISIONS = 200


class Form(NamedTuple):
    """What a reader asks for, as it was typed; all where it is empty."""

    person: str = ""
    customer: str = ""
    action: str = ""
    answer: str = ""
    since: str = ""
    until: str = ""
    revision: str = ""
    kind: str = ""

    @property
    def is_empty(self) -> bool:
        return not any(self)

    def query(self, **more: str) -> str:
        """The query of an address that asks for this."""
        return urlencode(
            {_PARAMETERS.get(name, name): value for name, value in {**self._asdict(), **more}.items() if value}
        )


# As the API has them.
_PARAMETERS = {"since": "from", "until": "to"}


class Read(NamedTuple):
    """A form, understood.

    Attributes:
        wanted: Which entries; of what is wrong, nothing.
        faults: What is wrong, by the name of its field.
    """

    wanted: Wanted
    faults: Mapping[str, str]


def read_form(arguments: Mapping[str, str]) -> Form:
    return Form(*(arguments.get(_PARAMETERS.get(name, name), "").strip() for name in Form._fields))


def understand(form: Form) -> Read:
    faults: dict[str, str] = {}
    for name, value in form._asdict().items():
        if "\0" in value:
            faults[name] = "has a character that nothing here has."
    if form.answer not in {"", *ANSWERS}:
        faults["answer"] = "there is only yes and no."
    if form.kind not in {"", EVERYTHING, *KINDS}:
        faults["kind"] = "there is no such kind."
    since, until = _time("since", form.since, faults), _time("until", form.until, faults)
    if since and until and since >= until:
        faults["until"] = "has to be later than the beginning."
    kinds: Sequence[EntryKind] = DECISIONS
    if form.kind and "kind" not in faults:
        kinds = tuple(EntryKind) if form.kind == EVERYTHING else (EntryKind(form.kind),)
    wanted = Wanted(
        form.person or None,
        form.customer or None,
        form.action or None,
        form.answer or None,
        since,
        until,
        form.revision or None,
        kinds,
    )
    return Read(wanted, faults)


class DecisionsPage:
    """Shows what is found.

    Args:
        frame: What is around it.
        shelf: Has the policy, whose words are used.
        database: Where the journal is searched.
        pseudonyms: How people and things are named in it.
    """

    def __init__(self, frame: Frame, shelf: Shelf, database: Engine, pseudonyms: Pseudonyms) -> None:
        self._frame = frame
        self._shelf = shelf
        self._database = database
        self._pseudonyms = pseudonyms

    def show(self) -> ResponseReturnValue:
        if entry_id := request.args.get("id", "").strip():
            return redirect(url_for("pages.decisions_one", decision_id=entry_id), HTTPStatus.SEE_OTHER)
        opened = self._shelf.open()
        form = read_form(request.args)
        wanted, faults = understand(form)
        older, newer = request.args.get("cursor"), request.args.get("newer")
        found = Found([], None) if faults else self._find(wanted, newer or older, newer=bool(newer))
        page = self._frame.render(
            "decisions.html",
            opened,
            form=form,
            faults=faults,
            labels=LABELS,
            answers=ANSWERS,
            kinds=KINDS,
            everything=EVERYTHING,
            revisions=self._revisions(),
            entries=[tell_entry(kept, opened.book, self._pseudonyms, wanted) for kept in found.decisions],
            ways=_ways(form, found, older, newer),
            csv=f"{url_for('pages.decisions_csv')}?{form.query()}",
        )
        return (page, HTTPStatus.BAD_REQUEST) if faults else page

    def csv(self) -> ResponseReturnValue:
        """All that is found, from the newest on, as `journal export --format csv` has it."""
        wanted, faults = understand(read_form(request.args))
        if faults:
            return self.show()
        headers = {"Content-Disposition": 'attachment; filename="decisions.csv"'}
        # Before it begins, so that a journal that cannot be read is an error and no half of a file.
        first = find_decisions(self._database, self._pseudonyms, wanted, _AT_ONCE)
        return Response(self._lines(wanted, first), mimetype="text/csv", headers=headers)

    def _find(self, wanted: Wanted, cursor: str | None, *, newer: bool) -> Found:
        find = partial(find_decisions, self._database, self._pseudonyms, wanted, _ON_A_PAGE, most=_LOOKED_AT)
        try:
            return find(cursor, newer=newer)
        except InvalidRequest:
            # An address that was cut off leads to the beginning.
            return find()

    def _lines(self, wanted: Wanted, first: Found) -> Iterator[str]:
        yield _csv([COLUMNS])
        found = first
        while True:
            yield _csv(as_cells(shown(kept)) for kept in found.decisions)
            if found.cursor is None:
                return
            found = find_decisions(self._database, self._pseudonyms, wanted, _AT_ONCE, found.cursor)

    def _revisions(self) -> Mapping[str, datetime]:
        """The last revisions and since when each is in force, the newest first."""
        wanted = Wanted(kinds=(EntryKind.POLICY,))
        found = find_decisions(self._database, self._pseudonyms, wanted, _REVISIONS, most=_LOOKED_AT)
        return {str(kept.body.get("revision")): kept.at for kept in found.decisions}


class Ways(NamedTuple):
    """Where to go on: the queries of addresses, None where there is nothing.

    Attributes:
        newest: The beginning, from elsewhere.
        newer: The page before.
        older: The page after.
        looked_to: How far was looked, where that is not to the end and too little was found.
    """

    newest: str | None
    newer: str | None
    older: str | None
    looked_to: datetime | None


def _ways(form: Form, found: Found, older: str | None, newer: str | None) -> Ways:
    entries = found.decisions
    looked_to = time_of(found.cursor) if found.cursor and len(entries) < _ON_A_PAGE else None
    newest = form.query() if newer or older else None
    if newer:
        before = form.query(cursor=entries[-1].id) if entries else None
        return Ways(newest, form.query(newer=found.cursor) if found.cursor else None, before, looked_to)
    after = form.query(newer=entries[0].id if entries else older) if older else None
    return Ways(newest, after, form.query(cursor=found.cursor) if found.cursor else None, looked_to)


def _time(name: str, text: str, faults: dict[str, str]) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        faults[name] = "has to be a day or a time, such as 2026-11-23 or 2026-11-23T22:00."
        return None


def _csv(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
