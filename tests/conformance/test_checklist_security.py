"""Checklist I: security."""

import json
import re
from io import BytesIO

import pytest
from werkzeug.test import EnvironBuilder, TestResponse

from authz_service.web.bodies import MAX_BYTES
from authz_service.web.shapes import MOST_EVALUATIONS
from tests.conformance.pdp import (
    EVALUATION,
    EVALUATIONS,
    JSON,
    METADATA,
    PATHS,
    SEARCH,
    SEMANTICS,
    Body,
    Pdp,
    decisions,
)
from tests.web.asking import changed, faulty_members, problem

DEEPEST = 64


@pytest.mark.parametrize(
    "claims", [{"role": "administrator"}, {"roles": ["admin"], "status": "archived"}, {"decision": True, "soft": True}]
)
@pytest.mark.parametrize("place", ["subject.properties", "resource.properties", "action.properties", "context"])
def test_i4_in_the_telecom_domain_no_attribute_of_a_caller_counts(telecom: Pdp, place: str, claims: Body) -> None:
    for asked in (telecom.known.permitted, telecom.known.denied):
        assert telecom.succeed(EVALUATION, changed(asked, place, claims)) == telecom.succeed(EVALUATION, asked)


@pytest.mark.parametrize(
    ("place", "claims", "decision"),
    [
        ("subject.properties", {"role": "admin"}, True),
        ("resource.properties", {"status": "active"}, True),
        # in another place they are something else
        ("context", {"role": "admin"}, False),
        ("context", {"subject": {"properties": {"role": "admin"}}}, False),
        ("context", {"subject_role": "admin", "subject.properties.role": "admin"}, False),
        ("resource.properties", {"role": "admin"}, False),
        ("action.properties", {"role": "admin", "status": "active"}, False),
        ("subject.properties", {"status": "active"}, False),
        ("subject.properties", {"properties": {"role": "admin"}}, False),
        ("subject", {"type": "user", "id": "alice", "role": "admin"}, False),
    ],
)
def test_i4_in_the_scenarios_an_attribute_counts_where_it_stands_alone(
    scenarios: Pdp,
    place: str,
    claims: Body,
    decision: bool,  # noqa: FBT001 - parametrized
) -> None:
    assert scenarios.decision(changed(scenarios.known.denied, place, claims)) is decision


def nested(depth: int) -> str:
    """JSON that is so many levels deep."""
    return "[" * depth + "1" + "]" * depth


@pytest.mark.parametrize("depth", [DEEPEST, 1_000, 100_000])
def test_i7_and_extra_12_a_body_that_is_nested_too_deeply_is_refused(pdp: Pdp, depth: int) -> None:
    for path, body in pdp.calls.items():
        # The body and the context are two levels.
        for deep, is_taken in ((nested(DEEPEST - 2), True), (nested(depth), False), ("[" * depth, False)):
            data = json.dumps({**body, "context": {"x": "@"}}).replace('"@"', deep)
            response = pdp.client.post(path, data=data, content_type=JSON)
            if is_taken:
                assert response.status_code == 200
            else:
                assert faulty_members(response) == ["body"]


def in_chunks(pdp: Pdp, path: str, data: bytes) -> TestResponse:
    """The response to a request that does not say beforehand how large it is."""
    builder = EnvironBuilder(path=path, method="POST", input_stream=BytesIO(data), content_type=JSON)
    environ = builder.get_environ() | pdp.client.environ_base | {"wsgi.input_terminated": True}
    builder.close()
    del environ["CONTENT_LENGTH"]
    return pdp.client.open(environ)


def test_i7_and_extra_12_a_body_that_is_too_large_is_refused(pdp: Pdp) -> None:
    for path, body in pdp.calls.items():
        largest = json.dumps(body).encode().ljust(MAX_BYTES)
        assert pdp.client.post(path, data=largest, content_type=JSON).status_code == 200
        assert in_chunks(pdp, path, largest).status_code == 200
        problem(pdp.client.post(path, data=largest + b" ", content_type=JSON), 413)
        problem(in_chunks(pdp, path, largest + b" "), 413)


def test_i7_a_call_may_have_many_evaluations(pdp: Pdp) -> None:
    answers = pdp.evaluate([{}] * MOST_EVALUATIONS, **pdp.known.permitted)
    assert decisions(answers) == [True] * MOST_EVALUATIONS


@pytest.mark.parametrize("semantic", SEMANTICS)
def test_i7_and_extra_12_more_evaluations_than_a_call_may_have_are_refused(pdp: Pdp, semantic: str) -> None:
    more = {"evaluations": [{}] * (MOST_EVALUATIONS + 1), "options": {"evaluations_semantic": semantic}}
    assert faulty_members(pdp.post(EVALUATIONS, {**pdp.known.permitted, **more})) == ["evaluations"]


def test_i9_metadata_says_for_how_long_it_holds(pdp: Pdp) -> None:
    [seconds] = re.findall(r"(?:^|[, ])max-age=(\d+)", pdp.client.get(METADATA).headers["Cache-Control"])
    assert int(seconds) > 0


MEMBERS = {EVALUATION: {"decision", "context"}, EVALUATIONS: {"evaluations"}}
PROTOCOL = {
    "policy_decision_point",
    "access_evaluation_endpoint",
    "access_evaluations_endpoint",
    "search_subject_endpoint",
    "search_resource_endpoint",
    "search_action_endpoint",
    "signed_metadata",
}


def test_i10_nothing_is_needed_or_answered_beyond_version_1_0(pdp: Pdp) -> None:
    for path in PATHS:
        asked = pdp.calls[path]
        assert asked.keys() <= {"subject", "action", "resource", "evaluations"}
        response = pdp.client.post(path, json=asked)
        assert response.status_code == 200
        assert response.get_json().keys() <= MEMBERS.get(path, {"page", "results"})
        # What the service adds is a header.
        assert response.headers["Decision-Id"]
    assert pdp.client.get(METADATA).get_json().keys() <= PROTOCOL
    assert pdp.post(f"{SEARCH}subject".replace("v1", "v2"), pdp.calls[f"{SEARCH}subject"]).status_code == 404
