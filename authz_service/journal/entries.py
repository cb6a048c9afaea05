"""What an entry says, by its kind. Never an activation code, a token, or free text of a caller."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from authz_service.decision.decisions import Decided
from authz_service.decision.memory import Decision
from authz_service.ids import new_id
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.questions import Entity, Json, Names, Ruling, Search
from authz_service.words import EntryKind, Sought

# Nobody's name: a UUID, a ULID, or 32 hexadecimal digits. Any other may say something of a person.
_MADE_BY_A_MACHINE = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-7][0-9A-HJKMNP-TV-Z]{25}|[0-9a-fA-F]{32}"
)
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_encode = json.JSONEncoder(separators=(",", ":")).encode
_quoted = json.encoder.encode_basestring_ascii
# As a plain string, which costs less to write.
_DECISION = str(EntryKind.DECISION)
# Of one revision there are some hundreds.
_MOST_RULINGS = 4096


class Origin(NamedTuple):
    """Who has caused an entry.

    Attributes:
        caller: The name of the caller, as it is configured.
        request_id: The X-Request-ID of the request.
        traceparent: Its W3C trace context.
    """

    caller: str
    request_id: str | None = None
    traceparent: str | None = None


Noted: TypeAlias = tuple[str, int | None, Origin, str, str, str, str, str, Names, Decision]
"""What an entry of a decision needs: id, place in a call of several, origin, type and id of the subject, the action,
type and id of the resource, what is named besides, and the decision."""


class Entry(NamedTuple):
    """An entry to be kept.

    Attributes:
        body: JSON in ASCII, `id` first.
        rulings: Those that it refers to.
    """

    body: bytes
    rulings: tuple[Ruling, ...] = ()


def noted(decision_id: str, origin: Origin, item: int | None, decided: Decided) -> Noted:
    """What is to be kept of a decision until its entry is made: names, and nothing else of the call.

    The less waits, the more of it is still in the processor's caches by then.
    """
    (subject, action, resource, _), about, decision, _ = decided
    subject_type, subject_id, _ = subject
    resource_type, resource_id, _ = resource
    return decision_id, item, origin, subject_type, subject_id, action.name, resource_type, resource_id, about, decision


def counted(origin: Origin, action: str, **counts: int) -> Entry:
    """Customer data was changed in bulk: how much of what, which needs no pseudonym."""
    body = {"id": new_id(), "kind": EntryKind.CHANGE, "caller": origin.caller, "action": action}
    return Entry(_encode({**body, **counts}).encode())


class Entries:
    """Writes entries, in which people and things have pseudonyms."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._name, self._quoted_names = pseudonyms.of, pseudonyms.quoted_names
        # By the digest of a ruling, how the entries of all decisions with it end.
        self._ends: dict[str, str] = {}

    def decisions(self, notes: Iterable[Noted], kind: str = _DECISION) -> list[Entry]:
        """What has been noted of decisions, written out."""
        # Put together by hand, as there is one for each decision.
        after = f',"kind":"{kind}"'
        # Most are about a customer number that is also the resource; those of a call often are about one person.
        names = self._quoted_names()
        asked_by, of_origin = "", None
        made = []
        for decision_id, item, origin, subject_type, subject, asked, resource_type, resource, about, decision in notes:
            if origin is not of_origin:
                asked_by, of_origin = self._asked_by_text(origin, decision_id), origin
            place = "" if item is None else f',"item":{item}'
            # The action as the caller names it may be any text.
            known = decision.document.get("action")
            action = _quoted(known) if isinstance(known, str) else names[f"action\0{asked}"]
            whose, on_what = names[f"{subject_type}\0{subject}"], names[f"{resource_type}\0{resource}"]
            others = ""
            for kind_of_it, name in about:
                of_it = names[f"{kind_of_it}\0{name}"]
                others += f',"{kind_of_it}":{of_it}'
            ruling = decision.ruling
            end = self._ends.get(ruling.digest) or self._end(decision)
            body = (
                f'{{"id":"{decision_id}"{place}{after}{asked_by},"subject":{whose},"action":{action},'
                f'"resource":{on_what}{others}{end}'
            )
            made.append(Entry(body.encode(), (ruling,)))
        return made

    def _end(self, decision: Decision) -> str:
        # Nothing but what the digest is made of: rulings without facts are the same for several actions.
        end = (
            f',"answer":"{"permit" if decision.allow else "deny"}","revision":{_quoted(decision.revision)},'
            f'"ruling":"{decision.ruling.digest}"}}'
        )
        if len(self._ends) >= _MOST_RULINGS:
            self._ends.clear()
        self._ends[decision.ruling.digest] = end
        return end

    def search(
        self, decision_id: str, origin: Origin, search: Search, found: Sequence[str], asked: Sequence[Decided]
    ) -> Entry:
        """A page of a search: what was found, and how the questions about all candidates were answered."""
        question = search.question
        kind = {Sought.SUBJECT: question.subject.type, Sought.RESOURCE: question.resource.type}.get(search.sought)
        rulings = Counter(each.decision.ruling for each in asked)
        customers = {dict(each.about).get("customer") for each in asked}
        action = asked[0].decision.document.get("action") if asked else None
        body: dict[str, object] = {
            **self._beginning(decision_id, EntryKind.SEARCH, origin),
            "sought": search.sought,
            **(self._entity("subject", question.subject) if search.sought is not Sought.SUBJECT else {}),
            **({"action": action} if search.sought is not Sought.ACTION and isinstance(action, str) else {}),
            **(self._entity("resource", question.resource) if search.sought is not Sought.RESOURCE else {}),
            **({"customer": self._name("customer", next(iter(customers)) or "")} if _is_one(customers) else {}),
            "found": [self._name(kind, name) if kind else name for name in found],
            "asked": {ruling.digest: count for ruling, count in rulings.items()},
            **({"revision": asked[0].decision.revision} if asked else {}),
        }
        return Entry(_encode(body).encode(), tuple(rulings))

    def take_over(
        self,
        decision_id: str,
        origin: Origin,
        *,
        customer: str,
        person: str,
        decision: Decision,
        done: Mapping[str, Sequence[str]],
    ) -> Entry:
        """A take-over that was permitted or refused; `done` names whom it has changed, by how."""
        number = self._name("customer", customer)
        body = {
            **self._beginning(decision_id, EntryKind.TAKE_OVER, origin),
            "subject": self._name("person", person),
            "action": decision.document["action"],
            "resource": number,
            "customer": number,
            **_answered(decision),
            **{how: [self._name("person", one) for one in people] for how, people in done.items()},
        }
        return Entry(_encode(body).encode(), (decision.ruling,))

    def change(self, origin: Origin, action: str, about: tuple[str, str] | None, **said: Json) -> Entry:
        """A change of customer data; what the data says is not in it."""
        body = {**self._beginning(new_id(), EntryKind.CHANGE, origin), "action": action}
        if about:
            body["resource"] = self._name(*about)
            if about[0] == "customer":
                body["customer"] = body["resource"]
        return Entry(_encode({**body, **said}).encode())

    def review(self, origin: Origin, customer: str, decisions: Sequence[Decision]) -> Entry:
        """The questions about all that is linked to a customer number: how often each ruling was given."""
        rulings = Counter(decision.ruling for decision in decisions)
        body: dict[str, object] = {
            **self._beginning(new_id(), EntryKind.REVIEW, origin),
            "action": "review",
            "customer": self._name("customer", customer),
            "asked": {ruling.digest: count for ruling, count in rulings.items()},
            **({"revision": decisions[0].revision} if decisions else {}),
        }
        return Entry(_encode(body).encode(), tuple(rulings))

    def sign_off(self, review_id: str, origin: Origin, customer: str, revision: str, seal: str) -> Entry:
        """A reviewer has signed off what was found of a customer number.

        The seal, a digest of all that the review says, has a pseudonym, as the text that it is of might be guessed.
        """
        body = {
            **self._beginning(review_id, EntryKind.REVIEW, origin),
            "action": "sign_off",
            "customer": self._name("customer", customer),
            "revision": revision,
            "seal": self._name("review", seal),
        }
        return Entry(_encode(body).encode())

    def policy(self, revision: str) -> Entry:
        """A policy revision has come into force in this process."""
        body = {"id": new_id(), "kind": EntryKind.POLICY, "action": "come_into_force", "revision": revision}
        return Entry(_encode(body).encode())

    def refusal(self, origin: Origin, status: int, endpoint: str, scope: str, count: int | None = None) -> Entry:
        """A request without a valid token, without the scope for the endpoint, or beyond the caller's limits.

        The caller's name may be unknown. With a count, so many of which there are no entries.
        """
        body = {
            **self._beginning(new_id(), EntryKind.REFUSAL, origin),
            "action": endpoint,
            "status": status,
            "scope": scope,
            **({} if count is None else {"count": count}),
        }
        return Entry(_encode(body).encode())

    def shadow(self, ruling: Ruling, shadow: Ruling, count: int) -> Entry:
        """So many decisions that the shadow policy answers differently."""
        body = {
            "id": new_id(),
            "kind": EntryKind.SHADOW,
            "ruling": ruling.digest,
            "shadow": shadow.digest,
            "count": count,
        }
        return Entry(_encode(body).encode(), (ruling, shadow))

    def pruning(self, origin: Origin, before: str, last: Mapping[str, int]) -> Entry:
        """Entries are about to be removed; `last` is the last one to go, by chain."""
        beginning = self._beginning(new_id(), EntryKind.PRUNING, origin)
        return Entry(_encode({**beginning, "before": before, "last": last}).encode())

    def _beginning(self, entry_id: str, kind: EntryKind, origin: Origin) -> dict[str, object]:
        return {"id": entry_id, "kind": kind, **dict(self._asked_by(origin, entry_id))}

    def _asked_by_text(self, origin: Origin, entry_id: str) -> str:
        caller, request_id, traceparent = origin
        if caller and request_id == entry_id and traceparent is None:
            # As callers do who send neither.
            return f',"caller":{_quoted(caller)},"request":"{entry_id}"'
        return "".join([f',"{member}":{_quoted(value)}' for member, value in self._asked_by(origin, entry_id)])

    def _asked_by(self, origin: Origin, entry_id: str) -> Iterator[tuple[str, str]]:
        if origin.caller:
            yield "caller", origin.caller
        if origin.request_id is not None:
            yield "request", entry_id if origin.request_id == entry_id else self._request(origin.request_id)
        if origin.traceparent is not None and _TRACEPARENT.fullmatch(origin.traceparent):
            yield "trace", origin.traceparent

    def _request(self, request_id: str) -> str:
        return request_id if _MADE_BY_A_MACHINE.fullmatch(request_id) else self._name("request", request_id)

    def _entity(self, part: str, entity: Entity) -> dict[str, object]:
        return {part: self._name(entity.type, entity.id)}


def _answered(decision: Decision) -> dict[str, object]:
    return {
        "answer": "permit" if decision.allow else "deny",
        "revision": decision.revision,
        "ruling": decision.ruling.digest,
    }


def _is_one(customers: set[str | None]) -> bool:
    return len(customers) == 1 and None not in customers
