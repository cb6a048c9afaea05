"""The bodies of the API as models: for the API document, and for making the smaller answers."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from authz_service.customers.model import Activation
from authz_service.words import Channel, Role


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


class EvaluationsRequest(Evaluation):
    evaluations: list[Evaluation] | None = None
    """Each takes what it leaves out from the top level, a whole member at a time."""
    options: Options | None = None


class ItemError(_Shape):
    status: int
    message: str


class BrokenItemContext(_Shape):
    error: ItemError


class BrokenItem(_Shape):
    """The answer to an item that is no question. The other items are answered all the same."""

    decision: Literal[False]
    context: BrokenItemContext


class EvaluationsResponse(_Shape):
    """Without evaluations in the request it is that of a single evaluation."""

    evaluations: list[EvaluationResponse | BrokenItem] | None = None
    decision: bool | None = None
    context: DecisionContext | None = None


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


class Alive(_Shape):
    status: Literal["alive"]


class Check(_Shape):
    ok: bool
    detail: str
    """What is wrong and what to do; what was found where nothing is."""


class PolicyCheck(Check):
    revision: str
    """The revision in force; empty before OPA has answered once."""
    rejected: list[str]
    """What is wrong with a later edit, which is not in force: `file:line: what`."""


class Checks(_Shape):
    database: Check
    opa: Check
    policy: PolicyCheck


class Readiness(_Shape):
    status: Literal["ready", "not ready"]
    checks: Checks


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
