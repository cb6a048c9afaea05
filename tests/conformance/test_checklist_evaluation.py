"""Checklist B: a single evaluation."""

import json

import pytest

from tests.conformance.pdp import EVALUATION, SPACESHIP, Body, Pdp, Remake
from tests.fakes.engine import FakeEngine, answer, says_nothing
from tests.web.asking import changed, faulty_members, problem


@pytest.mark.parametrize("member", ["subject", "action", "resource"])
def test_b1_a_question_has_a_subject_an_action_and_a_resource(pdp: Pdp, member: str) -> None:
    assert pdp.known.permitted.keys() == {"subject", "action", "resource"}
    assert pdp.decision(pdp.known.permitted)
    assert pdp.decision({**pdp.known.permitted, "context": {}})
    assert faulty_members(pdp.post(EVALUATION, changed(pdp.known.permitted, member, ...))) == [member]


def test_b2_a_decision_is_a_boolean_and_a_context_an_object(pdp: Pdp) -> None:
    for asked, decision in ((pdp.known.permitted, True), (pdp.known.denied, False)):
        response = pdp.post(EVALUATION, asked)
        assert response.text.startswith(f'{{"decision":{json.dumps(decision)}')
        body = response.get_json()
        assert body["decision"] is decision
        assert body.keys() <= {"decision", "context"}
        assert isinstance(body.get("context", {}), dict)


@pytest.mark.parametrize(
    "member", ["subject.id", "subject.type", "action.name", "resource.id", "resource.type", "subject", "resource"]
)
def test_b4_who_or_what_is_unknown_is_denied(pdp: Pdp, member: str) -> None:
    unknown = SPACESHIP if "." in member else {"type": SPACESHIP, "id": SPACESHIP}
    assert not pdp.decision(changed(pdp.known.permitted, member, unknown))


def test_b5_without_the_policy_there_is_no_decision(pdp: Pdp, remake: Remake) -> None:
    away = FakeEngine(lambda _: answer(allow=True))
    away.go_down()
    for engine in (away, FakeEngine(says_nothing)):
        without = remake(pdp, engine=engine)
        for asked in (pdp.known.permitted, pdp.known.denied):
            problem(without.post(EVALUATION, asked), 503)


def test_b5_where_no_rule_matches_it_is_a_denial(pdp: Pdp) -> None:
    nothing = {"type": SPACESHIP, "id": SPACESHIP}
    assert not pdp.decision({"subject": nothing, "action": {"name": SPACESHIP}, "resource": nothing})


def test_b6_the_same_question_has_the_same_decision(pdp: Pdp) -> None:
    for asked in (pdp.known.permitted, pdp.known.denied):
        assert len({pdp.decision(asked) for _ in range(5)}) == 1


@pytest.mark.parametrize("context", [..., None, {}, {"soft": True}, {"time": "2026-01-11T18:03-07:00"}])
def test_b7_the_properties_of_an_action_count_and_a_context_disturbs_nothing(pdp: Pdp, context: object) -> None:
    by_properties = changed(pdp.known.by_properties, "context", context)
    assert pdp.decision(by_properties)
    assert not pdp.decision(changed(by_properties, "action.properties", ...))
    assert not pdp.decision(changed(by_properties, "action.properties", dict.fromkeys(pdp.known.properties)))
    assert pdp.decision(changed(pdp.known.permitted, "context", context))
    assert not pdp.decision(changed(pdp.known.denied, "context", context))


@pytest.mark.parametrize(
    ("subject", "record", "decision"),
    [
        ({"id": "alice"}, {"id": "record-1"}, True),
        ({"id": "alice"}, {"id": "record-1", "properties": {"status": "archived"}}, False),
        ({"id": "alice", "properties": {"role": "admin"}}, {"id": "record-2"}, True),
        ({"id": "alice", "properties": {"role": "guest"}}, {"id": "record-2"}, False),
        ({"id": "bob"}, {"id": "record-2"}, True),
        ({"id": "bob", "properties": {"role": "guest"}}, {"id": "record-2"}, False),
        ({"id": "bob"}, {"id": "record-2", "properties": {"status": "active"}}, False),
    ],
)
def test_b7_the_properties_of_subject_and_resource_count(
    scenarios: Pdp,
    subject: Body,
    record: Body,
    decision: bool,  # noqa: FBT001 - parametrized
) -> None:
    asked = {
        "subject": {"type": "user", **subject},
        "action": {"name": "write"},
        "resource": {"type": "record", **record},
    }
    assert scenarios.decision(asked) is decision
    assert scenarios.decision({**asked, "context": {"role": "admin", "status": "archived"}}) is decision
