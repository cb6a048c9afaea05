"""The outside suites' case files. What is not known in them is refused, so that nothing passes unheeded."""

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, TypeAdapter, ValidationError, model_validator

from authz_service.errors import ConfigurationError

_EVALUATION = "/access/v1/evaluation"
_EVALUATIONS = "/access/v1/evaluations"
METADATA = "/.well-known/authzen-configuration"
SEARCH = "/access/v1/search/"


class Match(StrEnum):
    """How an answer is compared with what is expected, in the words of the case files."""

    DECISION = "decision equals; other members allowed"
    DECISION_ALONE = "decision equals; other members allowed; no `evaluations` member"
    ONE_EACH = "same length, decisions equal by index; length equals request"
    UP_TO_TRIGGER = "same length, decisions equal by index; response truncated at trigger"
    ENTITIES_PRESENT = (
        "every expected entity present as an exactly equal JSON object (no extra members); extra entities allowed"
    )
    PAGE_SHAPE = "shape only: results array; page object if present; next_token string if present"
    NEXT_PAGE_SHAPE = (
        "only if c-4-5-1 gave a non-empty next_token. NOTE limit is NOT repeated. page object with string next_token "
        "required"
    )
    METADATA = (
        "200, Content-Type application/json; policy_decision_point identical to the base URL used; "
        "access_evaluation_endpoint https URL; optional endpoints https URLs if present; capabilities array of strings "
        "if present; signed_metadata verifiable JWT with iss if present"
    )
    # What the files leave unsaid.
    BOOLEANS = "a boolean for each evaluation"
    EXACTLY = "exactly these members; results in any order"
    STATUS = "the status alone"


class RepeatMatch(StrEnum):
    """What has to be the same when a request is repeated."""

    DECISION = "decision equal"
    BODY = "whole body equal"
    RESULTS = "body equal (results as multiset, page.next_token value ignored)"


class Auth(StrEnum):
    WRONG = "send wrong credentials"
    NONE = "omit credentials"


_COMPARED = {
    Match.DECISION: "decision",
    Match.DECISION_ALONE: "decision",
    Match.ONE_EACH: "evaluations",
    Match.UP_TO_TRIGGER: "evaluations",
    Match.BOOLEANS: "evaluations",
    Match.ENTITIES_PRESENT: "results",
}
"""The member of what is expected that a rule compares. The others but `EXACTLY` compare none."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Case(_Strict):
    """One request and what is expected of the answer; the members are described beside the case files."""

    id: str
    endpoint: str
    method: Literal["GET", "POST", "PUT"] = "POST"
    content_type: str = "application/json"
    request: dict[str, Any] | None = None
    raw_body: str | None = None
    accept_status: Annotated[list[int], Field(min_length=1)] = [200]
    expected: dict[str, Any] = {}
    match: Match | None = None
    repeat: PositiveInt = 1
    repeat_match: RepeatMatch = RepeatMatch.DECISION
    follow_pages: (
        Literal[
            "repeat with page.token=next_token (limit kept) until next_token empty; union of results must contain "
            "expected"
        ]
        | None
    ) = None
    auth: Auth | None = None
    not_applicable_for_auth_type: list[str] = []
    send_x_request_id: bool = False
    warn_unless_header: str | None = None
    plans: list[str] = []
    level: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _all_is_compared(self) -> Self:
        compared = {member for match, member in _COMPARED.items() if match is self.rule}
        if self.rule is not Match.EXACTLY and self.expected.keys() != compared:
            wanted = f"`{min(compared)}` alone" if compared else "nothing"
            raise ValueError(f"the rule '{self.rule}' compares {wanted}, and something else is expected")
        if self.request is not None and self.raw_body is not None:
            raise ValueError("either a request or a raw body can be sent, not both")
        return self

    @property
    def rule(self) -> Match:
        """How to compare: as the case says, else as the shape of what is expected suggests."""
        if self.match is not None:
            return self.match
        match self.expected:
            case {"decision": _}:
                return Match.DECISION_ALONE
            case {"evaluations": "booleans"}:
                return Match.BOOLEANS
            case {"evaluations": _}:
                return Match.ONE_EACH
            case {"results": _}:
                return Match.ENTITIES_PRESENT
            case _:
                return Match.STATUS

    @property
    def sought(self) -> str:
        """What a search looks for; empty for anything else."""
        return self.endpoint.removeprefix(SEARCH) if self.endpoint.startswith(SEARCH) else ""


class Suite(NamedTuple):
    name: str
    cases: tuple[Case, ...]


class _SuiteFile(_Strict):
    source: str
    note: str
    plans: dict[str, int] = {}
    cases: list[Case]


class _InteropCase(_Strict):
    request: dict[str, Any]
    expected: bool | list[Any] | dict[str, Any]


class _Interop(NamedTuple):
    """Which suite a list of an interop file is, and where its requests go."""

    suite: str
    endpoint: str


_SUITES = {"oidf_suite_cases.json": "OIDF suite", "certification_scenario_cases.json": "certification"}
_INTEROP = {
    "todo.json": {
        "evaluation": _Interop("Todo evaluation", _EVALUATION),
        "evaluations": _Interop("Todo evaluations", _EVALUATIONS),
    },
    "gateway.json": {"evaluation": _Interop("API gateway", _EVALUATION)},
    "search-subject.json": {"evaluation": _Interop("search subject", f"{SEARCH}subject")},
    "search-resource.json": {"evaluation": _Interop("search resource", f"{SEARCH}resource")},
    "search-action.json": {"evaluation": _Interop("search action", f"{SEARCH}action")},
    "idp.json": {"search": _Interop("IdP", f"{SEARCH}resource")},
}
FILES = (*_SUITES, *_INTEROP)
"""Every case file that is known."""


def read_suites(folder: Path) -> list[Suite]:
    """The suites whose files are in the folder, in a fixed order.

    Raises:
        ConfigurationError: There are none, or a file holds no cases or something that is not known.
    """
    there = {path.name for path in folder.glob("*.json")}
    if not there:
        raise ConfigurationError(f"{folder}: has no case files; known are {', '.join(FILES)}.")
    if unknown := sorted(there.difference(FILES)):
        raise ConfigurationError(f"{folder / unknown[0]}: is no case file that is known; known are {', '.join(FILES)}.")
    suites = [suite for name in FILES if name in there for suite in _read(folder / name)]
    for suite in suites:
        if not suite.cases:
            raise ConfigurationError(f"{folder}: the suite {suite.name} has no cases.")
    return suites


def _read(path: Path) -> Iterator[Suite]:
    try:
        if path.name in _SUITES:
            file = _SuiteFile.model_validate_json(path.read_bytes(), strict=True)
            _count(path, file)
            yield Suite(_SUITES[path.name], tuple(file.cases))
        else:
            lists = TypeAdapter(dict[str, list[_InteropCase]]).validate_json(path.read_bytes(), strict=True)
            yield from _interop(path, lists)
    except ValidationError as error:
        faults = (f"{path}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ConfigurationError("\n".join(faults)) from error


def _count(path: Path, file: _SuiteFile) -> None:
    counted = Counter(plan for case in file.cases for plan in case.plans)
    if counted != file.plans:
        raise ConfigurationError(f"{path}: its cases are not as many as it says itself, in `plans`.")
    if len({case.id for case in file.cases}) < len(file.cases):
        raise ConfigurationError(f"{path}: two cases have the same id.")


def _interop(path: Path, lists: dict[str, list[_InteropCase]]) -> Iterator[Suite]:
    known = _INTEROP[path.name]
    if lists.keys() != known.keys():
        raise ConfigurationError(f"{path}: must have {' and '.join(known)}, and nothing else.")
    for name, (suite, endpoint) in known.items():
        yield Suite(suite, tuple(_uniform(suite, endpoint, lists[name])))


def _uniform(suite: str, endpoint: str, cases: Iterable[_InteropCase]) -> Iterator[Case]:
    for number, case in enumerate(cases, start=1):
        expected, match = case.expected, Match.EXACTLY
        if isinstance(expected, bool):
            expected, match = {"decision": expected}, Match.DECISION
        elif isinstance(expected, list):
            expected = {"evaluations": expected}
        yield Case(id=f"{suite} {number}", endpoint=endpoint, request=case.request, expected=expected, match=match)
