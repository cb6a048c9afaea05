"""What is sent for a case and what is demanded of each answer, with a service made up for it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

from tests.conformance.asking import Asker, Outcome, Service, Verdict
from tests.conformance.cases import Auth, Case, Match, RepeatMatch
from tests.serving import serving

TOKEN = "token-of-the-tests"
REQUEST_ID = "X-Request-ID"
SEARCH = "/access/v1/search/subject"
FOLLOW_PAGES = (
    "repeat with page.token=next_token (limit kept) until next_token empty; union of results must contain expected"
)

Answer = Callable[[], Response]


class Script:
    """What the service answers, one after the other and then the last again, and what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []

    def next(self) -> Response:
        self.bodies.append(request.get_data())
        self.headers.append(dict(request.headers))
        return self.answers[min(len(self.bodies), len(self.answers)) - 1]()


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def asker(script: Script) -> Iterator[Asker]:
    app = Flask("made up")
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it
    app.add_url_rule("/<path:path>", view_func=lambda path: script.next(), methods=["GET", "POST", "PUT"])  # noqa: ARG005 - Flask passes it
    with (
        serving(make_server("127.0.0.1", 0, app)) as address,
        Asker(Service(address, "https://pdp.example.org", TOKEN)) as asker,
    ):
        yield asker


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    def make() -> Response:
        response = jsonify(body)
        response.status_code = status
        response.headers.update(headers or {})
        return response

    return make


def found(*ids: str, token: str = "") -> Answer:
    return answer({"page": {"next_token": token}, "results": [{"type": "user", "id": found} for found in ids]})


def case(**members: Any) -> Case:  # noqa: ANN401 - as the case files have them
    return Case(**{"id": "a case", "endpoint": "/access/v1/evaluation", "request": {"subject": "x"}} | members)


def failed(outcome: Outcome, what: str) -> bool:
    return outcome.verdict is Verdict.FAILED and what in outcome.what


def test_the_body_goes_as_it_is_in_the_file(asker: Asker, script: Script) -> None:
    script.answers = [answer({}, 400)]
    refused = {"accept_status": [400]}
    asker.outcome(case(request={"b": [True, None], "a": "é"}, **refused))
    asker.outcome(case(request=None, raw_body="{ broken", content_type="text/plain", **refused))
    asker.outcome(case(request=None, raw_body="", method="PUT", **refused))
    assert script.bodies == ['{"b":[true,null],"a":"é"}'.encode(), b"{ broken", b""]
    assert [headers["Content-Type"] for headers in script.headers] == [
        "application/json",
        "text/plain",
        "application/json",
    ]


def test_credentials_are_right_or_wrong_or_none(asker: Asker, script: Script) -> None:
    script.answers = [answer({})]
    for auth in (None, Auth.WRONG, Auth.NONE):
        asker.outcome(case(auth=auth))
    asker.outcome(case(endpoint="/.well-known/authzen-configuration", method="GET", request=None))
    given = [headers.get("Authorization") for headers in script.headers]
    assert given == [f"Bearer {TOKEN}", f"Bearer not-{TOKEN}", None, None]


def test_a_status_that_is_not_accepted_fails_with_what_was_answered(asker: Asker, script: Script) -> None:
    script.answers = [answer({"decision": True})]
    outcome = asker.outcome(case(accept_status=[400, 415]))
    assert failed(outcome, "the status is another")
    assert outcome.got == 'HTTP 200 {"decision":true}'


@pytest.mark.parametrize("body", ["", "nothing", "[]", '"decision"'])
def test_a_body_that_is_no_object_fails(asker: Asker, script: Script, body: str) -> None:
    script.answers = [lambda: Response(body, content_type="application/json")]
    assert failed(asker.outcome(case()), "the body is no ")


def test_a_body_of_another_content_type_fails(asker: Asker, script: Script) -> None:
    script.answers = [lambda: Response('{"decision": true}', content_type="text/html")]
    assert failed(asker.outcome(case()), "the content type is not application/json")


def test_the_request_id_has_to_come_back(asker: Asker, script: Script) -> None:
    def echo() -> Response:
        return answer({}, headers={REQUEST_ID: request.headers[REQUEST_ID]})()

    script.answers = [echo, answer({})]
    assert asker.outcome(case(send_x_request_id=True)).verdict is Verdict.PASSED
    assert failed(asker.outcome(case(send_x_request_id=True)), REQUEST_ID)


def test_a_repeated_request_has_to_be_answered_the_same(asker: Asker, script: Script) -> None:
    script.answers = [answer({"decision": True}), answer({"decision": True}), answer({"decision": False})]
    repeated = case(repeat=3, repeat_match=RepeatMatch.BODY)
    assert failed(asker.outcome(repeated), "repeated, it is answered otherwise")
    assert len(script.bodies) == 3


def test_pages_are_followed_with_the_limit_kept(asker: Asker, script: Script) -> None:
    script.answers = [found("alice", token="more"), found("bob")]
    asked = {"subject": {"type": "user"}, "page": {"limit": 1}}
    both = {"results": [{"type": "user", "id": "alice"}, {"type": "user", "id": "bob"}]}
    paged = case(endpoint=SEARCH, request=asked, expected=both, follow_pages=FOLLOW_PAGES)
    assert asker.outcome(paged).verdict is Verdict.PASSED
    assert [json.loads(body)["page"] for body in script.bodies] == [{"limit": 1}, {"limit": 1, "token": "more"}]


@pytest.mark.parametrize(
    ("last", "what"),
    [
        (found(), "an entity is missing"),
        (found("bob", token="more"), "the pages do not end"),
        (answer({}, 400), "there is no next page"),
        (answer({"results": {}}), "on the next page, `results` is no array"),
    ],
)
def test_pages_that_go_wrong_fail(asker: Asker, script: Script, last: Answer, what: str) -> None:
    script.answers = [found("alice", token="more"), last]
    asked = {"subject": {"type": "user"}}
    both = {"results": [{"type": "user", "id": "alice"}, {"type": "user", "id": "bob"}]}
    paged = case(endpoint=SEARCH, request=asked, expected=both, follow_pages=FOLLOW_PAGES)
    assert failed(asker.outcome(paged), what)


def test_a_case_can_need_the_token_of_one_before(asker: Asker, script: Script) -> None:
    asked = {"subject": {"type": "user"}}
    first = case(id="first", endpoint=SEARCH, request=asked, match=Match.PAGE_SHAPE)
    page = {"token": "<next_token of first>"}
    second = case(id="second", endpoint=SEARCH, request={**asked, "page": page}, match=Match.NEXT_PAGE_SHAPE)
    script.answers = [found("alice", token="more"), found("bob"), found("alice")]
    assert asker.outcome(first).verdict is Verdict.PASSED
    assert asker.outcome(second).verdict is Verdict.PASSED
    assert json.loads(script.bodies[1])["page"] == {"token": "more"}
    assert asker.outcome(first).verdict is Verdict.PASSED
    assert asker.outcome(second).verdict is Verdict.NOT_APPLICABLE
    assert len(script.bodies) == 3


def test_a_case_can_want_the_results_of_one_before(asker: Asker, script: Script) -> None:
    asked = {"subject": {"type": "user"}}
    alice = {"results": [{"type": "user", "id": "alice"}]}
    first = case(id="first", endpoint=SEARCH, request=asked, expected=alice)
    second = case(id="second", endpoint=SEARCH, request=asked, expected=alice, note="result identical to first")
    script.answers = [found("alice", "bob"), found("bob", "alice"), found("alice")]
    assert asker.outcome(first).verdict is Verdict.PASSED
    assert asker.outcome(second).verdict is Verdict.PASSED
    assert failed(asker.outcome(second), "it is not the answer of first")


def test_a_header_that_is_better_there_is_warned_of(asker: Asker, script: Script) -> None:
    script.answers = [answer({}, 401, {"WWW-Authenticate": "Bearer"}), answer({}, 401)]
    refused = case(accept_status=[401], warn_unless_header="WWW-Authenticate")
    assert asker.outcome(refused) == Outcome(refused, Verdict.PASSED)
    assert asker.outcome(refused).warning == "there is no header WWW-Authenticate"


def test_a_case_for_other_callers_is_not_asked(asker: Asker, script: Script) -> None:
    script.answers = [answer({})]
    assert asker.outcome(case(not_applicable_for_auth_type=["none", "mtls"])).verdict is Verdict.PASSED
    assert asker.outcome(case(not_applicable_for_auth_type=["bearer"])).verdict is Verdict.NOT_APPLICABLE
    assert len(script.bodies) == 1


def test_no_answer_is_a_failure(free_port: Callable[[], int]) -> None:
    with Asker(Service(f"http://127.0.0.1:{free_port()}", "https://pdp.example.org", TOKEN)) as asker:
        assert failed(asker.outcome(case()), "there is no answer")
