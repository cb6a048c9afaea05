"""Many evaluations in one call. The number in a name is the line of the AuthZEN checklist that it holds."""

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from flask.testing import FlaskClient

from authz_service.opa.engine import OpaEngine
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.words import ActionName, Durability
from tests.web.asking import CANARY, CUSTOMER, changed, codes, faulty_members, problem, question
from tests.web.conftest import MakeClient
from tests.web.engines import Counting

EVALUATIONS = "/access/v1/evaluations"
SEMANTICS = ["execute_all", "deny_on_first_deny", "permit_on_first_permit"]

HER_USAGE = question("mary.jones", "view_usage", "mobile-2002")
THE_BILLS = question("mary.jones", "view_bills", CUSTOMER)
PERMIT, DENY = HER_USAGE, THE_BILLS
BROKEN: dict[str, Any] = {"subject": {"type": "person"}}


@pytest.fixture
def counting(running_opa: SupervisedOpa) -> Iterator[Counting]:
    with closing(OpaEngine(running_opa.url)) as engine:
        yield Counting(engine)


@pytest.mark.parametrize("evaluations", [..., None, []])
def test_c2_without_evaluations_it_is_a_single_evaluation(smiths: FlaskClient, evaluations: object) -> None:
    for asked in (PERMIT, DENY):
        response = smiths.post(EVALUATIONS, json=changed(asked, "evaluations", evaluations))
        assert response.data == smiths.post("/access/v1/evaluation", json=asked).data
        assert response.headers["Decision-Id"]


@pytest.mark.parametrize("evaluations", [..., None, []])
def test_c2_without_evaluations_a_missing_member_is_refused(smiths: FlaskClient, evaluations: object) -> None:
    body = changed(changed(HER_USAGE, "subject", ...), "evaluations", evaluations)
    assert faulty_members(smiths.post(EVALUATIONS, json=body)) == ["subject"]


def test_c3_the_answers_come_in_the_order_of_the_questions(smiths: FlaskClient) -> None:
    wanted = [True, False, False, True, False, True, True, False]
    items = [PERMIT if allow else DENY for allow in wanted]
    assert decisions(evaluate(smiths, items)) == wanted
    assert decisions(evaluate(smiths, items[::-1])) == wanted[::-1]


def test_c4_an_item_inherits_what_it_leaves_out(smiths: FlaskClient) -> None:
    items: list[object] = [
        {},
        {"resource": {"type": "subscription", "id": "mobile-2003"}},
        {"subject": {"type": "person", "id": "philip.smith"}},
        {"action": {"name": "view_role"}, "resource": {"type": "customer", "id": CUSTOMER}},
        DENY,
    ]
    assert decisions(evaluate(smiths, items, **HER_USAGE)) == [True, False, True, True, False]


@pytest.mark.parametrize(
    ("item", "missing"),
    [
        ({"subject": {"id": "philip.smith"}}, "subject.type"),
        ({"subject": {"type": "person"}}, "subject.id"),
        ({"resource": {"id": "mobile-2002"}}, "resource.type"),
        ({"resource": {"type": "subscription"}}, "resource.id"),
        ({"action": {"properties": {}}}, "action.name"),
        ({"subject": {}, "resource": {}}, "subject.type"),
    ],
)
def test_c4_whole_entities_replace_and_are_never_merged(
    smiths: FlaskClient, item: dict[str, Any], missing: str
) -> None:
    [answer] = evaluate(smiths, [item], **HER_USAGE)
    assert missing in error_message(answer)


def test_c4_the_properties_of_an_entity_are_replaced_with_it(smiths: FlaskClient) -> None:
    default = question("mary.jones", "activate_option", "mobile-2002", "voicemail-to-text")
    items: list[object] = [{}, {"action": {"name": "activate_option"}}]
    inherited, replaced = evaluate(smiths, items, **default)
    assert codes(inherited) == {"own_mobile_free_options"}
    assert codes(replaced) == {"option_not_given"}


@pytest.mark.parametrize(
    ("item", "requires"),
    [
        ({}, ["inform_current_administrator"]),
        ({"context": {"channel": "web"}}, ["inform_current_administrator"]),
        ({"context": {}}, ["inform_current_administrator", "web_site"]),
        ({"context": {"other": "web"}}, ["inform_current_administrator", "web_site"]),
        ({"context": None}, ["inform_current_administrator", "web_site"]),
    ],
)
def test_c4_the_context_of_an_item_replaces_the_default(
    smiths: FlaskClient, item: dict[str, Any], requires: list[str]
) -> None:
    default = question("mary.jones", "become_administrator", CUSTOMER, channel="web")
    [answer] = evaluate(smiths, [item], **default)
    assert answer["context"]["requires"] == requires


@pytest.mark.parametrize("part", ["subject", "action", "resource"])
def test_c4_a_null_replaces_and_inherits_nothing(smiths: FlaskClient, part: str) -> None:
    [answer] = evaluate(smiths, [{part: None}], **HER_USAGE)
    assert error_message(answer) == f"{part}: is missing"


@pytest.mark.parametrize(
    "defaults",
    [
        {},
        {"subject": None, "action": None, "resource": None, "context": None},
        {"subject": {}, "action": {}, "resource": {}},
        {"resource": {"type": "record"}, "subject": {"id": 5}, "action": {"properties": "x"}},
    ],
)
def test_c5_defaults_that_no_item_needs_may_be_missing_or_incomplete(
    smiths: FlaskClient, defaults: dict[str, Any]
) -> None:
    assert decisions(evaluate(smiths, [PERMIT, DENY], **defaults)) == [True, False]


@pytest.mark.parametrize("value", [CANARY, 4711, True, [], [HER_USAGE]])
@pytest.mark.parametrize("part", ["subject", "action", "resource", "context"])
def test_c5_a_default_that_is_no_object_is_refused(smiths: FlaskClient, part: str, value: object) -> None:
    response = smiths.post(EVALUATIONS, json={part: value, "evaluations": [HER_USAGE]})
    assert faulty_members(response) == [part]


BROKEN_ITEMS = [
    (BROKEN, "subject.id: is missing"),
    ({"subject": CANARY}, "subject: must be an object, got a string"),
    ({"action": {"name": 4711}}, "action.name: must be a string, got a number"),
    ({"resource": {"type": "customer", "id": 123456789}}, "resource.id: must be a string, got a number"),
    ({"context": []}, "context: must be an object, got an array"),
    ({"context": {"channel": CANARY}}, 'context.channel: must be "web" or "app", or left out'),
    (
        {"action": {"name": "activate_option", "properties": {"option": 5}}},
        "action.properties.option: must be a string",
    ),
    (
        {"subject": {}, "context": 1},
        "subject.type: is missing; subject.id: is missing; context: must be an object, got a number",
    ),
]


@pytest.mark.parametrize(("broken", "message"), BROKEN_ITEMS)
@pytest.mark.parametrize("position", [0, 1, 2])
def test_c6_a_broken_item_is_denied_with_its_error_while_the_others_stand(
    smiths: FlaskClient, broken: object, message: str, position: int
) -> None:
    items: list[object] = [{}, {}]
    items.insert(position, broken)
    answers = evaluate(smiths, items, **HER_USAGE)
    assert answers.pop(position) == {
        "decision": False,
        "context": {"error": {"status": 400, "message": message}},
    }
    assert answers == evaluate(smiths, [{}, {}], **HER_USAGE)


def test_c6_a_broken_item_alone_is_an_answer_too(smiths: FlaskClient) -> None:
    item = changed(HER_USAGE, "subject", ...)
    [answer] = evaluate(smiths, [item])
    assert error_message(answer) == "subject: is missing"


@pytest.mark.parametrize("evaluations", [CANARY, 4711, True, False, 0, {}, {"0": HER_USAGE}])
def test_c7_evaluations_that_are_no_array_are_refused(smiths: FlaskClient, evaluations: object) -> None:
    response = smiths.post(EVALUATIONS, json=HER_USAGE | {"evaluations": evaluations})
    assert faulty_members(response) == ["evaluations"]


@pytest.mark.parametrize("options", [CANARY, 4711, True, [], ["execute_all"]])
def test_c7_options_that_are_no_object_are_refused(smiths: FlaskClient, options: object) -> None:
    response = smiths.post(EVALUATIONS, json={"evaluations": [HER_USAGE], "options": options})
    assert faulty_members(response) == ["options"]


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (CANARY, "a string"),
        (4711, "a number"),
        (True, "a boolean"),
        (None, "null"),
        ([], "an array"),
        ([HER_USAGE], "an array"),
    ],
)
@pytest.mark.parametrize("semantic", SEMANTICS)
def test_c7_an_item_that_is_no_object_is_denied_by_itself(
    smiths: FlaskClient, item: object, kind: str, semantic: str
) -> None:
    # Where the semantic would stop after the broken item, it comes last.
    items = [PERMIT, item] if semantic == "deny_on_first_deny" else [item, PERMIT]
    answers = evaluate(smiths, items, semantic, **HER_USAGE)
    assert len(answers) == 2
    assert error_message(answers[items.index(item)]) == f"must be an object, got {kind}"


@pytest.mark.parametrize(
    "semantic", ["EXECUTE_ALL", "execute-all", "execute_all ", "", "all", CANARY, 1, True, ["execute_all"], {}]
)
def test_c8_a_semantic_that_there_is_not_is_refused(smiths: FlaskClient, semantic: object) -> None:
    options = {"evaluations_semantic": semantic}
    response = smiths.post(EVALUATIONS, json={"evaluations": [HER_USAGE], "options": options})
    assert faulty_members(response) == ["options.evaluations_semantic"]


@pytest.mark.parametrize(
    "options",
    [
        None,
        {},
        {"evaluations_semantic": None},
        {"another_option": "value", "x": []},
        {"evaluations_semantic": "execute_all"},
    ],
)
def test_c8_all_are_executed_unless_said_otherwise(smiths: FlaskClient, options: object) -> None:
    response = smiths.post(EVALUATIONS, json={"evaluations": [DENY, PERMIT, DENY], "options": options})
    assert decisions(response.get_json()["evaluations"]) == [False, True, False]


def test_c8_without_evaluations_the_options_are_members_that_nobody_reads(smiths: FlaskClient) -> None:
    response = smiths.post(EVALUATIONS, json=HER_USAGE | {"options": {"evaluations_semantic": "no such"}})
    assert response.get_json()["decision"] is True


STOPPING = [
    # items, then how many answers there are under each of SEMANTICS
    ("P", (1, 1, 1)),
    ("D", (1, 1, 1)),
    ("X", (1, 1, 1)),
    ("PPP", (3, 3, 1)),
    ("DDD", (3, 1, 3)),
    ("XXX", (3, 1, 3)),
    ("PDP", (3, 2, 1)),
    ("DPD", (3, 1, 2)),
    ("PPD", (3, 3, 1)),
    ("DDP", (3, 1, 3)),
    # a broken item first, in the middle and last
    ("XPD", (3, 1, 2)),
    ("XDP", (3, 1, 3)),
    ("PXD", (3, 2, 1)),
    ("DXP", (3, 1, 3)),
    ("PPX", (3, 3, 1)),
    ("DDX", (3, 1, 3)),
]


@pytest.mark.parametrize(("kinds", "lengths"), STOPPING)
@pytest.mark.parametrize("semantic", SEMANTICS)
def test_c9_to_c11_a_semantic_stops_after_what_settles_the_matter(
    smiths: FlaskClient, kinds: str, lengths: tuple[int, int, int], semantic: str
) -> None:
    items = [{"P": PERMIT, "D": DENY, "X": BROKEN}[kind] for kind in kinds]
    length = lengths[SEMANTICS.index(semantic)]
    answers = evaluate(smiths, items, semantic)
    assert decisions(answers) == [kind == "P" for kind in kinds[:length]]
    assert ["error" in answer["context"] for answer in answers] == [kind == "X" for kind in kinds[:length]]


@pytest.mark.parametrize(("semantic", "first"), [("deny_on_first_deny", DENY), ("permit_on_first_permit", PERMIT)])
def test_c12_what_comes_after_is_never_asked(
    make_client: MakeClient, counting: Counting, statements: list[str], semantic: str, first: dict[str, Any]
) -> None:
    later = question("tracy.smith", "view_usage", "internet-1001")
    client = make_client(engine=counting, journal=Durability.OFF)
    assert len(evaluate(client, [first, later, later], semantic)) == 1
    assert [document["action"] for [document] in counting.asked] == [first["action"]["name"]]
    assert len(statements) == 1
    assert len(evaluate(client, [first, later, later])) == 3
    assert counting.asked[-1][0]["subscription_kind"] == "internet"


def test_c13_and_c14_the_response_holds_evaluations_alone_and_each_a_boolean(smiths: FlaskClient) -> None:
    response = smiths.post(EVALUATIONS, json={"evaluations": [PERMIT, DENY, BROKEN, None]})
    body = response.get_json()
    assert list(body) == ["evaluations"]
    for answer in body["evaluations"]:
        assert list(answer) == ["decision", "context"]
        assert type(answer["decision"]) is bool
        assert type(answer["context"]) is dict


@pytest.mark.parametrize("semantic", SEMANTICS)
def test_c15_the_same_call_has_the_same_body_to_the_byte(smiths: FlaskClient, semantic: str) -> None:
    body = {"evaluations": [PERMIT, BROKEN, DENY, PERMIT], "options": {"evaluations_semantic": semantic}}
    responses = [smiths.post(EVALUATIONS, json=body) for _ in range(3)]
    assert len({response.data for response in responses}) == 1
    assert len({response.headers["Decision-Id"] for response in responses}) == 3


def test_a_thousand_items_are_one_question_to_the_engine_and_one_read(
    make_client: MakeClient, counting: Counting, statements: list[str]
) -> None:
    options = ["voicemail-to-text", "extra-data-5gb", "film-evening", "no such"]
    kinds = itertools.product(
        ["philip.smith", "mary.jones", "tracy.smith", "nobody"],
        [action for action in ActionName if action != ActionName.BECOME_ADMINISTRATOR],
        ["mobile-2001", "mobile-2002", "internet-1001", "tv-1002", CUSTOMER, "987654321"],
        [*options, None],
    )
    items = [question(*kind) for kind in itertools.islice(kinds, 1000)]
    assert len(items) == 1000
    client = make_client(engine=counting, journal=Durability.OFF)
    first = evaluate(client, items)
    assert (len(counting.asked), len(statements)) == (1, 1)
    assert evaluate(client, items) == first
    assert (len(counting.asked), len(statements)) == (1, 2)


def test_items_that_share_ids_but_differ_elsewhere_have_each_its_own_answer(smiths: FlaskClient) -> None:
    asked = question("mary.jones", "activate_option", "mobile-2002", "voicemail-to-text")
    items: list[object] = [
        asked,
        changed(asked, "action.properties.option", "extra-data-5gb"),
        changed(asked, "subject.type", "robot"),
        changed(asked, "resource.type", "customer"),
        changed(asked, "action.properties", {}),
        changed(asked, "subject.properties", {"role": "administrator"}),
        changed(asked, "context", {"channel": "telephone"}),
        asked,
    ]
    assert decisions(evaluate(smiths, items)) == [True, False, False, False, False, True, False, True]


def test_a_batch_answers_every_question_about_the_family_as_single_calls_do(smiths: FlaskClient) -> None:
    items = [
        question(person, action, resource, option)
        for person in ("philip.smith", "mary.jones", "tracy.smith", "nobody")
        for action in [*ActionName, "fly"]
        for resource in (CUSTOMER, "internet-1001", "tv-1002", "mobile-2001", "mobile-2002", "mobile-9999")
        for option in (["voicemail-to-text", "extra-data-5gb"] if "option" in action else [None])
    ]
    assert len(items) > 400
    response = smiths.post(EVALUATIONS, json={"evaluations": items})
    singles = [smiths.post("/access/v1/evaluation", json=item).data for item in items]
    assert response.data == b'{"evaluations":[' + b",".join(singles) + b"]}"
    assert {json.loads(single)["decision"] for single in singles} == {True, False}


def test_c7_a_call_that_cannot_be_read_is_not_answered_in_part(smiths: FlaskClient) -> None:
    response = smiths.post(EVALUATIONS, data=b'{"evaluations": [{}, NaN]}', content_type="application/json")
    assert faulty_members(response) == ["body"]
    headers = {"Authorization": "Bearer wrong"}
    problem(smiths.post(EVALUATIONS, json={"evaluations": [HER_USAGE]}, headers=headers), 401)


def evaluate(
    client: FlaskClient,
    items: Sequence[object],
    semantic: str = "execute_all",
    **defaults: Any,  # noqa: ANN401 - members of the body
) -> list[dict[str, Any]]:
    options = {"evaluations_semantic": semantic}
    response = client.post(EVALUATIONS, json=defaults | {"evaluations": items, "options": options})
    assert response.status_code == 200, response.text
    assert CANARY not in response.text
    answers: list[dict[str, Any]] = response.get_json()["evaluations"]
    return answers


def decisions(answers: list[dict[str, Any]]) -> list[bool]:
    return [answer["decision"] for answer in answers]


def error_message(answer: dict[str, Any]) -> str:
    """The message of a broken item."""
    assert answer["decision"] is False
    assert list(answer["context"]) == ["error"]
    assert answer["context"]["error"]["status"] == 400
    message: str = answer["context"]["error"]["message"]
    return message
