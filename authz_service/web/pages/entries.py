"""An entry of the journal as it is told: a sentence, an answer, the reasons."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from authz_service.handbook.book import Book
from authz_service.handbook.rules import ShownRule
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.journal.queries import KeptDecision, Wanted
from authz_service.policy.explain import QUESTION
from authz_service.policy.tree import word
from authz_service.words import EntryKind, Sought

KINDS: Mapping[EntryKind, str] = {
    EntryKind.DECISION: "decision",
    EntryKind.SEARCH: "search",
    EntryKind.TAKE_OVER: "take-over",
    EntryKind.TRIAL: "trial",
    EntryKind.CHANGE: "change of data",
    EntryKind.POLICY: "policy revision",
    EntryKind.REFUSAL: "refused caller",
    EntryKind.SHADOW: "shadow policy",
    EntryKind.PRUNING: "removal",
}
"""What readers call the kinds of entries."""

_VERBS = {True: "may", False: "may not"}
# Beside the question, so that it is told whose the mobile is.
_TOLD = QUESTION | {"is_holder"}
_IMPORTED = {"people", "options", "customers"}


class ToldReason(NamedTuple):
    """A reason as it is recorded.

    Attributes:
        code: The code of its rule.
        cites: What it rests on.
        rule: The rule with that code today; None where there is none any more.
    """

    code: str
    cites: Sequence[str]
    rule: ShownRule | None


class ToldEntry(NamedTuple):
    """An entry.

    Attributes:
        id: Its id.
        at: When it was made.
        kind: What readers call its kind.
        is_usual: Whether it is a decision, which need not be said.
        sentence: What it says, without a full stop.
        allow: The answer; None where it has none.
        reasons: Why.
        subject: Whom it is about: as the reader has named that person, or the pseudonym; else empty.
        customer: The customer number, likewise.
    """

    id: str
    at: datetime
    kind: str
    is_usual: bool
    sentence: str
    allow: bool | None
    reasons: Sequence[ToldReason]
    subject: str
    customer: str


def tell_entry(kept: KeptDecision, book: Book, pseudonyms: Pseudonyms, wanted: Wanted | None = None) -> ToldEntry:
    """The entry, with people and things named as the reader has asked for them."""
    # Whatever has been done to an entry, it is shown.
    kind = str(kept.body.get("kind"))
    wanted = wanted or Wanted()
    return ToldEntry(
        kept.id,
        kept.at,
        KINDS[EntryKind(kind)] if kind in KINDS else kind,
        kind == EntryKind.DECISION,
        _capital(_TELLERS.get(kind, _unknown)(kept, book)),
        {"permit": True, "deny": False}.get(str(kept.body.get("answer"))),
        told_reasons(kept.ruling["reasons"] if kept.ruling and "answer" in kept.body else [], book),
        _named(kept.body.get("subject"), pseudonyms, "person", wanted.subject),
        _named(kept.body.get("customer"), pseudonyms, "customer", wanted.customer),
    )


def told_reasons(reasons: Sequence[Mapping[str, Any]], book: Book) -> list[ToldReason]:
    return [ToldReason(one["code"], one["cites"], book.rules.get(one["code"])) for one in reasons]


def _named(name: object, pseudonyms: Pseudonyms, kind: str, asked: str | None) -> str:
    if name is None:
        return ""
    return asked if asked and name in pseudonyms.all_of(kind, asked) else str(name)


def _answered(kept: KeptDecision, book: Book) -> str:
    verb = _VERBS[kept.body.get("answer") == "permit"]
    facts = kept.ruling and kept.ruling["facts"]
    if not facts or book.schema.kind_of(facts) is None:
        return f"somebody {verb} {_spaced(kept.body.get('action'))}"
    return book.phrases.who_does_what({fact: (value,) for fact, value in facts.items() if fact in _TOLD}, verb)


def _searched(kept: KeptDecision, book: Book) -> str:
    body = kept.body
    found = body.get("found")
    number = len(found) if isinstance(found, list) else 0
    actions = book.phrases.parts["may"]["action"]
    action = actions.get(str(body.get("action"))) or _spaced(body.get("action"))
    asked: Mapping[str | None, str] = {
        Sought.SUBJECT: f"who may {action}?",
        Sought.RESOURCE: f"with what may this person {action}?",
        Sought.ACTION: "what may this person do with this?",
    }
    return f"{asked.get(body.get('sought'), 'something unknown:')} {number} found"


def _changed(kept: KeptDecision, _: Book) -> str:
    body = kept.body
    counts = ", ".join(f"{body[what]:,} {what}" for what in body if what in _IMPORTED and isinstance(body[what], int))
    if counts:
        return f"customer data was imported: {counts}"
    return f"customer data was changed: {_spaced(body.get('action'))}"


def _policy(kept: KeptDecision, _: Book) -> str:
    return f"the policy revision {kept.body.get('revision')} came into force in a process"


def _refused(kept: KeptDecision, _: Book) -> str:
    body = kept.body
    why = _REFUSED.get(body.get("status"), f"without the scope {body.get('scope')}, or with an action that is not open")
    where = body.get("action") or "an address that there is not"
    count = body.get("count")
    if isinstance(count, int):
        return f"further callers {why} were refused at {where}: {count:,} times"
    return f"a caller {why} was refused at {where}"


_REFUSED: Mapping[object, str] = {
    HTTPStatus.UNAUTHORIZED: "without a valid token",
    HTTPStatus.TOO_MANY_REQUESTS: "beyond its limits",
}


def _shadow(kept: KeptDecision, _: Book) -> str:
    return f"the shadow policy answers so many decisions differently: {kept.body.get('count')}"


def _pruning(kept: KeptDecision, _: Book) -> str:
    return f"entries before {kept.body.get('before')} were removed"


def _unknown(kept: KeptDecision, _: Book) -> str:
    return f"an entry of a kind that this version does not know: {kept.body.get('kind')}"


_TELLERS: Mapping[str, Callable[[KeptDecision, Book], str]] = {
    EntryKind.DECISION: _answered,
    EntryKind.TAKE_OVER: _answered,
    EntryKind.TRIAL: _answered,
    EntryKind.SEARCH: _searched,
    EntryKind.CHANGE: _changed,
    EntryKind.POLICY: _policy,
    EntryKind.REFUSAL: _refused,
    EntryKind.SHADOW: _shadow,
    EntryKind.PRUNING: _pruning,
}


def _spaced(name: object) -> str:
    return word(str(name)).replace("_", " ")


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
