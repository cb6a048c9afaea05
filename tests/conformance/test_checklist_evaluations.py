"""Checklist C over the scenarios; `tests/web/test_evaluations.py` has the same lines over the telecom domain."""

import pytest

from authz_service.questions import Answer, Document
from tests.conformance.pdp import (
    EVALUATION,
    EVALUATIONS,
    SCENARIOS,
    SEMANTICS,
    SPACESHIP,
    Body,
    Pdp,
    Remake,
    decisions,
    is_broken,
)
from tests.fakes.engine import FakeEngine, answer
from tests.web.asking import changed, faulty_members

PERMIT, DENY = SCENARIOS.permitted, SCENARIOS.denied
BROKEN: Body = {"subject": {"type": "user"}}
NO_ARRAY: list[object] = ["text", 5, True, False, 0, {}, {"0": PERMIT}]
NO_OBJECT: list[object] = ["text", 5, True, []]


def test_c1_there_may_be_evaluations_options_and_defaults(pdp: Pdp) -> None:
    permit, deny = pdp.known.permitted, pdp.known.denied
    wanted = {"evaluations": [pdp.succeed(EVALUATION, asked) for asked in (permit, deny)]}
    assert pdp.succeed(EVALUATIONS, {"evaluations": [permit, deny]}) == wanted
    assert pdp.succeed(EVALUATIONS, {"evaluations": [permit, deny], "options": {}}) == wanted
    assert pdp.succeed(EVALUATIONS, {**permit, "evaluations": [{}, {"resource": deny["resource"]}]}) == wanted


@pytest.mark.parametrize("evaluations", [..., None, []])
def test_c2_without_evaluations_it_is_a_single_evaluation(scenarios: Pdp, evaluations: object) -> None:
    for asked, decision in ((PERMIT, True), (DENY, False)):
        body = changed({**asked, "options": {"evaluations_semantic": SPACESHIP}}, "evaluations", evaluations)
        assert scenarios.succeed(EVALUATIONS, body) == {"decision": decision}
        assert faulty_members(scenarios.post(EVALUATIONS, changed(body, "action", ...))) == ["action"]


def test_c3_the_answers_come_in_the_order_of_the_questions(scenarios: Pdp) -> None:
    wanted = [True, False, False, True, False, True, True, False]
    answers = scenarios.evaluate([PERMIT if allow else DENY for allow in wanted])
    assert decisions(answers) == wanted


def by_context(document: Document) -> Answer:
    """A policy that allows what the context says."""
    context = document["context"]
    return answer(allow=isinstance(context, dict) and context.get("permit") is True)


@pytest.mark.parametrize(
    ("item", "decision"),
    [
        ({}, True),
        ({"context": {"permit": True}}, True),
        ({"context": {"permit": False}}, False),
        ({"context": {"other": True}}, False),
        ({"context": {}}, False),
        ({"context": None}, False),
    ],
)
def test_c4_the_context_of_an_item_replaces_the_default(
    scenarios: Pdp,
    remake: Remake,
    item: Body,
    decision: bool,  # noqa: FBT001 - parametrized
) -> None:
    pdp = remake(scenarios, engine=FakeEngine(by_context))
    assert decisions(pdp.evaluate([item], **PERMIT, context={"permit": True})) == [decision]


def test_c4_an_item_inherits_what_it_leaves_out_and_replaces_the_rest_whole(scenarios: Pdp) -> None:
    default: Body = {
        "subject": {"type": "user", "id": "bob", "properties": {"role": "guest"}},
        "action": {"name": "write"},
        "resource": {"type": "record", "id": "record-1", "properties": {"status": "archived"}},
    }
    bob, alice = {"type": "user", "id": "bob"}, {"type": "user", "id": "alice"}
    record = {"type": "record", "id": "record-1"}
    items = [
        ({}, False),
        ({"subject": bob}, True),  # the role of the default is not inherited, and bob is an administrator
        ({"subject": alice}, False),
        ({"subject": alice, "resource": record}, True),  # neither is that it is archived
        ({"subject": bob, "resource": record}, False),
        ({"action": {"name": "read"}}, True),
    ]
    answers = scenarios.evaluate([item for item, _ in items], **default)
    assert decisions(answers) == [decision for _, decision in items]


@pytest.mark.parametrize("part", ["subject", "action", "resource"])
def test_c4_an_entity_is_never_completed_by_the_default(scenarios: Pdp, part: str) -> None:
    for member in PERMIT[part]:
        [broken] = scenarios.evaluate([{part: changed(PERMIT[part], member, ...)}], **PERMIT)
        assert is_broken(broken)


@pytest.mark.parametrize("default", [..., None, {}, {"type": "record"}, {"id": 5}, {"properties": "none"}])
def test_c5_a_default_that_no_item_needs_may_be_missing_or_incomplete(scenarios: Pdp, default: object) -> None:
    body: Body = {"evaluations": [PERMIT, DENY]}
    for part in ("subject", "action", "resource"):
        body = changed(body, part, default)
    assert decisions(scenarios.succeed(EVALUATIONS, body)["evaluations"]) == [True, False]


@pytest.mark.parametrize("part", ["subject", "action", "resource", "context"])
def test_c5_a_default_of_another_type_is_refused(scenarios: Pdp, part: str) -> None:
    for value in NO_OBJECT:
        assert faulty_members(scenarios.post(EVALUATIONS, {part: value, "evaluations": [PERMIT]})) == [part]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("broken", [BROKEN, {"subject": "text"}, {"action": {"name": 5}}, {"context": []}])
def test_c6_an_item_that_is_no_question_is_denied_and_the_others_stand(
    scenarios: Pdp, broken: Body, place: int
) -> None:
    items: list[object] = [{}, {}]
    items.insert(place, broken)
    answers = scenarios.evaluate(items, **PERMIT)
    assert is_broken(answers.pop(place))
    assert answers == [{"decision": True}] * 2


def test_c6_an_item_without_what_is_given_nowhere_is_denied(scenarios: Pdp) -> None:
    [alone] = scenarios.evaluate([changed(PERMIT, "subject", ...)])
    assert is_broken(alone)


@pytest.mark.parametrize(
    ("member", "value"),
    [*(("evaluations", value) for value in NO_ARRAY), *(("options", value) for value in NO_OBJECT)],
)
def test_c7_what_is_wrong_with_the_call_is_an_error_of_the_whole(scenarios: Pdp, member: str, value: object) -> None:
    body = {**PERMIT, "evaluations": [{}], member: value}
    assert faulty_members(scenarios.post(EVALUATIONS, body)) == [member]


@pytest.mark.parametrize("item", ["text", 5, True, None, [], [PERMIT]])
def test_c7_an_item_that_is_no_object_is_denied_by_itself(scenarios: Pdp, item: object) -> None:
    first, broken, last = scenarios.evaluate([{}, item, {}], **PERMIT)
    assert is_broken(broken)
    assert decisions([first, last]) == [True, True]


@pytest.mark.parametrize("semantic", ["EXECUTE_ALL", "execute-all", " execute_all", "", "all", 1, True, [], {}])
def test_c8_a_semantic_that_there_is_not_is_refused(scenarios: Pdp, semantic: object) -> None:
    body = {"evaluations": [PERMIT], "options": {"evaluations_semantic": semantic}}
    assert faulty_members(scenarios.post(EVALUATIONS, body)) == ["options.evaluations_semantic"]


@pytest.mark.parametrize("options", [..., None, {}, {"evaluations_semantic": None}, {"another_option": "value"}])
def test_c8_and_c9_all_are_executed_unless_said_otherwise(scenarios: Pdp, options: object) -> None:
    items = [DENY, PERMIT, BROKEN, DENY, PERMIT]
    wanted = [False, True, False, False, True]
    assert decisions(scenarios.evaluate(items, "execute_all")) == wanted
    body = changed({"evaluations": items}, "options", options)
    assert decisions(scenarios.succeed(EVALUATIONS, body)["evaluations"]) == wanted


@pytest.mark.parametrize(
    ("items", "wanted"),
    [
        ([PERMIT, PERMIT], [True, True]),
        ([DENY, PERMIT], [False]),
        ([PERMIT, DENY, PERMIT], [True, False]),
        ([PERMIT, BROKEN, PERMIT], [True, False]),
        ([PERMIT, "text", PERMIT], [True, False]),
        ([PERMIT, PERMIT, DENY], [True, True, False]),
    ],
)
def test_c10_deny_on_first_deny_ends_with_the_first_denial_or_failure(
    scenarios: Pdp, items: list[object], wanted: list[bool]
) -> None:
    assert decisions(scenarios.evaluate(items, "deny_on_first_deny")) == wanted


@pytest.mark.parametrize(
    ("items", "wanted"),
    [
        ([DENY, DENY], [False, False]),
        ([PERMIT, DENY], [True]),
        ([DENY, PERMIT, DENY], [False, True]),
        ([BROKEN, "text", PERMIT, PERMIT], [False, False, True]),
        ([DENY, DENY, PERMIT], [False, False, True]),
        ([BROKEN, BROKEN], [False, False]),
    ],
)
def test_c11_permit_on_first_permit_ends_with_the_first_permit(
    scenarios: Pdp, items: list[object], wanted: list[bool]
) -> None:
    assert decisions(scenarios.evaluate(items, "permit_on_first_permit")) == wanted


@pytest.mark.parametrize(("semantic", "allow"), [("deny_on_first_deny", False), ("permit_on_first_permit", True)])
def test_c12_what_comes_after_the_end_is_never_asked(
    scenarios: Pdp,
    remake: Remake,
    semantic: str,
    allow: bool,  # noqa: FBT001 - parametrized
) -> None:
    engine = FakeEngine(lambda _: answer(allow=allow))
    pdp = remake(scenarios, engine=engine)
    assert decisions(pdp.evaluate([PERMIT, DENY, DENY], semantic)) == [allow]
    assert engine.asked == 1
    assert decisions(pdp.evaluate([PERMIT, DENY, DENY])) == [allow] * 3
    assert engine.asked == 3  # the last two are one and the same


def test_c13_and_c14_there_are_evaluations_alone_and_each_has_a_boolean(scenarios: Pdp) -> None:
    body = scenarios.succeed(EVALUATIONS, {"evaluations": [PERMIT, DENY, BROKEN, None]})
    assert list(body) == ["evaluations"]
    permit, deny, *broken = body["evaluations"]
    assert [permit, deny] == [{"decision": True}, {"decision": False}]
    assert len(broken) == 2
    assert all(list(answered) == ["decision", "context"] and is_broken(answered) for answered in broken)


@pytest.mark.parametrize("semantic", SEMANTICS)
def test_c15_the_same_call_has_the_same_body_to_the_byte(scenarios: Pdp, semantic: str) -> None:
    body = {"evaluations": [PERMIT, BROKEN, DENY, PERMIT], "options": {"evaluations_semantic": semantic}}
    assert len({scenarios.post(EVALUATIONS, body).data for _ in range(3)}) == 1
