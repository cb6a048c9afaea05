"""States the facts of a question as the document that the policy judges: a pure function, and no judgement.

The document is closed by `policies/schemas/input.json`, which has the definition of each member.
"""

from typing import NamedTuple

from authz_service.customers.facts import Eligibility, Facts
from authz_service.questions import Json, Question
from authz_service.words import OPTION_ACTIONS, ActionName, ResourceType, SubscriptionKind

_ACTIONS = frozenset(ActionName)
WRONG_CODES_STATED = 5  # the boundary of `unused_after_five_wrong`; what follows from it is the policy's


class Evidence(NamedTuple):
    """What is brought to a take-over.

    Attributes:
        is_current_administrator_informed: The caller says so. Source: TAKE-1.
        given_activation_code: `not_given`, `right` or `wrong`, code and date both.
    """

    is_current_administrator_informed: bool
    given_activation_code: str


def document(question: Question, facts: Facts, evidence: Evidence | None = None) -> dict[str, Json]:
    """The input document of one question.

    Args:
        question: What is asked.
        facts: What the customer data says of it.
        evidence: What is brought, where the role is to be taken over now and not only asked about.
    """
    action = question.action.name if question.action.name in _ACTIONS else "unknown"
    stated: dict[str, Json] = {
        "action": action,
        "channel": question.context.get("channel") or "unspecified",
        "is_known_person": facts.is_known_person,
        "resource": _resource(question.resource.type, facts),
        "role": facts.role or "none",
    }
    if facts.customer_kind is None:
        return stated
    stated["customer_kind"] = facts.customer_kind
    if facts.subscription_kind is not None:
        stated |= _subscription(facts)
        if action in OPTION_ACTIONS:
            stated["option"] = _option(question, facts)
    if facts.eligibility is not None:
        stated |= _eligibility(facts.eligibility)
        stated["is_take_over"] = evidence is not None
        if evidence is not None:
            stated |= evidence._asdict()
    return stated


def _resource(resource_type: str, facts: Facts) -> str:
    if resource_type not in frozenset(ResourceType):
        return "unknown_type"
    return resource_type if facts.customer_kind is not None else f"unknown_{resource_type}"


def _subscription(facts: Facts) -> dict[str, Json]:
    if facts.subscription_kind != SubscriptionKind.MOBILE:
        return {"subscription_kind": facts.subscription_kind}
    return {
        "subscription_kind": facts.subscription_kind,
        "is_holder": bool(facts.is_holder),
        "plan": facts.plan,
        "paid_by": facts.paid_by,
    }


def _option(question: Question, facts: Facts) -> str:
    if question.action.properties.get("option") is None:
        return "not_given"
    if facts.is_free is None:
        return "unknown"
    if facts.option_subscription_kind != facts.subscription_kind:
        return "for_another_kind"
    return "free" if facts.is_free else "paid"


def _eligibility(eligibility: Eligibility) -> dict[str, Json]:
    return {
        "has_administrator": eligibility.has_administrator,
        "mobiles_paid_by_customer": eligibility.mobiles_paid_by_customer,
        "mobiles_paid_by_employer": eligibility.mobiles_paid_by_employer,
        "mobiles_on_pay_and_go": eligibility.mobiles_on_pay_and_go,
        "has_number_of_another_provider": eligibility.has_number_of_another_provider,
        "activation_code": _activation_code(eligibility),
    }


def _activation_code(eligibility: Eligibility) -> str:
    if not eligibility.has_activation_code:
        return "not_issued"
    if eligibility.activation_used:
        return "used"
    return "unused_after_five_wrong" if eligibility.activation_wrong >= WRONG_CODES_STATED else "unused"
