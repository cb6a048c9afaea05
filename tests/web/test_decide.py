import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from authz_service.words import ActionName
from tests.conftest import HOUSEHOLDS, Load
from tests.web.asking import CANARY, CUSTOMER, ULID, changed, codes, faulty_members, question

DECIDE = "/v1/decide"
EVALUATION = "/access/v1/evaluation"

HER_USAGE = question("mary.jones", "view_usage", "mobile-2002")
HER_OPTION = question("mary.jones", "activate_option", "mobile-2002", "voicemail-to-text")
THE_BILLS = question("mary.jones", "view_bills", CUSTOMER)
THE_ROLE = question("mary.jones", "become_administrator", CUSTOMER)

PERMITS = [
    # an administrator
    ("philip.smith", "view_bills", CUSTOMER, None, {"administrator_bills"}),
    ("philip.smith", "manage_bills", CUSTOMER, None, {"administrator_bills"}),
    ("philip.smith", "view_payment_statements", CUSTOMER, None, {"administrator_bills"}),
    ("philip.smith", "manage_payment_statements", CUSTOMER, None, {"administrator_bills"}),
    ("philip.smith", "view_premium_club_points", CUSTOMER, None, {"administrator_premium_club_points"}),
    ("philip.smith", "manage_premium_club_points", CUSTOMER, None, {"administrator_premium_club_points"}),
    ("philip.smith", "manage_proximus_tv_access", CUSTOMER, None, {"administrator_access"}),
    ("philip.smith", "manage_cloud_access", CUSTOMER, None, {"administrator_access"}),
    ("philip.smith", "manage_foot_11_access", CUSTOMER, None, {"administrator_access"}),
    ("philip.smith", "view_role", CUSTOMER, None, {"own_role"}),
    ("philip.smith", "view_usage", "mobile-2002", None, {"administrator_usage"}),
    ("philip.smith", "view_usage", "tv-1002", None, {"administrator_usage"}),
    ("philip.smith", "activate_option", "internet-1001", "wifi-guest-access", {"administrator_options"}),
    (
        "philip.smith",
        "activate_option",
        "mobile-2002",
        "extra-data-5gb",
        {"administrator_options", "administrator_paid_options"},
    ),
    ("philip.smith", "deactivate_option", "tv-1002", "film-evening", {"administrator_options"}),
    # a user
    ("mary.jones", "view_role", CUSTOMER, None, {"own_role"}),
    ("mary.jones", "view_usage", "mobile-2002", None, {"own_mobile_usage"}),
    ("mary.jones", "activate_option", "mobile-2002", "voicemail-to-text", {"own_mobile_free_options"}),
    ("mary.jones", "become_administrator", CUSTOMER, None, {"eligible_by_mobile_number"}),
]

DENIALS = [
    # an administrator
    ("philip.smith", "delegate", CUSTOMER, None, {"no_delegation"}),
    ("philip.smith", "become_administrator", CUSTOMER, None, {"already_administrator"}),
    ("philip.smith", "view_usage", CUSTOMER, None, {"nothing_grants"}),
    ("philip.smith", "view_bills", "internet-1001", None, {"nothing_grants"}),
    # a user
    ("mary.jones", "view_bills", CUSTOMER, None, {"administrator_only"}),
    ("mary.jones", "manage_foot_11_access", CUSTOMER, None, {"administrator_only"}),
    ("mary.jones", "delegate", CUSTOMER, None, {"no_delegation"}),
    ("mary.jones", "view_usage", "mobile-2001", None, {"not_own_mobile"}),
    ("mary.jones", "view_usage", "mobile-2003", None, {"not_own_mobile"}),
    ("mary.jones", "view_usage", "internet-1001", None, {"not_own_mobile"}),
    ("mary.jones", "activate_option", "mobile-2002", "extra-data-5gb", {"paid_option"}),
    ("mary.jones", "activate_option", "mobile-2001", "voicemail-to-text", {"not_own_mobile"}),
    ("mary.jones", "activate_option", "internet-1001", "wifi-guest-access", {"not_own_mobile"}),
    ("mary.jones", "deactivate_option", "mobile-2002", "voicemail-to-text", {"deactivation"}),
    # whom and what nobody knows
    ("nobody", "view_usage", "mobile-2002", None, {"unknown_subject"}),
    ("nobody", "become_administrator", CUSTOMER, None, {"unknown_subject"}),
    ("mary.jones", "view_bills", "987654321", None, {"unknown_resource"}),
    ("mary.jones", "view_usage", "mobile-9999", None, {"unknown_resource"}),
    ("mary.jones", "fly", CUSTOMER, None, {"unknown_action"}),
    ("mary.jones", "fly", "mobile-2001", None, {"unknown_action"}),
    ("nobody", "fly", "nothing", None, {"unknown_action", "unknown_resource", "unknown_subject"}),
]


@pytest.mark.parametrize(
    ("person", "action", "resource", "option", "reasons", "decision"),
    [(*row, True) for row in PERMITS] + [(*row, False) for row in DENIALS],
)
def test_a_decision_has_its_reasons_and_each_cites_what_it_rests_on(
    smiths: FlaskClient,
    person: str,
    action: str,
    resource: str,
    option: str | None,
    reasons: set[str],
    *,
    decision: bool,
) -> None:
    answer = ask(smiths, question(person, action, resource, option))
    assert (answer["decision"], codes(answer)) == (decision, reasons)
    for reason in answer["context"]["reasons"]:
        assert reason["message"]
        assert all(re.fullmatch(r"(ROLE|ADMIN|USER|ELIG|TAKE|READ)-\d+", cited) for cited in reason["cites"])


def test_the_answer_has_exactly_these_members_in_this_order(smiths: FlaskClient) -> None:
    response = smiths.post(DECIDE, json=HER_USAGE)
    revision = response.get_json()["context"]["policy_revision"]
    assert response.content_type == "application/json"
    assert revision
    assert response.text == (
        f'{{"decision":true,"context":{{"role":"user","policy_revision":"{revision}",'
        '"reasons":[{"code":"own_mobile_usage","cites":["USER-1"],'
        '"message":"This mobile is your own, so you may see its usage."}]}}'
    )


@pytest.mark.parametrize(
    ("channel", "members"),
    [
        ("web", ["role", "policy_revision", "reasons", "route", "requires"]),
        ("app", ["role", "policy_revision", "reasons", "requires"]),
    ],
)
def test_an_answer_about_the_role_has_these_members_in_this_order(
    smiths: FlaskClient, channel: str, members: list[str]
) -> None:
    answer = ask(smiths, changed(THE_ROLE, "context.channel", channel))
    assert list(answer) == ["decision", "context"]
    assert list(answer["context"]) == members


@pytest.mark.parametrize(
    ("person", "resource", "role"),
    [
        ("philip.smith", CUSTOMER, "administrator"),
        ("tracy.smith", CUSTOMER, "user"),
        ("philip.smith", "tv-1002", "administrator"),
        ("tracy.smith", "mobile-2002", "user"),
        ("nobody", CUSTOMER, None),
        ("philip.smith", "987654321", None),
        ("philip.smith", "tv-9999", None),
    ],
)
def test_the_role_told_is_the_one_on_the_customer_number_of_the_resource(
    smiths: FlaskClient, person: str, resource: str, role: str | None
) -> None:
    assert ask(smiths, question(person, "view_role", resource))["context"]["role"] == role


def test_a_decision_has_an_id_of_its_own_while_the_body_of_the_same_question_is_the_same(
    smiths: FlaskClient,
) -> None:
    responses = [smiths.post(DECIDE, json=HER_USAGE) for _ in range(5)]
    ids = {response.headers["Decision-Id"] for response in responses}
    assert len(ids) == 5
    assert all(re.fullmatch(ULID, decision_id) for decision_id in ids)
    assert len({response.data for response in responses}) == 1


@pytest.mark.parametrize("asked", [HER_USAGE, THE_BILLS, THE_ROLE, question("nobody", "fly", "nothing")])
def test_decide_and_the_evaluation_of_authzen_answer_the_same(smiths: FlaskClient, asked: dict[str, Any]) -> None:
    assert smiths.post(DECIDE, json=asked).data == smiths.post(EVALUATION, json=asked).data


def test_a_denial_is_a_success_of_http(smiths: FlaskClient) -> None:
    response = smiths.post(DECIDE, json=THE_BILLS)
    assert response.status_code == 200
    assert response.get_json()["decision"] is False


@pytest.mark.parametrize(
    "properties",
    [
        {"role": "administrator"},
        {"roles": ["administrator"], "is_known_person": True},
        {"holder": "mary.jones", "is_holder": True, "is_own_mobile": True},
        {"kind": "mobile", "customer_number": CUSTOMER, "plan": "subscription", "paid_by": "customer"},
        {"price": "0.00", "for": "mobile"},
        {"id": "philip.smith", "type": "person", "name": "view_role"},
        {"input": {"role": "administrator"}, "allow": True, "decision": True},
    ],
)
@pytest.mark.parametrize("place", ["subject.properties", "resource.properties", "action.properties", "context"])
def test_what_a_caller_sends_along_never_widens_a_decision(
    smiths: FlaskClient, place: str, properties: dict[str, object]
) -> None:
    for asked in (
        THE_BILLS,
        question("mary.jones", "view_usage", "mobile-2001"),
        question("mary.jones", "activate_option", "mobile-2002", "extra-data-5gb"),
        question("nobody", "view_role", CUSTOMER),
    ):
        plain = smiths.post(DECIDE, json=asked)
        option = asked["action"].get("properties", {}) if place == "action.properties" else {}
        decorated = smiths.post(DECIDE, json=changed(asked, place, properties | option))
        assert plain.get_json()["decision"] is False
        assert decorated.data == plain.data


@pytest.mark.parametrize(
    "value", [None, True, 0, -1.5, 10**30, "text", [], [[None]], {}, {"deep": {"er": [1, {"": ""}]}}]
)
def test_properties_and_context_may_hold_any_json(smiths: FlaskClient, value: object) -> None:
    asked = HER_USAGE
    for place in ("subject.properties", "resource.properties", "action.properties", "context"):
        asked = changed(asked, place, {"anything": value})
    assert ask(smiths, asked) == ask(smiths, HER_USAGE)


@pytest.mark.parametrize("place", ["subject.properties", "resource.properties", "action.properties", "context"])
def test_an_optional_member_that_is_null_is_left_out(smiths: FlaskClient, place: str) -> None:
    assert ask(smiths, changed(HER_USAGE, place, None)) == ask(smiths, HER_USAGE)


def test_members_that_nobody_knows_are_ignored_at_every_level(smiths: FlaskClient) -> None:
    asked = HER_USAGE
    for place in ("_note", "evaluations", "options", "subject._note", "action._note", "resource._note"):
        asked = changed(asked, place, {"type": 1, "id": [], "channel": "app"})
    assert ask(smiths, asked) == ask(smiths, HER_USAGE)


def test_the_order_of_members_means_nothing(smiths: FlaskClient) -> None:
    turned = {
        part: dict(reversed(value.items())) if isinstance(value, dict) else value
        for part, value in reversed(HER_OPTION.items())
    }
    assert json.dumps(turned) != json.dumps(HER_OPTION)
    assert ask(smiths, turned) == ask(smiths, HER_OPTION)


# Every spelling but the one that is stored is somebody or something else.
OTHER_SPELLINGS = [
    "{} ",
    " {}",
    "\t{}",
    "{}\n",
    "{}\0",
    "\0",
    "{}\u200b",
    "{}\N{COMBINING ACUTE ACCENT}",
    "{}%",
    "{}%00",
    "{}'",
    '{}"',
    "{}\\",
    "{}' OR '1'='1",
    "{}; DROP TABLE people",
    "person:{}",
    "{}/",
    "{{{}}}",
    "\N{GRINNING FACE}",
    "%",
    "_",
    "*",
    "null",
    "",
    "x" * 10_000,
]


def shouted(text: str) -> str:
    return text.upper()


def fullwidth(text: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


@pytest.mark.parametrize(
    ("place", "right", "code"),
    [
        ("subject.id", "mary.jones", "unknown_subject"),
        ("subject.type", "person", "unknown_subject"),
        ("resource.id", "mobile-2002", "unknown_resource"),
        ("resource.type", "subscription", "unknown_resource"),
        ("action.name", "view_usage", "unknown_action"),
        ("action.properties.option", "voicemail-to-text", "unknown_option"),
    ],
)
def test_names_are_compared_byte_for_byte(smiths: FlaskClient, place: str, right: str, code: str) -> None:
    asked = HER_OPTION if "option" in place else HER_USAGE
    assert ask(smiths, changed(asked, place, right))["decision"] is True
    others = [spelling.format(right) for spelling in OTHER_SPELLINGS]
    for other in [*others, shouted(right), fullwidth(right)]:
        answer = ask(smiths, changed(asked, place, other))
        assert (answer["decision"], code in codes(answer)) == (False, True), other


@pytest.mark.parametrize("other", ["0123456789", "123456789.0", "12345678", "１２３４５６７８９", "1234567890"])  # noqa: RUF001 - wide digits are the point
def test_a_customer_number_is_a_string_and_no_number(smiths: FlaskClient, other: str) -> None:
    asked = changed(question("philip.smith", "view_bills", CUSTOMER), "resource.id", other)
    assert codes(ask(smiths, asked)) == {"unknown_resource"}


def test_two_spellings_of_one_letter_are_two_people(client: FlaskClient) -> None:
    composed, decomposed = "andr\N{LATIN SMALL LETTER E WITH ACUTE}", "andre\N{COMBINING ACUTE ACCENT}"
    person = {"id": composed, "name": "André", "email": "andre@example.org"}
    assert client.put(f"/v1/people/{composed}", json=person).status_code == 201
    asked = {name: question(name, "view_bills", CUSTOMER) for name in (composed, decomposed)}
    assert codes(ask(client, asked[composed])) == {"not_linked"}
    assert codes(ask(client, asked[decomposed])) == {"unknown_subject"}


@pytest.mark.parametrize("person", ["philip.smith", "mary.jones"])
@pytest.mark.parametrize("action", ["activate_option", "deactivate_option"])
@pytest.mark.parametrize(
    ("properties", "code"),
    [
        (..., "option_not_given"),
        (None, "option_not_given"),
        ({}, "option_not_given"),
        ({"option": None}, "option_not_given"),
        ({"Option": "voicemail-to-text"}, "option_not_given"),
        ({"option": ""}, "unknown_option"),
        ({"option": "free"}, "unknown_option"),
        ({"option": "fixed-address"}, "option_for_another_kind"),
        ({"option": "wifi-guest-access"}, "option_for_another_kind"),
        ({"option": "film-evening"}, "option_for_another_kind"),
    ],
)
def test_an_option_that_is_not_one_of_this_subscription_is_denied_to_everyone(
    smiths: FlaskClient, person: str, action: str, properties: object, code: str
) -> None:
    asked = changed(question(person, action, "mobile-2002"), "action.properties", properties)
    answer = ask(smiths, asked)
    assert answer["decision"] is False
    assert code in codes(answer)


@pytest.mark.parametrize("option", [1, 1.5, True, False, ["voicemail-to-text"], {"id": "voicemail-to-text"}])
@pytest.mark.parametrize("action", ["activate_option", "deactivate_option"])
def test_an_option_that_is_no_string_is_refused_and_named(smiths: FlaskClient, action: str, option: object) -> None:
    asked = changed(question("mary.jones", action, "mobile-2002"), "action.properties.option", option)
    assert faulty_members(smiths.post(DECIDE, json=asked)) == ["action.properties.option"]


@pytest.mark.parametrize("option", [1, True, [], {}])
def test_only_the_actions_on_options_read_an_option(smiths: FlaskClient, option: object) -> None:
    asked = changed(HER_USAGE, "action.properties.option", option)
    assert ask(smiths, asked) == ask(smiths, HER_USAGE)


@pytest.mark.parametrize("action", sorted(set(ActionName) - {ActionName.BECOME_ADMINISTRATOR}))
@pytest.mark.parametrize("person", ["philip.smith", "mary.jones"])
def test_the_web_site_and_the_app_are_alike_for_all_but_becoming_administrator(
    smiths: FlaskClient, person: str, action: str
) -> None:
    for resource in (CUSTOMER, "mobile-2002"):
        asked = question(person, action, resource, "voicemail-to-text")
        plain = smiths.post(DECIDE, json=asked).data
        for channel in ("web", "app", None):
            assert smiths.post(DECIDE, json=changed(asked, "context.channel", channel)).data == plain


@pytest.mark.parametrize(
    ("context", "requires"),
    [
        ({"channel": "web"}, ["inform_current_administrator"]),
        ({"channel": None}, ["inform_current_administrator", "web_site"]),
        ({}, ["inform_current_administrator", "web_site"]),
        (None, ["inform_current_administrator", "web_site"]),
        (..., ["inform_current_administrator", "web_site"]),
    ],
)
def test_who_may_become_administrator_is_told_the_route_and_what_is_still_to_bring(
    smiths: FlaskClient, context: object, requires: list[str]
) -> None:
    answer = ask(smiths, changed(THE_ROLE, "context", context))
    assert answer["decision"] is True
    assert answer["context"]["route"] == "mobile_number"
    assert answer["context"]["requires"] == requires


@pytest.mark.parametrize(
    ("asked", "reasons"),
    [
        (question("mary.jones", "become_administrator", CUSTOMER, channel="app"), {"not_in_the_app"}),
        (question("philip.smith", "become_administrator", CUSTOMER), {"already_administrator"}),
        (question("mary.jones", "become_administrator", "mobile-2002"), {"customer_number_needed"}),
        (
            question("mary.jones", "become_administrator", "987654321"),
            {"customer_number_needed", "unknown_resource"},
        ),
    ],
)
def test_who_may_not_become_administrator_has_no_route_and_nothing_to_bring(
    smiths: FlaskClient, asked: dict[str, Any], reasons: set[str]
) -> None:
    answer = ask(smiths, asked)
    assert (answer["decision"], codes(answer)) == (False, reasons)
    assert "route" not in answer["context"]
    assert answer["context"]["requires"] == []


def test_without_a_mobile_on_the_bill_the_route_is_the_activation_code(client: FlaskClient, load: Load) -> None:
    load([HOUSEHOLDS / "household-without-mobiles-has-a-code.yaml"])
    answer = ask(client, question("els.peeters", "become_administrator", "200000001", channel="web"))
    assert answer["decision"] is True
    assert answer["context"]["route"] == "activation_code"
    assert answer["context"]["requires"] == ["activation_code"]


def test_asking_about_the_role_takes_no_code_and_changes_nothing(client: FlaskClient, load: Load) -> None:
    load([HOUSEHOLDS / "household-without-mobiles-has-a-code.yaml"])
    asked = question("els.peeters", "become_administrator", "200000001", channel="web")
    plain = client.post(DECIDE, json=asked).data
    for code in ("9XTR-44QD", "WRONG"):
        activation = {"activation": {"code": code, "date": "2026-10-15"}}
        for _ in range(6):
            decorated = changed(changed(asked, "action.properties", activation), "context.activation", activation)
            assert client.post(DECIDE, json=decorated).data == plain
    assert client.get("/v1/customers/200000001/members/els.peeters").get_json()["role"] == "user"


@pytest.mark.parametrize("channel", ["Web", "APP", "web ", "", "desktop", CANARY, 0, 1.5, True, False, [], ["web"], {}])
def test_a_channel_that_there_is_not_is_refused_and_named(smiths: FlaskClient, channel: object) -> None:
    for asked in (HER_USAGE, THE_ROLE):
        response = smiths.post(DECIDE, json=changed(asked, "context.channel", channel))
        assert faulty_members(response) == ["context.channel"]


def test_a_wrong_channel_and_a_wrong_option_are_told_together(smiths: FlaskClient) -> None:
    asked = changed(changed(HER_OPTION, "context.channel", CANARY), "action.properties.option", 5)
    assert faulty_members(smiths.post(DECIDE, json=asked)) == ["context.channel", "action.properties.option"]


def ask(client: FlaskClient, asked: dict[str, Any]) -> dict[str, Any]:
    response = client.post(DECIDE, json=asked)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.get_json()
    return answer
