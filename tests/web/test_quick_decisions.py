"""What is answered before Flask is answered as Flask would."""

import itertools
import json
import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse

from authz_service.web.quick_decisions import QuickDecisions
from tests.conftest import BEARER
from tests.fakes.engine import FakeEngine
from tests.web.asking import CUSTOMER, ULID, changed, question
from tests.web.conftest import MakeClient
from tests.web.engines import Counting

PATHS = ["/access/v1/evaluation", "/v1/decide"]
USUAL = question("mary.jones", "view_usage", "mobile-2002")
JSON = {"Content-Type": "application/json"}
BODIES = [
    json.dumps(USUAL),
    json.dumps(question("mary.jones", "view_bills", CUSTOMER)),
    json.dumps(question("mary.jones", "become_administrator", CUSTOMER)),
    json.dumps(question("philip.smith", "activate_option", "mobile-2002", "voicemail-to-text")),
    json.dumps(question("nobody", "fly", "0")),
    json.dumps(USUAL | {"context": {"channel": "app"}, "other": [1.5, None]}),
    json.dumps(USUAL | {"context": {"channel": "fax"}}),
    json.dumps(changed(USUAL, "subject.id", 5)),
    json.dumps(changed(USUAL, "subject.id", "ünï\N{GRINNING FACE}")),
    json.dumps([USUAL]),
    '{"subject": 1, "subject": 2}',
    "[" * 100,
    '"\\ud800"',
    "",
    "x",
    " " * (1024 * 1024 + 1),
]
SEVERAL = "/access/v1/evaluations"
ITEMS = [USUAL, question("mary.jones", "view_bills", CUSTOMER), question("nobody", "fly", "0")]
BATCHES = [
    json.dumps({"evaluations": ITEMS}),
    json.dumps({"evaluations": ITEMS * 50}),
    json.dumps({"evaluations": [USUAL]}),
    json.dumps(USUAL | {"evaluations": [{}, {"action": {"name": "view_bills"}}, ITEMS[1]]}),
    json.dumps(USUAL | {"context": {"channel": "app"}, "evaluations": [{}, {"context": {}}], "other": 1}),
    json.dumps(USUAL | {"evaluations": []}),
    json.dumps(USUAL | {"evaluations": None}),
    json.dumps(USUAL | {"evaluations": {}}),
    json.dumps(USUAL | {"context": None, "evaluations": [{}]}),
    json.dumps(USUAL | {"subject": "x", "evaluations": ITEMS}),
    json.dumps({"evaluations": [*ITEMS, 5, None, {}, changed(USUAL, "subject.id", 5)]}),
    json.dumps({"evaluations": [changed(USUAL, "subject", []), USUAL | {"context": {"channel": "fax"}}]}),
    *(
        json.dumps({"evaluations": ITEMS, "options": options})
        for options in (
            None,
            {},
            {"evaluations_semantic": "execute_all"},
            {"evaluations_semantic": "deny_on_first_deny"},
            {"evaluations_semantic": "permit_on_first_permit"},
            {"evaluations_semantic": "x"},
        )
    ),
    json.dumps({"evaluations": [{}] * 10_001}),
    '{"evaluations": [{"subject": 1, "subject": 2}]}',
    '{"evaluations": [' + "[" * 100,
]
HEADERS: list[dict[str, str]] = [
    JSON | BEARER,
    JSON | BEARER | {"X-Request-ID": "a b"},
    JSON | BEARER | {"X-Request-ID": ""},
    JSON | BEARER | {"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"},
    JSON | BEARER | {"Accept-Language": "nl"},
    JSON | BEARER | {"Accept-Language": "xx"},
    JSON | BEARER | {"Accept-Language": "*"},
    JSON | BEARER | {"Accept-Language": ""},
    JSON | {"Authorization": "bearer   " + BEARER["Authorization"].split()[1] + " "},
    JSON | {"Authorization": BEARER["Authorization"] + "x"},
    JSON | {"Authorization": "Basic eDp5"},
    JSON,
    BEARER,
    BEARER | {"Content-Type": "application/json; charset=utf-8"},
    BEARER | {"Content-Type": "text/plain"},
]


@pytest.fixture
def quick(app: Flask) -> Client:
    assert isinstance(app.wsgi_app, QuickDecisions)
    return Client(app)


@pytest.fixture
def by_flask_alone(app: Flask) -> Client:
    assert isinstance(app.wsgi_app, QuickDecisions)
    return Client(app.wsgi_app.app)


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: ", ".join(headers.values())[-60:])
def test_it_answers_as_flask_alone_does(quick: Client, by_flask_alone: Client, headers: dict[str, str]) -> None:
    def said(client: Client, path: str, body: str) -> tuple[int, bytes, dict[str, str]]:
        response = client.post(path, data=body, headers=headers)
        return response.status_code, response.data, without_new_ids(response)

    for path, body in [*itertools.product([*PATHS, SEVERAL], BODIES), *itertools.product([SEVERAL], BATCHES)]:
        assert said(quick, path, body) == said(by_flask_alone, path, body)


@pytest.mark.parametrize("changes", [{"REQUEST_METHOD": "GET"}, {"PATH_INFO": "/v1/decide/"}, {"CONTENT_LENGTH": "x"}])
def test_what_is_not_usual_is_answered_as_flask_alone_does(
    quick: Client, by_flask_alone: Client, changes: dict[str, Any]
) -> None:
    def said(client: Client) -> tuple[int, bytes]:
        response = client.post("/v1/decide", data=json.dumps(USUAL), headers=JSON | BEARER, environ_overrides=changes)
        return response.status_code, response.data

    assert said(quick) == said(by_flask_alone)


@pytest.mark.parametrize(
    ("path", "usual"),
    [
        *((path, USUAL) for path in PATHS),
        (SEVERAL, {"evaluations": ITEMS}),
        (SEVERAL, USUAL | {"evaluations": [{}, {"action": {"name": "view_bills"}}]}),
    ],
)
@pytest.mark.parametrize("language", [{}, {"Accept-Language": "*"}])
def test_a_usual_request_does_not_come_to_flask(
    app: Flask, quick: Client, path: str, usual: object, language: dict[str, str]
) -> None:
    seen = []
    # As nothing else can be registered once requests have come.
    app.before_request_funcs[None].append(lambda: seen.append(path))
    assert quick.post(path, json=usual, headers=BEARER | language).status_code == 200
    assert seen == []
    assert quick.post(path, json=[], headers=BEARER).status_code == 400
    assert seen == [path]


@pytest.mark.parametrize(("path", "usual"), [("/v1/decide", USUAL), (SEVERAL, {"evaluations": ITEMS})])
def test_an_engine_that_is_down_is_asked_once_before_the_caller_is_told(
    make_client: MakeClient, path: str, usual: object
) -> None:
    engine = FakeEngine(lambda _: pytest.fail("It is down."))
    engine.go_down()
    counting = Counting(engine)
    assert make_client(engine=counting).post(path, json=usual).status_code == 503
    assert len(counting.asked) == 1


def without_new_ids(response: TestResponse) -> dict[str, str]:
    return {name: "a new id" if re.fullmatch(ULID, value) else value for name, value in response.headers.items()}
