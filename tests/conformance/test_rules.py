"""How answers are compared: what each rule lets pass, and what it does not."""

import base64
import json
from typing import Any

import pytest

from tests.conformance.cases import METADATA, Case, Match, RepeatMatch
from tests.conformance.rules import is_same, what_is_wrong

URL = "https://pdp.example.org"
ALICE, BOB = {"type": "user", "id": "alice"}, {"type": "user", "id": "bob"}
METADATA_OF_URL = {"policy_decision_point": URL, "access_evaluation_endpoint": f"{URL}/access/v1/evaluation"}
YES: dict[str, Any] = {"decision": True}
NO: dict[str, Any] = {"decision": False}

Body = dict[str, Any]


def evaluations(*answers: Body) -> Body:
    return {"evaluations": list(answers)}


def wrong(match: Match, expected: Body, answered: Body, endpoint: str) -> str:
    request: Body = {"subject": {"type": "user"}, "evaluations": [{}, {}]}
    case = Case(id="case", endpoint=endpoint, request=request, expected=expected, match=match)
    return what_is_wrong(case, answered, URL)


@pytest.mark.parametrize(
    ("match", "expected", "right"),
    [
        (Match.DECISION, NO, {**NO, "context": {}}),
        (Match.DECISION_ALONE, YES, {**YES, "context": {}}),
        (Match.ONE_EACH, evaluations(YES, NO), evaluations(YES, NO)),
        (Match.ONE_EACH, evaluations(YES, NO), evaluations(YES, {**NO, "a": 1})),
        (Match.UP_TO_TRIGGER, evaluations(NO), evaluations(NO)),
        (Match.BOOLEANS, {"evaluations": "booleans"}, evaluations(YES, NO)),
        (Match.EXACTLY, evaluations(YES), evaluations(YES)),
        (Match.STATUS, {}, {}),
    ],
)
def test_a_right_decision_passes(match: Match, expected: Body, right: Body) -> None:
    assert wrong(match, expected, right, "/access/v1/evaluations") == ""


@pytest.mark.parametrize(
    ("match", "expected", "answered"),
    [
        (Match.DECISION, YES, NO),
        (Match.DECISION, YES, {"decision": 1}),
        (Match.DECISION, NO, {}),
        (Match.DECISION_ALONE, YES, {**YES, "evaluations": []}),
        (Match.ONE_EACH, evaluations(YES, NO), evaluations(NO, YES)),
        (Match.ONE_EACH, evaluations(YES, NO), evaluations(YES)),
        (Match.ONE_EACH, evaluations(YES), evaluations(YES)),
        (Match.ONE_EACH, evaluations(YES, NO), YES),
        (Match.UP_TO_TRIGGER, evaluations(NO), evaluations(NO, YES)),
        (Match.UP_TO_TRIGGER, evaluations(NO), {"evaluations": [False]}),
        (Match.BOOLEANS, {"evaluations": "booleans"}, evaluations(YES)),
        (Match.BOOLEANS, {"evaluations": "booleans"}, evaluations(YES, {"decision": "false"})),
        (Match.EXACTLY, evaluations(YES), evaluations({**YES, "context": {}})),
        (Match.EXACTLY, evaluations(YES), {}),
    ],
)
def test_a_wrong_decision_does_not_pass(match: Match, expected: Body, answered: Body) -> None:
    assert wrong(match, expected, answered, "/access/v1/evaluations") != ""


@pytest.mark.parametrize(
    ("match", "expected", "right"),
    [
        (Match.ENTITIES_PRESENT, [ALICE], [BOB, {"id": "alice", "type": "user"}]),
        (Match.ENTITIES_PRESENT, [], []),
        (Match.EXACTLY, [ALICE, BOB], [BOB, ALICE]),
        (Match.EXACTLY, [], []),
    ],
)
def test_right_results_pass(match: Match, expected: list[Body], right: list[Body]) -> None:
    for page in ({}, {"page": {"next_token": ""}}):
        assert wrong(match, {"results": expected}, {**page, "results": right}, "/access/v1/search/subject") == ""


@pytest.mark.parametrize(
    ("match", "expected", "answered"),
    [
        (Match.ENTITIES_PRESENT, [ALICE], {"results": [BOB]}),
        (Match.ENTITIES_PRESENT, [ALICE], {"results": [{**ALICE, "properties": {}}]}),
        (Match.ENTITIES_PRESENT, [], {"results": [ALICE]}),
        (Match.ENTITIES_PRESENT, [ALICE], {"results": [ALICE, {"type": "group", "id": "all"}]}),
        (Match.ENTITIES_PRESENT, [], {}),
        (Match.ENTITIES_PRESENT, [], {"results": None}),
        (Match.ENTITIES_PRESENT, [], {"results": [], "page": None}),
        (Match.ENTITIES_PRESENT, [], {"results": [], "page": {"next_token": None}}),
        (Match.EXACTLY, [ALICE], {"results": [ALICE, BOB]}),
        (Match.EXACTLY, [ALICE, BOB], {"results": [ALICE]}),
        (Match.EXACTLY, [ALICE], {"results": [ALICE, ALICE]}),
        (Match.EXACTLY, [ALICE], {"results": [{"id": "alice", "type": "user"}]}),
    ],
)
def test_wrong_results_do_not_pass(match: Match, expected: list[Body], answered: Body) -> None:
    assert wrong(match, {"results": expected}, answered, "/access/v1/search/subject") != ""


def test_a_next_page_has_to_be_a_page() -> None:
    page = {"page": {"next_token": ""}, "results": []}
    assert wrong(Match.NEXT_PAGE_SHAPE, {}, page, "/access/v1/search/subject") == ""
    assert wrong(Match.NEXT_PAGE_SHAPE, {}, {"results": []}, "/access/v1/search/subject") == "there is no `page`"


def test_found_actions_have_names() -> None:
    expected = {"results": [{"name": "read"}]}
    assert wrong(Match.EXACTLY, expected, {"results": [{"name": "read"}]}, "/access/v1/search/action") == ""
    assert wrong(Match.PAGE_SHAPE, {}, {"results": [ALICE]}, "/access/v1/search/action") == "a result is no action"


def jwt(header: Body, claims: Body) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims))
    return ".".join([*parts, "c2lnbmVk"])


@pytest.mark.parametrize(
    "more", [{}, {"capabilities": ["urn:a"]}, {"signed_metadata": jwt({"alg": "ES256"}, {"iss": URL})}]
)
def test_right_metadata_passes(more: Body) -> None:
    assert wrong(Match.METADATA, {}, {**METADATA_OF_URL, **more}, METADATA) == ""


@pytest.mark.parametrize(
    "more",
    [
        {"policy_decision_point": f"{URL}/"},
        {"access_evaluation_endpoint": "http://pdp.example.org/access/v1/evaluation"},
        {"search_action_endpoint": None},
        {"capabilities": [None]},
        {"signed_metadata": "signed"},
        {"signed_metadata": jwt({"alg": "none"}, {"iss": URL})},
        {"signed_metadata": jwt({"alg": "ES256"}, {})},
    ],
)
def test_wrong_metadata_does_not_pass(more: Body) -> None:
    assert wrong(Match.METADATA, {}, {**METADATA_OF_URL, **more}, METADATA) != ""


def test_metadata_without_an_endpoint_does_not_pass() -> None:
    assert wrong(Match.METADATA, {}, {"policy_decision_point": URL}, METADATA) != ""


@pytest.mark.parametrize(
    ("rule", "first", "again", "same"),
    [
        (RepeatMatch.DECISION, {**YES, "context": 1}, YES, True),
        (RepeatMatch.DECISION, YES, NO, False),
        (RepeatMatch.BODY, {"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        (RepeatMatch.BODY, evaluations(YES), evaluations({**YES, "context": {}}), False),
        (RepeatMatch.RESULTS, {"results": [ALICE, BOB]}, {"results": [BOB, ALICE]}, True),
        (RepeatMatch.RESULTS, {"results": [ALICE, BOB]}, {"results": [ALICE]}, False),
        (
            RepeatMatch.RESULTS,
            {"results": [], "page": {"next_token": "a"}},
            {"results": [], "page": {"next_token": "b"}},
            True,
        ),
        (RepeatMatch.RESULTS, {"results": [], "page": {"next_token": ""}}, {"results": []}, False),
    ],
)
def test_a_repeated_answer_is_the_same(rule: RepeatMatch, first: Body, again: Body, same: bool) -> None:  # noqa: FBT001 - parametrized
    assert is_same(rule, first, again) is same
