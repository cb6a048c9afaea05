"""A domain behind the very same app, with questions whose answers are known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from authz_service.callers.callers import Caller
from authz_service.decision.protocols import Domain, PolicyEngine
from authz_service.settings import Settings
from authz_service.words import ActionName
from tests.conformance.restated import EMPLOYEE_ACTIONS, EMPLOYEES, PIDS, RECORDS
from tests.web.asking import changed

Body = dict[str, Any]

PUBLIC_URL = "https://pdp.example.org"
METADATA = "/.well-known/authzen-configuration"
EVALUATION = "/access/v1/evaluation"
EVALUATIONS = "/access/v1/evaluations"
SEARCH = "/access/v1/search/"
SOUGHT = ("subject", "resource", "action")
PATHS = (EVALUATION, EVALUATIONS, *(SEARCH + sought for sought in SOUGHT))
"""Every API of the protocol."""
SEMANTICS = ("execute_all", "deny_on_first_deny", "permit_on_first_permit")
JSON = "application/json"
SPACESHIP = "spaceship"
"""What neither domain has ever heard of."""


@dataclass(frozen=True)
class Known:
    """What can be asked about a domain.

    Attributes:
        permitted: A question that is answered with yes.
        denied: One that is answered with no, and differs in the id of the resource alone.
        properties: The properties of the action without which `by_properties` is answered with no.
        by_properties: A question that is answered with yes for them.
        searches: A search by what is sought, each with several results.
        found: All that it finds, in order.
        candidates: Whatever the domain has of what is sought, and something that it has not.
    """

    permitted: Body
    denied: Body
    properties: Body
    by_properties: Body
    searches: Mapping[str, Body]
    found: Mapping[str, list[str]]
    candidates: Mapping[str, list[str]]


@dataclass(frozen=True)
class Pdp:
    """A policy decision point: the app over one domain, and a client of it that has every scope."""

    known: Known
    settings: Settings
    make_domain: Callable[[], Domain] | None
    client: FlaskClient

    @property
    def calls(self) -> dict[str, Body]:
        """A call of every API that succeeds, by its path."""
        searches = {SEARCH + sought: self.known.searches[sought] for sought in SOUGHT}
        return {EVALUATION: self.known.permitted, EVALUATIONS: {"evaluations": [self.known.permitted]}, **searches}

    def post(self, path: str, body: object) -> TestResponse:
        return self.client.post(path, json=body)

    def succeed(self, path: str, body: object) -> Body:
        """The body of a 200."""
        response = self.post(path, body)
        assert response.status_code == 200, response.text
        answered: Body = response.get_json()
        return answered

    def decision(self, asked: Body) -> bool:
        decision = self.succeed(EVALUATION, asked)["decision"]
        assert type(decision) is bool
        return decision

    def evaluate(self, items: Sequence[object], semantic: str = "execute_all", **more: object) -> list[Body]:
        """The answers to several questions, which take from `more` what they leave out."""
        options = {"evaluations_semantic": semantic}
        answers: list[Body] = self.succeed(EVALUATIONS, {"evaluations": items, "options": options, **more})[
            "evaluations"
        ]
        return answers

    def search(self, sought: str, **more: object) -> Body:
        """What the known search finds, with other members in place of its own."""
        return self.succeed(SEARCH + sought, {**self.known.searches[sought], **more})

    def found(self, sought: str, **more: object) -> list[str]:
        """The ids or names of it."""
        return ids(self.search(sought, **more))

    def about(self, sought: str, candidate: str) -> Body:
        """The question that a search asks about one candidate."""
        member = "action.name" if sought == "action" else f"{sought}.id"
        return changed(self.known.searches[sought], member, candidate)


class Remake(Protocol):
    """Makes the app of a decision point once more, over the same data."""

    def __call__(
        self, pdp: Pdp, *, engine: PolicyEngine | None = None, caller: Caller | None = None, **changes: object
    ) -> Pdp: ...


def ids(found: Body) -> list[str]:
    """The ids or names of results."""
    return [result.get("id", result.get("name")) for result in found["results"]]


def decisions(answers: list[Body]) -> list[bool]:
    return [answer["decision"] for answer in answers]


def is_broken(answer: Body) -> bool:
    """Whether it is the answer to an item that is no question."""
    error = answer.get("context", {}).get("error")
    return answer["decision"] is False and error is not None and error["status"] == 400 and bool(error["message"])


def _thing(kind: str, name: str) -> Body:
    return {"type": kind, "id": name}


_MARY, _PHILIP = _thing("person", "mary.jones"), _thing("person", "philip.smith")
_HER_MOBILE = _thing("subscription", "mobile-2002")
_VIEW_USAGE = {"name": "view_usage"}
_OPTION = {"option": "voicemail-to-text"}
_HER_USAGE = {"subject": _MARY, "action": _VIEW_USAGE, "resource": _HER_MOBILE}
_SUBSCRIPTIONS = ["internet-1001", "mobile-2001", "mobile-2002", "mobile-2003", "tv-1002"]

TELECOM = Known(
    permitted=_HER_USAGE,
    denied=changed(_HER_USAGE, "resource.id", "mobile-2001"),
    properties=_OPTION,
    by_properties={**_HER_USAGE, "action": {"name": "activate_option", "properties": _OPTION}},
    searches={
        "subject": {"subject": {"type": "person"}, "action": _VIEW_USAGE, "resource": _HER_MOBILE},
        "resource": {"subject": _PHILIP, "action": _VIEW_USAGE, "resource": {"type": "subscription"}},
        "action": {"subject": _PHILIP, "resource": _thing("customer", "123456789")},
    },
    found={
        "subject": ["mary.jones", "philip.smith"],
        "resource": _SUBSCRIPTIONS,
        "action": [
            "manage_bills",
            "manage_cloud_access",
            "manage_foot_11_access",
            "manage_payment_statements",
            "manage_premium_club_points",
            "manage_proximus_tv_access",
            "view_bills",
            "view_payment_statements",
            "view_premium_club_points",
            "view_role",
        ],
    },
    candidates={
        "subject": ["philip.smith", "mary.jones", "tracy.smith", SPACESHIP],
        "resource": [*_SUBSCRIPTIONS, "123456789", SPACESHIP],
        "action": [*ActionName, SPACESHIP],
    },
)

_ALICE, _RECORD = _thing("user", "alice"), _thing("record", "record-1")
_SHE_WRITES = {"subject": _ALICE, "action": {"name": "write"}, "resource": _RECORD}
_SOFTLY = {"soft": True}

SCENARIOS = Known(
    permitted=_SHE_WRITES,
    denied=changed(_SHE_WRITES, "resource.id", "record-2"),
    properties=_SOFTLY,
    by_properties={**_SHE_WRITES, "action": {"name": "delete", "properties": _SOFTLY}},
    searches={
        "subject": {
            "subject": {"type": "identity"},
            "action": {"name": "GET"},
            "resource": _thing("route", "/todos"),
        },
        "resource": {"subject": _ALICE, "action": {"name": "edit"}, "resource": {"type": "record"}},
        "action": {"subject": _ALICE, "resource": _thing("record", "101")},
    },
    found={
        "subject": sorted(PIDS.values()),
        "resource": ["101", "107", "110", "113", "119"],
        "action": ["delete", "edit", "view"],
    },
    candidates={
        "subject": [*PIDS.values(), *EMPLOYEES, SPACESHIP],
        "resource": [*RECORDS, "record-1", "record-2", SPACESHIP],
        "action": [*EMPLOYEE_ACTIONS, "read", "write", "GET", SPACESHIP],
    },
)
