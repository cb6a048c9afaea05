from typing import Any

import pytest

from authz_service.customers.document import document
from authz_service.customers.facts import Eligibility, Facts
from authz_service.questions import Action, Entity, Question
from authz_service.words import ActionName

NOTHING = Facts(
    is_known_person=True,
    customer_number=None,
    customer_kind=None,
    role=None,
    subscription_kind=None,
    is_holder=None,
    plan=None,
    paid_by=None,
    option_subscription_kind=None,
    is_free=None,
)
HOUSEHOLD = NOTHING._replace(customer_kind="residential", role="user")
INTERNET = HOUSEHOLD._replace(subscription_kind="internet")
MOBILE = HOUSEHOLD._replace(subscription_kind="mobile", is_holder=True, plan="subscription", paid_by="customer")
FREE: dict[str, Any] = {"option_subscription_kind": "mobile", "is_free": True}
PAID: dict[str, Any] = {"option_subscription_kind": "mobile", "is_free": False}
ELIGIBILITY = Eligibility(
    has_administrator=True,
    mobiles_paid_by_customer="own",
    mobiles_paid_by_employer="of_others",
    mobiles_on_pay_and_go="none",
    has_number_of_another_provider=False,
    has_activation_code=False,
    activation_used=False,
    activation_wrong=0,
)


def asked(action: str, kind: str, option: object = None, *, context: dict[str, Any] | None = None) -> Question:
    properties = {} if option is None else {"option": option}
    return Question(
        Entity("person", "mary.jones", {"role": "administrator"}),
        Action(action, properties),  # type: ignore[arg-type]  # an option of any type
        Entity(kind, "1", {"kind": "mobile"}),
        context or {},
    )


def plain(action: str, resource: str, **more: object) -> dict[str, object]:
    return {
        "action": action,
        "channel": "unspecified",
        "is_known_person": True,
        "resource": resource,
        "role": "none" if resource.startswith("unknown") else "user",
    } | more


OF_A_MOBILE = {
    "customer_kind": "residential",
    "subscription_kind": "mobile",
    "is_holder": True,
    "plan": "subscription",
    "paid_by": "customer",
}
SEEKING = {
    "customer_kind": "residential",
    "has_administrator": True,
    "mobiles_paid_by_customer": "own",
    "mobiles_paid_by_employer": "of_others",
    "mobiles_on_pay_and_go": "none",
    "has_number_of_another_provider": False,
    "activation_code": "not_issued",
    "is_take_over": False,
}


@pytest.mark.parametrize(
    ("question", "facts", "expected"),
    [
        # what nobody knows
        (asked("view_bills", "customer"), NOTHING, plain("view_bills", "unknown_customer")),
        (asked("view_usage", "subscription"), NOTHING, plain("view_usage", "unknown_subscription")),
        (asked("view_usage", "planet"), NOTHING, plain("view_usage", "unknown_type")),
        (asked("view_usage", "Customer"), NOTHING, plain("view_usage", "unknown_type")),
        (asked("view_usage", ""), NOTHING, plain("view_usage", "unknown_type")),
        (asked("fly", "customer"), NOTHING, plain("unknown", "unknown_customer")),
        (asked("View_bills", "customer"), NOTHING, plain("unknown", "unknown_customer")),
        (asked("unknown", "customer"), NOTHING, plain("unknown", "unknown_customer")),
        (
            asked("view_bills", "customer"),
            NOTHING._replace(is_known_person=False),
            plain("view_bills", "unknown_customer", is_known_person=False),
        ),
        # an option says nothing of what nobody knows
        (
            asked("activate_option", "subscription", "film"),
            NOTHING._replace(**FREE),
            plain("activate_option", "unknown_subscription"),
        ),
        (
            asked("activate_option", "customer", "film"),
            HOUSEHOLD._replace(**FREE),
            plain("activate_option", "customer", customer_kind="residential"),
        ),
        # a customer number
        (
            asked("view_bills", "customer"),
            HOUSEHOLD,
            plain("view_bills", "customer", customer_kind="residential"),
        ),
        (
            asked("view_bills", "customer"),
            HOUSEHOLD._replace(customer_kind="business", role="administrator"),
            plain("view_bills", "customer", customer_kind="business", role="administrator"),
        ),
        (
            asked("view_bills", "customer"),
            HOUSEHOLD._replace(role=None),
            plain("view_bills", "customer", customer_kind="residential", role="none"),
        ),
        # a subscription
        (
            asked("view_usage", "subscription"),
            INTERNET,
            plain("view_usage", "subscription", customer_kind="residential", subscription_kind="internet"),
        ),
        (asked("view_usage", "subscription"), MOBILE, plain("view_usage", "subscription", **OF_A_MOBILE)),
        (
            asked("fly", "subscription"),
            MOBILE._replace(is_holder=False, plan="pay_and_go", paid_by="employer"),
            plain(
                "unknown",
                "subscription",
                **(OF_A_MOBILE | {"is_holder": False, "plan": "pay_and_go", "paid_by": "employer"}),
            ),
        ),
        # becoming administrator
        (
            asked("become_administrator", "customer"),
            HOUSEHOLD._replace(eligibility=ELIGIBILITY),
            plain("become_administrator", "customer", **SEEKING),
        ),
        (
            asked("become_administrator", "subscription"),
            MOBILE,
            plain("become_administrator", "subscription", **OF_A_MOBILE),
        ),
    ],
)
def test_a_question_and_its_facts_are_one_document(
    question: Question, facts: Facts, expected: dict[str, object]
) -> None:
    assert document(question, facts) == expected
    assert document(question, facts) == expected


@pytest.mark.parametrize("action", ["activate_option", "deactivate_option"])
@pytest.mark.parametrize(
    ("option", "facts", "stated"),
    [
        (None, {}, "not_given"),
        (None, FREE, "not_given"),
        ("", {}, "unknown"),
        ("film", {}, "unknown"),
        ("film", FREE, "free"),
        ("film", PAID, "paid"),
        ("film", FREE | {"option_subscription_kind": "tv"}, "for_another_kind"),
        ("film", PAID | {"option_subscription_kind": "internet"}, "for_another_kind"),
    ],
)
def test_an_option_is_stated_by_what_it_is_and_not_by_its_id(
    action: str, option: str | None, facts: dict[str, Any], stated: str
) -> None:
    made = document(asked(action, "subscription", option), MOBILE._replace(**facts))
    assert made == plain(action, "subscription", **OF_A_MOBILE, option=stated)


@pytest.mark.parametrize("action", sorted(set(ActionName) - {"activate_option", "deactivate_option"}))
def test_no_other_action_states_an_option(action: str) -> None:
    assert "option" not in document(asked(action, "subscription", "film"), MOBILE._replace(**FREE))


@pytest.mark.parametrize(
    ("context", "stated"),
    [
        ({}, "unspecified"),
        ({"channel": None}, "unspecified"),
        ({"channel": "web"}, "web"),
        ({"channel": "app", "role": "administrator", "is_known_person": True}, "app"),
    ],
)
def test_of_the_context_the_channel_alone_is_stated(context: dict[str, Any], stated: str) -> None:
    made = document(asked("view_bills", "customer", context=context), NOTHING)
    assert made == plain("view_bills", "unknown_customer", channel=stated)


@pytest.mark.parametrize(
    ("is_issued", "used", "wrong", "stated"),
    [
        (0, 0, 0, "not_issued"),
        (1, 0, 0, "unused"),
        (1, 0, 4, "unused"),
        (1, 0, 5, "unused_after_five_wrong"),
        (1, 0, 6, "unused_after_five_wrong"),
        (1, 1, 0, "used"),
        (1, 1, 9, "used"),
    ],
)
def test_an_activation_code_is_stated_by_its_state_alone(is_issued: int, used: int, wrong: int, stated: str) -> None:
    eligibility = ELIGIBILITY._replace(
        has_activation_code=bool(is_issued), activation_used=bool(used), activation_wrong=wrong
    )
    made = document(asked("become_administrator", "customer"), HOUSEHOLD._replace(eligibility=eligibility))
    assert made["activation_code"] == stated
