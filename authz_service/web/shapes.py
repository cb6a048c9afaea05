"""The bodies of the API as models: for the API document, and for making the smaller answers."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from authz_service.customers.model import Activation
from authz_service.words import Channel, Role

MOST_EVALUATIONS = 10_000


class _Shape(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class SubjectOrResource(_Shape):
    type: str
    id: str
    properties: dict[str, object] | None = None
    """Whatever the caller likes to add. It never widens a decision: the store says who has which role."""


class Action(_Shape):
    name: str
    properties: dict[str, object] | None = None
    """`option`, the id of an option, for `activate_option` and `deactivate_option`."""


class Context(_Shape):
    model_config = ConfigDict(extra="allow")

    channel: Channel | None = None
    """Where the person is."""


class EvaluationRequest(_Shape):
    subject: SubjectOrResource
    action: Action
    resource: SubjectOrResource
    context: Context | None = None


class Reason(_Shape):
    code: str
    """The code of the rule."""
    cites: list[str]
    """The facts and readings that the rule rests on."""
    message: str
    """A sentence for the person."""


class DecisionContext(_Shape):
    role: Role | None
    """The subject's role on the customer number asked about."""
    policy_revision: str
    reasons: Annotated[list[Reason], Field(min_length=1)]
    """The rules that grant on a permit, what stands against it on a denial."""
    route: Literal["activation_code", "mobile_number"] | None = None
    """By which route the person may become administrator."""
    requires: list[Literal["activation_code", "inform_current_administrator", "web_site"]] | None = None
    """What the person will still have to bring to become administrator."""


class EvaluationResponse(_Shape):
    decision: bool
    context: DecisionContext


class Semantic(StrEnum):
    """Whether all evaluations of a call are answered, or only up to the first that settles the matter."""

    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"


class Options(_Shape):
    evaluations_semantic: Semantic | None = None


class Evaluation(_Shape):
    subject: SubjectOrResource | None = None
    action: Action | None = None
    resource: SubjectOrResource | None = None
    context: Context | None = None


class ManyEvaluations(_Shape):
    subject: SubjectOrResource | dict[str, object] | None = None
    """What an evaluation has that leaves it out. It may be incomplete where none does."""
    action: Action | dict[str, object] | None = None
    resource: SubjectOrResource | dict[str, object] | None = None
    context: Context | dict[str, object] | None = None
    evaluations: Annotated[list[Evaluation | object], Field(min_length=1, max_length=MOST_EVALUATIONS)]
    """Each takes what it leaves out from the top level, a whole member at a time. What is none is denied."""
    options: Options | None = None


class OneEvaluation(EvaluationRequest):
    """As in a single evaluation. Options, too, are then ignored."""

    evaluations: Annotated[list[object], Field(max_length=0)] | None = None


class EvaluationsRequest(RootModel[ManyEvaluations | OneEvaluation]):
    pass


class ItemError(_Shape):
    status: int
    message: str


class BrokenItemContext(_Shape):
    error: ItemError


class BrokenItem(_Shape):
    """The answer to an item that is no question. The other items are answered all the same."""

    decision: Literal[False]
    context: BrokenItemContext


class ManyAnswers(_Shape):
    evaluations: Annotated[list[EvaluationResponse | BrokenItem], Field(min_length=1)]


class EvaluationsResponse(RootModel[ManyAnswers | EvaluationResponse]):
    """Without evaluations in the request it is that of a single evaluation."""


class EntityType(_Shape):
    """What is searched for. An id is ignored."""

    type: str


class AskedPage(_Shape):
    token: str | None = None
    """The `next_token` of the page before; the rest of the request has to be the same as there."""
    limit: Annotated[int, Field(ge=0)] | None = None
    """How many results at most; a page has 1,000 at most."""
    properties: dict[str, object] | None = None


class SubjectSearchRequest(_Shape):
    subject: EntityType
    action: Action
    resource: SubjectOrResource
    context: Context | None = None
    page: AskedPage | None = None


class ResourceSearchRequest(_Shape):
    subject: SubjectOrResource
    action: Action
    resource: EntityType
    context: Context | None = None
    page: AskedPage | None = None


class ActionSearchRequest(_Shape):
    subject: SubjectOrResource
    resource: SubjectOrResource
    context: Context | None = None
    page: AskedPage | None = None


class Page(_Shape):
    next_token: str
    """What the request for the next page sends as `page.token`; empty on the last page."""
    count: Annotated[int, Field(ge=0)]
    """How many results are on this page. A page that is not the last may have fewer than the limit, or none."""


class FoundEntity(_Shape):
    type: str
    id: str


class FoundAction(_Shape):
    name: str


class EntitySearchResponse(_Shape):
    page: Page
    results: list[FoundEntity]


class ActionSearchResponse(_Shape):
    page: Page
    results: list[FoundAction]


class TakeOverRequest(_Shape):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    person: str
    channel: Annotated[Channel, Field(strict=False)]
    """The web site; the app does not offer it."""
    current_administrator_informed: bool = False
    """Whether the current administrator has been told, where there is one to take over from."""
    activation: Activation | None = None
    """What the letter says that issued the activation code, on a number without mobiles on its bill."""


class TakenOver(_Shape):
    customer_number: str
    administrator: str
    became_users: list[str]
    """Who was administrator before."""
    notified: list[str]
    """Who gets an e-mail about it."""
    decision_id: str


class MemberRole(_Shape):
    customer_number: str
    person: str
    role: Role


class RoleOnCustomer(_Shape):
    customer_number: str
    role: Role


class PersonRoles(_Shape):
    person: str
    roles: list[RoleOnCustomer]


class Metadata(_Shape):
    """AuthZEN Authorization API 1.0, section 9."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_evaluations_endpoint: str
    search_subject_endpoint: str
    search_resource_endpoint: str
    search_action_endpoint: str
    signed_metadata: str | None = None
    """The same as a JWT, where the operator has set a key for it."""


class Alive(_Shape):
    status: Literal["alive"]


class Check(_Shape):
    ok: bool
    detail: str
    """What is wrong and what to do; what was found where nothing is."""


class PolicyCheck(Check):
    revision: str
    """The revision in force; empty before OPA has answered once."""
    rejected: int
    """How many findings there are on a later edit, which is not in force; the log and `/status` have them."""


class CallersCheck(Check):
    rejected: int
    """How many findings there are on a later edit of the callers' file, which is not in force; the log and `/status`
    have them."""


class JournalCheck(Check):
    behind_bytes: int
    """How much of the journal cannot be searched yet."""


class Checks(_Shape):
    database: Check
    opa: Check
    policy: PolicyCheck
    journal: JournalCheck
    callers: CallersCheck


class Readiness(_Shape):
    status: Literal["ready", "not ready"]
    checks: Checks


class KeptReason(_Shape):
    code: str
    cites: list[str]


class KeptDecision(_Shape):
    """What was asked, what was known, what was answered, and where that is kept.

    People and things have pseudonyms, which begin with `~`, unless the operator has chosen otherwise.
    """

    id: str
    at: str
    kind: Literal["decision", "search", "take_over", "trial"]
    """A trial is a question that somebody has tried on a page for reviewers; nobody was let do anything by it."""
    caller: str | None = None
    request_id: str | None = None
    """As it was sent where a machine made it: a UUID, a ULID, 32 hexadecimal digits. Otherwise a pseudonym."""
    traceparent: str | None = None
    subject: str | None = None
    action: str | None = None
    resource: str | None = None
    customer: str | None = None
    option: str | None = None
    sought: Literal["subject", "resource", "action"] | None = None
    found: list[str] | None = None
    """What a search has found on its page."""
    decision: bool | None = None
    policy_revision: str | None = None
    facts: dict[str, str | bool] | None = None
    reasons: list[KeptReason] | None = None
    route: str | None = None
    requires: list[str] | None = None
    effects: list[str] | None = None
    became_users: list[str] | None = None
    notified: list[str] | None = None
    chain: str
    """The chain that the entry is in."""
    sequence: int
    """Its number there."""


class KeptDecisions(_Shape):
    decisions: list[KeptDecision]
    next_cursor: str | None
    """What the next page is asked with; null on the last."""


class Proof(_Shape):
    """What `authz-service journal verify --proof` checks with the public key alone."""

    entry: str
    ruling: str | None
    previous: str
    """The hash of the entry before."""
    index: int
    path: list[str]
    """The hashes from the entry to the root of its block."""
    checkpoint: str
    signature: str


class Judgement(_Shape):
    decision: bool
    policy_revision: str
    reasons: list[KeptReason]
    route: str | None
    requires: list[str]
    effects: list[str]


class Replay(_Shape):
    id: str
    facts: dict[str, str | bool]
    recorded: Judgement
    today: Judgement
    differs: bool
    """Whether today's answer is another, be it in its reasons."""


class ProblemError(_Shape):
    member: str
    detail: str


class Problem(_Shape):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemError] | None = None
    """Each member that is wrong."""
    reasons: list[Reason] | None = None
    """What stands against a take-over."""
    decision_id: str | None = None
    """The id of the decision that refuses it."""
