"""Checklist G, where an error and a denial part, and H, the context of a decision."""

from typing import Any

import pytest

from authz_service.callers.callers import Caller, token_sha256
from authz_service.words import Scope
from tests.conformance.pdp import (
    EVALUATION,
    EVALUATIONS,
    JSON,
    PATHS,
    SEARCH,
    SEMANTICS,
    SOUGHT,
    SPACESHIP,
    Pdp,
    Remake,
    decisions,
    is_broken,
)
from tests.conftest import TOKEN
from tests.fakes.engine import FakeEngine, answer
from tests.web.asking import changed, faulty_members, problem

NOT_SOUGHT = {"subject": "resource.id", "resource": "subject.id", "action": "subject.id"}
"""A member that a search needs."""


@pytest.mark.parametrize("value", [..., None, 5, True, [], {}])
def test_g1_a_member_missing_or_of_another_type(pdp: Pdp, value: object) -> None:
    for sought, member in NOT_SOUGHT.items():
        broken = changed(pdp.known.permitted, member, value)
        assert faulty_members(pdp.post(EVALUATION, broken)) == [member]
        first, between, last = pdp.evaluate([{}, broken, {}], **pdp.known.permitted)
        assert is_broken(between)
        assert decisions([first, last]) == [True, True]
        asked = changed(pdp.known.searches[sought], member, value)
        assert faulty_members(pdp.post(SEARCH + sought, asked)) == [member]


@pytest.mark.parametrize("part", ["subject", "resource"])
@pytest.mark.parametrize("member", ["id", "type"])
def test_g2_something_unknown(pdp: Pdp, part: str, member: str) -> None:
    strange = changed(pdp.known.permitted, f"{part}.{member}", SPACESHIP)
    assert not pdp.decision(strange)
    answers = pdp.evaluate([pdp.known.permitted, strange])
    assert decisions(answers) == [True, False]
    assert not is_broken(answers[1])
    for sought in SOUGHT:
        if sought != part:
            assert pdp.search(sought, **changed(pdp.known.searches[sought], f"{part}.{member}", SPACESHIP)) == {
                "page": {"next_token": "", "count": 0},
                "results": [],
            }


def test_g3_the_policy_says_no(pdp: Pdp) -> None:
    denied = pdp.known.denied
    assert not pdp.decision(denied)
    assert decisions(pdp.evaluate([denied, pdp.known.permitted])) == [False, True]
    found = pdp.found("resource", **changed(denied, "resource.id", ...))
    assert pdp.known.permitted["resource"]["id"] in found
    assert denied["resource"]["id"] not in found


@pytest.mark.parametrize("semantic", SEMANTICS)
def test_g4_the_policy_cannot_be_asked(pdp: Pdp, remake: Remake, semantic: str) -> None:
    engine = FakeEngine(lambda _: answer(allow=True))
    engine.go_down()
    without = remake(pdp, engine=engine)
    batch = {"evaluations": [pdp.known.permitted, {}], "options": {"evaluations_semantic": semantic}}
    for path, body in {**pdp.calls, EVALUATIONS: batch}.items():
        response = without.post(path, body)
        problem(response, 503)
        assert response.headers["Retry-After"]


@pytest.mark.parametrize(
    "sent",
    [
        {"data": b"", "content_type": JSON},
        {"data": b"{", "content_type": JSON},
        {"data": b"[]", "content_type": JSON},
        {"data": b"{}", "content_type": "text/plain"},
        {"data": b"{}"},
    ],
)
def test_g5_no_json_no_object_or_another_content_type(pdp: Pdp, sent: dict[str, Any]) -> None:
    for path in PATHS:
        assert len(faulty_members(pdp.client.post(path, **sent))) == 1


def test_g6_a_semantic_that_there_is_not(pdp: Pdp) -> None:
    body = {"evaluations": [pdp.known.permitted], "options": {"evaluations_semantic": SPACESHIP}}
    assert faulty_members(pdp.post(EVALUATIONS, body)) == ["options.evaluations_semantic"]
    assert pdp.succeed(EVALUATION, {**pdp.known.permitted, **body})["decision"]
    for sought in SOUGHT:
        assert pdp.found(sought, **body) == pdp.known.found[sought]


def test_g7_no_credentials_or_wrong_ones_or_not_allowed_to_call(pdp: Pdp, remake: Remake) -> None:
    without_scope = Caller("reader", token_sha256(TOKEN), frozenset(set(Scope) - {Scope.DECIDE}))
    forbidden = remake(pdp, caller=without_scope)
    for path, body in pdp.calls.items():
        for authorization in ("", "Bearer wrong"):
            problem(pdp.client.post(path, json=body, headers={"Authorization": authorization}), 401)
        problem(forbidden.post(path, body), 403)


@pytest.mark.parametrize("asked", ["permitted", "denied", "by_properties"])
def test_h1_a_context_is_an_object(pdp: Pdp, asked: str) -> None:
    question = getattr(pdp.known, asked)
    alone = pdp.succeed(EVALUATION, question)
    assert alone.keys() - {"context"} == {"decision"}
    assert isinstance(alone.get("context", {}), dict)
    for answered in pdp.evaluate([question, None]):
        assert isinstance(answered.get("context", {}), dict)
    for sought in SOUGHT:
        assert isinstance(pdp.search(sought).get("context", {}), dict)


def test_h2_a_denied_evaluation_says_which_status_it_would_have_had_and_why(pdp: Pdp) -> None:
    asked = changed(changed(pdp.known.permitted, "subject.id", 5), "action", ...)
    [broken] = pdp.evaluate([asked])
    alone = problem(pdp.post(EVALUATION, asked), 400)
    assert broken["context"] == {"error": {"status": alone["status"], "message": alone["detail"]}}
    assert list(broken["context"]["error"].values()) == [
        400,
        "subject.id: must be a string, got a number; action: is missing",
    ]
