"""Checklist F: the binding to HTTP."""

import itertools
import json
from collections.abc import Sequence

import pytest
import requests
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from authz_service.callers.callers import Caller, token_sha256
from authz_service.questions import Document, Verdict
from authz_service.words import Scope
from tests.conformance.asking import Service
from tests.conformance.pdp import EVALUATION, JSON, METADATA, PATHS, SCENARIOS, Body, Pdp, Remake
from tests.conftest import TOKEN
from tests.fakes.engine import FakeEngine, answer
from tests.web.asking import faulty_members, problem

REQUEST_ID = "X-Request-ID"
OTHER_METHODS = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "QUERY"]
JSON_TYPES = [
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    "APPLICATION/JSON",
    "application/json; profile=x",
    "application/json;",
]
OTHER_TYPES = [
    None,
    "",
    "json",
    "text/plain",
    "text/json",
    "application/json5",
    "application/vnd.x+json",
    "application/problem+json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain; application/json",
]
TOO_LARGE = b" " * (1024 * 1024 + 1)


def sent(pdp: Pdp, method: str, path: str, body: Body, content_type: str | None = JSON) -> TestResponse:
    return pdp.client.open(path, method=method, data=json.dumps(body), content_type=content_type)


@pytest.mark.parametrize("method", OTHER_METHODS)
def test_f1_no_other_method_than_post_evaluates(pdp: Pdp, remake: Remake, method: str) -> None:
    engine = FakeEngine(lambda _: answer(allow=True))
    listening = remake(pdp, engine=engine)
    for path, body in pdp.calls.items():
        response = sent(listening, method, path, body)
        assert response.status_code == 405
        assert "POST" in response.allow
    assert engine.asked == 0


@pytest.mark.parametrize("content_type", JSON_TYPES)
def test_f2_json_is_declared_in_any_case_and_with_any_parameter(pdp: Pdp, content_type: str) -> None:
    for path, body in pdp.calls.items():
        assert sent(pdp, "POST", path, body, content_type).status_code == 200


@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_f2_a_body_that_is_declared_otherwise_or_not_at_all_is_refused(pdp: Pdp, content_type: str | None) -> None:
    for path, body in pdp.calls.items():
        assert faulty_members(sent(pdp, "POST", path, body, content_type)) == ["Content-Type"]


@pytest.mark.parametrize("data", ["", " ", "{", "{ broken", '{"subject": }', "{}{}", "{'a': 1}", '{"a": 1,}', "// {}"])
def test_f3_a_body_that_is_empty_or_no_json_is_refused(pdp: Pdp, data: str) -> None:
    for path in PATHS:
        assert faulty_members(pdp.client.post(path, data=data, content_type=JSON)) == ["body"]


def test_f4_a_decision_is_a_200_either_way(pdp: Pdp) -> None:
    for asked in (pdp.known.permitted, pdp.known.denied):
        response = pdp.post(EVALUATION, asked)
        assert (response.status_code, response.content_type) == (200, JSON)


class Failing:
    """An engine that does what nobody expects."""

    def ask(self, documents: Sequence[Document]) -> Verdict:
        if documents:
            raise RuntimeError("hunter2")
        return Verdict("first", ())


def errors(pdp: Pdp, remake: Remake, headers: dict[str, str]) -> dict[int, list[TestResponse]]:
    """What every API answers where something goes wrong, by the status that it has to be."""
    without_scope = Caller("reader", token_sha256(TOKEN), frozenset(set(Scope) - {Scope.DECIDE}))
    away = FakeEngine(lambda _: answer(allow=True))
    away.go_down()
    failing, unable, forbidden = (
        remake(pdp, engine=Failing()),
        remake(pdp, engine=away),
        remake(pdp, caller=without_scope),
    )
    wrong = {**headers, "Authorization": "Bearer wrong"}
    calls = pdp.calls.items()
    with capture_logs():
        return {
            400: [pdp.client.post(path, json={}, headers=headers) for path in PATHS],
            401: [pdp.client.post(path, json=body, headers=wrong) for path, body in calls],
            403: [forbidden.client.post(path, json=body, headers=headers) for path, body in calls],
            404: [pdp.client.post(f"{path}/", json=body, headers=headers) for path, body in calls],
            405: [pdp.client.get(path, headers=headers) for path in PATHS],
            413: [pdp.client.post(path, data=TOO_LARGE, content_type=JSON, headers=headers) for path in PATHS],
            500: [failing.client.post(path, json=body, headers=headers) for path, body in calls],
            503: [unable.client.post(path, json=body, headers=headers) for path, body in calls],
        }


def test_f5_and_extra_01_an_error_is_an_object_that_says_what_is_wrong_and_returns_the_id(
    pdp: Pdp, remake: Remake
) -> None:
    for status, responses in errors(pdp, remake, {REQUEST_ID: "the id"}).items():
        assert len(responses) == len(PATHS)
        for response in responses:
            body = problem(response, status)
            assert isinstance(body["detail"], str)
            assert body.keys() & {"decision", "evaluations", "results"} == set()
            assert "hunter2" not in response.text
            assert response.headers.getlist(REQUEST_ID) == ["the id"]


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"])
def test_f6_and_i2_and_i3_without_right_credentials_it_is_401_with_a_challenge(pdp: Pdp, authorization: str) -> None:
    for path, body in pdp.calls.items():
        headers = {"Authorization": authorization}
        for response in (
            pdp.client.post(path, json=body, headers=headers),
            pdp.client.post(path, data="no json", headers=headers),
        ):
            problem(response, 401)
            assert response.headers["WWW-Authenticate"].startswith('Bearer realm="')


IDS = ["1", "0", "a b, c", 'quoted "and" \\', "{}", "x" * 4000, "[~]"]


@pytest.mark.parametrize("request_id", [*IDS, "naïve".encode().decode("latin-1")])
def test_f7_the_id_of_a_request_comes_back(pdp: Pdp, request_id: str) -> None:
    headers = {REQUEST_ID: request_id}
    responses = [pdp.client.post(path, json=body, headers=headers) for path, body in pdp.calls.items()]
    responses.append(pdp.client.get(METADATA, headers=headers))
    for response in responses:
        assert response.status_code == 200
        assert response.headers.getlist(REQUEST_ID) == [request_id]


@pytest.mark.parametrize("request_id", IDS)  # beyond ASCII the server hands none on: emmett-framework/granian#335
def test_f7_it_comes_back_from_the_server_as_well(service: Service, request_id: str) -> None:
    headers = {REQUEST_ID: request_id, "Authorization": f"Bearer {service.token}"}
    for body, status in ((SCENARIOS.permitted, 200), ({}, 400)):
        response = requests.post(f"{service.address}{EVALUATION}", json=body, headers=headers, timeout=10)
        assert (response.status_code, response.headers[REQUEST_ID]) == (status, request_id)


def test_f7_without_one_there_is_no_fault(pdp: Pdp) -> None:
    made = [pdp.post(path, body).headers[REQUEST_ID] for path, body in pdp.calls.items()]
    assert len(set(made)) == len(PATHS)


@pytest.mark.parametrize("accept", [JSON, "*/*", "text/html", "image/png", "application/xml;q=1, */*;q=0", ""])
def test_f8_what_a_caller_accepts_changes_nothing(pdp: Pdp, accept: str) -> None:
    headers = {"Accept": accept, "Accept-Charset": "utf-8", "Accept-Encoding": "br"}
    for path, body in pdp.calls.items():
        response = pdp.client.post(path, json=body, headers=headers)
        assert (response.status_code, response.content_type) == (200, JSON)
        assert response.data == pdp.post(path, body).data


def test_f9_nothing_is_redirected(pdp: Pdp) -> None:
    for path, body in pdp.calls.items():
        for other in (f"{path}/", f"/{path}", path.upper(), path.replace("/v1", "//v1")):
            problem(pdp.post(other, body), 404)


@pytest.mark.parametrize("method", ["POST", *OTHER_METHODS])
def test_extra_16_every_method_and_content_type_at_every_address(pdp: Pdp, method: str) -> None:
    called = 0
    for path, content_type in itertools.product([*PATHS, METADATA], [*JSON_TYPES, *OTHER_TYPES]):
        response = sent(pdp, method, path, pdp.calls.get(path, {}), content_type)
        if path == METADATA:
            assert response.status_code == (200 if method in {"GET", "HEAD"} else 405)
        elif method == "POST":
            assert response.status_code == (200 if content_type in JSON_TYPES else 400)
        else:
            assert response.status_code == 405
        called += 1
    assert called == 6 * 17
