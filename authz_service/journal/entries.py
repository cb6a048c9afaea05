"""What an entry says, by its kind. Never an activation code, a token, or free text of a caller."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from authz_service.decision.decisions import Decided
from authz_service.decision.memory import Decision
from authz_service.ids import new_id
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.questions import Entity, Json, Ruling, Search
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


class Entry(NamedTuple):
    """An entry to be kept.

    Attributes:
        body: JSON in ASCII, `id` first.
        rulings: Those that it refers to.
    """

    body: bytes
    rulings: tuple[Ruling, ...] = ()


def counted(origin: Origin, action: str, **counts: int) -> Entry:
    """Customer data was changed in bulk: how much of what, which needs no pseudonym."""
    body = {"id": new_id(), "kind": EntryKind.CHANGE, "caller": origin.caller, "action": action}
    return Entry(_encode({**body, **counts}).encode())


class Entries:
    """Writes entries, in which people and things have pseudonyms."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._name, self._quoted_name = pseudonyms.of, pseudonyms.quoted
        # By the digest of a ruling, how the entries of all decisions with it end.
        self._ends: dict[str, str] = {}

    def decisions(
        self,
        decision_id: str,
        origin: Origin,
        decided: Iterable[tuple[int | None, Decided]],
        kind: str = _DECISION,
    ) -> list[Entry]:
        """The questions of a call with their answers, each with its place in a call of several."""
        # Put together by hand, as there is one for each decision.
        beginning, after = f'{{"id":"{decision_id}"', f',"kind":"{kind}"{self._asked_by_text(origin, decision_id)}'
        # Most are about a customer number that is also the resource; those of a call often are about one person.
        names: dict[str, str] = {}
        named = self._quoted_name
        made = []
        for item, ((subject, asked, resource, _), about, decision, _) in decided:
            place = "" if item is None else f',"item":{item}'
            # The action as the caller names it may be any text.
            known = decision.document.get("action")
            action = _quoted(known) if isinstance(known, str) else named("action", asked.name, names)
            body = (
                f'{beginning}{place}{after},"subject":{named(subject.type, subject.id, names)},'
                f'"action":{action},"resource":{named(resource.type, resource.id, names)}'
            )
            for kind_of_it, name in about.items():
                body += f',"{kind_of_it}":{named(kind_of_it, name, names)}'
            body += self._ends.get(decision.ruling.digest) or self._end(decision)
            made.append(Entry(body.encode(), (decision.ruling,)))
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
        customers = {each.about.get("customer") for each in asked}
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
        if origin.caller and origin.request_id == entry_id and origin.traceparent is None:
            # As callers do who send neither.
            return f',"caller":{_quoted(origin.caller)},"request":"{entry_id}"'
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
