import json
import re
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from authz_service.errors import Fault
from authz_service.questions import Answer, Document, Json, Question, Stated
from authz_service.web.endpoint import Endpoint, declaration_of
from authz_service.words import Language
from tests.fakes.engine import FakeEngine, answer, says_nothing
from tests.web.asking import CANARY, CUSTOMER, ULID, changed, faulty_members, problem, question
from tests.web.conftest import MakeClient

MIB = 1024 * 1024
JSON = "application/json"
HER_USAGE = question("mary.jones", "view_usage", "mobile-2002")
SINGLE = ["/v1/decide", "/access/v1/evaluation", "/access/v1/evaluations"]
TEXT = json.dumps(HER_USAGE)


@pytest.fixture(scope="module")
def taking_bodies(smiths: FlaskClient) -> list[tuple[str, str]]:
    """Method and address of every endpoint that reads a body."""
    app = smiths.application
    found = []
    for rule in app.url_map.iter_rules():
        declaration = declaration_of(app.view_functions[rule.endpoint])
        if isinstance(declaration, Endpoint) and declaration.body:
            methods = (rule.methods or set()) & {"POST", "PUT"}
            found += [(method, re.sub("<[^>]+>", "1", rule.rule)) for method in methods]
    assert len(found) >= 7
    return found


def one_in(text: str, old: str, new: str) -> bytes:
    assert old in text
    return text.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        CANARY.encode(),
        b'{"subject": xyzzy-4711}',
        TEXT.encode()[:-1],
        TEXT.encode() + b"}",
        TEXT.encode() * 2,
        one_in(TEXT, '"mary.jones"', f"'{CANARY}'"),
        one_in(TEXT, "{", f"{{,// {CANARY}\n"),
        # the same member twice, which two readers would read differently
        one_in(TEXT, '"id": "mary.jones"', f'"id": "{CANARY}", "id": "mary.jones"'),
        one_in(TEXT, '"id": "mary.jones"', f'"id": "mary.jones", "\\u0069d": "{CANARY}"'),
        one_in(TEXT, '"action":', f'"subject": {{"type": "person", "id": "{CANARY}"}}, "action":'),
        one_in(TEXT, '"action":', f'"{CANARY}": 1, "{CANARY}": 1, "action":'),
        # numbers that are none, or that no double holds
        one_in(TEXT, '"mary.jones"', "NaN"),
        one_in(TEXT, '"mary.jones"', "-Infinity"),
        one_in(TEXT, '"mary.jones"', "1e999"),
        one_in(TEXT, '"mary.jones"', "1" * 5000),
        # text that is none
        one_in(TEXT, "mary.jones", f"{CANARY}\\ud800"),
        one_in(TEXT, "mary.jones", f"\\udc00{CANARY}"),
        one_in(TEXT, "mary.jones", CANARY).replace(b"4711", b"4711\xff"),
        one_in(TEXT, "mary.jones", CANARY).replace(b"4711", b"4711\xc0\xae"),
        one_in(TEXT, "mary.jones", CANARY).replace(b"4711", b"4711\xed\xa0\x80"),
        one_in(TEXT, "mary.jones", f"{CANARY}\0"),
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-32"),
        # nested to exhaust the reader
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"subject":' * 65 + b"1" + b"}" * 65,
        one_in(TEXT, '"mary.jones"', "[" * 100_000 + "]" * 100_000),
    ],
    ids=lambda data: repr(data[:40]),
)
def test_what_is_not_json_of_one_meaning_is_refused_everywhere(
    smiths: FlaskClient, taking_bodies: list[tuple[str, str]], data: bytes
) -> None:
    for method, path in taking_bodies:
        response = smiths.open(path, method=method, data=data, content_type=JSON)
        assert faulty_members(response) == ["body"]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ([HER_USAGE], "an array"),
        ([], "an array"),
        (CANARY, "a string"),
        (4711, "a number"),
        (47.11, "a number"),
        (True, "a boolean"),
        (None, "null"),
    ],
)
def test_a_body_that_is_no_object_is_refused_everywhere(
    smiths: FlaskClient, taking_bodies: list[tuple[str, str]], value: object, kind: str
) -> None:
    for method, path in taking_bodies:
        response = smiths.open(path, method=method, data=json.dumps(value), content_type=JSON)
        assert faulty_members(response) == ["body"]
        assert response.get_json()["detail"] == f"body: must be an object, got {kind}"


OBJECTS = ["subject", "action", "resource"]
STRINGS = ["subject.type", "subject.id", "action.name", "resource.type", "resource.id"]
REQUIRED = [*OBJECTS, *STRINGS]
OPTIONAL_OBJECTS = ["subject.properties", "action.properties", "resource.properties", "context"]
NO_OBJECT = [(CANARY, "a string"), (4711, "a number"), (False, "a boolean"), ([CANARY], "an array")]
NO_STRING = [(4711, "a number"), (True, "a boolean"), ([CANARY], "an array"), ({CANARY: CANARY}, "an object")]


@pytest.mark.parametrize(
    ("member", "value", "what"),
    [
        *((member, value, "is missing") for member in REQUIRED for value in (..., None)),
        *((member, value, f"must be an object, got {kind}") for member in OBJECTS for value, kind in NO_OBJECT),
        *((member, value, f"must be a string, got {kind}") for member in STRINGS for value, kind in NO_STRING),
        *(
            (member, value, f"must be an object, got {kind}")
            for member in OPTIONAL_OBJECTS
            for value, kind in NO_OBJECT
        ),
    ],
)
def test_a_member_that_is_missing_or_of_another_type_is_refused_and_named(
    smiths: FlaskClient, member: str, value: object, what: str
) -> None:
    for path in SINGLE:
        response = smiths.post(path, json=changed(HER_USAGE, member, value))
        assert faulty_members(response) == [member]
        assert response.get_json()["errors"] == [{"member": member, "detail": what}]
        assert response.get_json()["detail"] == f"{member}: {what}"


@pytest.mark.parametrize(
    ("body", "members"),
    [
        ({}, ["subject", "action", "resource"]),
        ({CANARY: CANARY}, ["subject", "action", "resource"]),
        (
            {"subject": {}, "action": {}, "resource": {}},
            ["subject.type", "subject.id", "action.name", "resource.type", "resource.id"],
        ),
        (
            {
                "subject": {"type": 4711, "id": None, "properties": [CANARY]},
                "action": CANARY,
                "resource": {"id": {CANARY: 1}, "properties": CANARY},
                "context": [CANARY],
            },
            [
                "subject.type",
                "subject.id",
                "subject.properties",
                "action",
                "resource.type",
                "resource.id",
                "resource.properties",
                "context",
            ],
        ),
    ],
)
def test_every_fault_of_a_body_is_told_at_once(smiths: FlaskClient, body: dict[str, Any], members: list[str]) -> None:
    for path in SINGLE:
        assert faulty_members(smiths.post(path, json=body)) == members


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/vnd.x+json",
        "application/problem+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        f"application/{CANARY}",
        "application/json5",
        "json",
    ],
)
def test_a_body_that_is_not_declared_as_json_is_refused_everywhere(
    smiths: FlaskClient, taking_bodies: list[tuple[str, str]], content_type: str | None
) -> None:
    for method, path in taking_bodies:
        response = smiths.open(path, method=method, data=TEXT, content_type=content_type)
        assert faulty_members(response) == ["Content-Type"]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=utf-8", "application/json;charset=UTF-8", "application/json; x=y"],
)
def test_json_is_declared_in_any_case_and_with_any_parameter(smiths: FlaskClient, content_type: str) -> None:
    for path in SINGLE:
        assert smiths.post(path, data=TEXT, content_type=content_type).status_code == 200


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/html", "image/png", ""])
def test_what_a_caller_accepts_changes_nothing(smiths: FlaskClient, accept: str) -> None:
    headers = {"Accept": accept, "Accept-Charset": "utf-8"}
    response = smiths.post("/v1/decide", json=HER_USAGE, headers=headers)
    assert (response.status_code, response.content_type) == (200, JSON)


def padded(size: int) -> bytes:
    return TEXT.encode().ljust(size)


def chunked(client: FlaskClient, method: str, path: str, data: bytes) -> TestResponse:
    """A request in chunks: there is no Content-Length, and the server says that the body ends."""
    builder = EnvironBuilder(path=path, method=method, input_stream=BytesIO(data), content_type=JSON)
    with_end = builder.get_environ() | client.environ_base | {"wsgi.input_terminated": True}
    del with_end["CONTENT_LENGTH"]
    # Not by the client, which would say how long the body is.
    response = run_wsgi_app(client.application, with_end, buffered=True)
    return TestResponse(*response, request=builder.get_request())


def test_a_body_of_one_mebibyte_is_read_and_one_byte_more_is_413(
    smiths: FlaskClient, taking_bodies: list[tuple[str, str]]
) -> None:
    assert smiths.post("/v1/decide", data=padded(MIB), content_type=JSON).status_code == 200
    for method, path in taking_bodies:
        problem(smiths.open(path, method=method, data=padded(MIB + 1), content_type=JSON), 413)


def test_a_body_in_chunks_is_read_up_to_one_mebibyte_as_well(
    smiths: FlaskClient, taking_bodies: list[tuple[str, str]]
) -> None:
    assert chunked(smiths, "POST", "/v1/decide", TEXT.encode()).status_code == 200
    assert chunked(smiths, "POST", "/v1/decide", padded(MIB)).status_code == 200
    for method, path in taking_bodies:
        problem(chunked(smiths, method, path, padded(MIB + 1)), 413)


@pytest.mark.parametrize("path", ["/v1/decide", "/access/v1/evaluation", "/access/v1/evaluations"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_405_and_says_which_there_is(smiths: FlaskClient, path: str, method: str) -> None:
    response = smiths.open(path, method=method, json=HER_USAGE)
    problem(response, 405)
    assert response.allow == {"OPTIONS", "POST"}


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/v1/people/mary.jones", "POST", {"DELETE", "GET", "HEAD", "OPTIONS", "PUT"}),
        (f"/v1/customers/{CUSTOMER}", "PATCH", {"DELETE", "GET", "HEAD", "OPTIONS", "PUT"}),
        (f"/v1/customers/{CUSTOMER}/members/mary.jones", "PUT", {"GET", "HEAD", "OPTIONS"}),
        ("/healthz", "POST", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_elsewhere_too(smiths: FlaskClient, path: str, method: str, allowed: set[str]) -> None:
    response = smiths.open(path, method=method, json={})
    problem(response, 405)
    assert response.allow == allowed


def test_head_on_an_address_for_post_is_405_without_a_body(smiths: FlaskClient) -> None:
    response = smiths.head("/v1/decide")
    assert (response.status_code, response.content_type) == (405, "application/problem+json")
    assert response.data == b""
    assert "POST" in response.allow


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/decide/",
        "//v1/decide",
        "/v1//decide",
        "/V1/decide",
        "/access/v1/evaluation/",
        f"/{CANARY}",
        "/v1/customers",
        f"/v1/customers/{CUSTOMER}/members",
    ],
)
def test_an_address_that_there_is_not_is_404(smiths: FlaskClient, path: str) -> None:
    for method in ("GET", "POST"):
        problem(smiths.open(path, method=method, json=HER_USAGE), 404)


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/customers/{CUSTOMER}%00",
        f"/v1/customers/%00{CUSTOMER}/administrators",
        f"/v1/customers/{CUSTOMER}/members/mary.jones%00",
        "/v1/people/mary%00jones",
        "/v1/people/mary.jones%00/roles",
        "/v1/options/%00",
    ],
)
def test_an_address_with_a_nul_character_is_404_before_any_database_sees_it(smiths: FlaskClient, path: str) -> None:
    for method in ("GET", "PUT", "POST", "DELETE"):
        detail = problem(smiths.open(path, method=method, json={}), 404)["detail"]
        assert detail == "There is nothing at this address."


@pytest.mark.parametrize("name", ["nothing.css", "../templates/docs.html", "..%2Ftemplates%2Fdocs.html", "%00", ""])
def test_a_file_that_is_none_of_the_page_is_404(smiths: FlaskClient, name: str) -> None:
    problem(smiths.get(f"/static/{name}"), 404)


def test_every_response_echoes_the_id_of_its_request(client: FlaskClient, make_client: MakeClient) -> None:
    engine = FakeEngine(lambda _: answer(allow=True))
    engine.go_down()
    down = make_client(engine=engine)
    met = [
        called(client, 200, "POST", "/v1/decide", json=HER_USAGE),
        called(client, 200, "GET", "/healthz"),
        called(client, 200, "GET", "/static/docs.css"),
        called(client, 201, "PUT", "/v1/options/new", json=option("new")),
        called(client, 204, "DELETE", "/v1/options/new"),
        called(client, 400, "POST", "/v1/decide", data=CANARY),
        called(client, 401, "POST", "/v1/decide", token="wrong"),
        called(client, 404, "GET", f"/{CANARY}"),
        called(client, 404, "GET", "/v1/people/nobody"),
        called(client, 405, "GET", "/v1/decide"),
        called(client, 409, "DELETE", "/v1/people/mary.jones"),
        called(client, 412, "DELETE", "/v1/people/mary.jones", if_match='"999"'),
        called(client, 413, "POST", "/v1/decide", data=padded(MIB + 1), content_type=JSON),
        called(make_client(domain=Raising("faults")), 500, "POST", "/v1/decide", json=HER_USAGE),
        called(down, 503, "POST", "/v1/decide", json=HER_USAGE),
        called(down, 503, "GET", "/readyz"),
    ]
    assert len(met) == 16


@pytest.mark.parametrize(
    "request_id",
    ["1", "a b, c", 'quoted "and" \\', "x" * 5000, "naïve".encode().decode("latin-1"), "[\x7f]", "0"],
)
def test_the_id_of_a_request_comes_back_byte_for_byte(smiths: FlaskClient, request_id: str) -> None:
    response = smiths.post("/v1/decide", json=HER_USAGE, headers={"X-Request-ID": request_id})
    assert response.headers["X-Request-ID"] == request_id


def test_a_request_without_an_id_gets_one_of_its_own(smiths: FlaskClient) -> None:
    made = {smiths.get(path).headers["X-Request-ID"] for path in ("/healthz", "/nowhere", "/v1/decide")}
    assert len(made) == 3
    assert all(re.fullmatch(ULID, request_id) for request_id in made)


@pytest.mark.parametrize("step", ["faults", "state", "context"])
@pytest.mark.parametrize("path", SINGLE)
def test_what_goes_wrong_unexpectedly_is_a_500_without_details(make_client: MakeClient, path: str, step: str) -> None:
    client = make_client(domain=Raising(step), engine=FakeEngine(lambda _: answer(allow=True)))
    with capture_logs() as logs:
        body = problem(client.post(path, json=HER_USAGE), 500)
    assert list(body) == ["type", "title", "status", "detail"]
    assert body["detail"] == "Something went wrong here; it is in the log of the service."
    [told] = [entry for entry in logs if entry["event"] == "request.failed"]
    assert isinstance(told["exc_info"], RuntimeError)


@pytest.mark.parametrize("step", ["faults", "state", "context"])
@pytest.mark.parametrize("path", SINGLE)
def test_without_memory_there_is_a_503_and_never_a_decision(make_client: MakeClient, path: str, step: str) -> None:
    client = make_client(domain=Raising(step, MemoryError), engine=FakeEngine(lambda _: answer(allow=True)))
    response = client.post(path, json=HER_USAGE)
    problem(response, 503)
    assert response.headers["Retry-After"] == "1"


@pytest.mark.parametrize("body", [{}, {"evaluations": [{}]}, {"evaluations": [{}, {"subject": 1}]}])
@pytest.mark.parametrize("semantic", ["execute_all", "deny_on_first_deny", "permit_on_first_permit"])
@pytest.mark.parametrize("is_misbehaving", [0, 1])
def test_without_the_engine_there_is_a_503_and_never_a_decision(
    make_client: MakeClient, body: dict[str, Any], semantic: str, is_misbehaving: int
) -> None:
    engine = FakeEngine(says_nothing)
    if not is_misbehaving:
        engine.go_down()
    client = make_client(engine=engine)
    options = {"options": {"evaluations_semantic": semantic}}
    response = client.post("/access/v1/evaluations", json=HER_USAGE | body | options)
    problem(response, 503)
    assert response.headers["Retry-After"] == "1"
    assert "Decision-Id" not in response.headers


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/decide", HER_USAGE),
        ("POST", "/access/v1/evaluations", HER_USAGE | {"evaluations": [{}]}),
        ("GET", "/v1/people/mary.jones", None),
        ("GET", "/v1/people/mary.jones/roles", None),
        ("GET", f"/v1/customers/{CUSTOMER}/members/mary.jones", None),
        ("PUT", "/v1/people/mary.jones", {"id": "mary.jones", "name": "Mary", "email": "mary@example.org"}),
        ("DELETE", "/v1/options/film-evening", None),
    ],
)
def test_without_the_database_there_is_a_503_and_never_a_decision(
    client: FlaskClient,
    lose_database: Callable[[], None],
    method: str,
    path: str,
    body: object,
) -> None:
    lose_database()
    response = client.open(path, method=method, json=body)
    problem(response, 503)
    assert response.headers["Retry-After"] == "1"


def called(
    client: FlaskClient,
    status: int,
    method: str,
    path: str,
    *,
    token: str | None = None,
    if_match: str | None = None,
    **body: Any,  # noqa: ANN401 - whatever the client takes
) -> TestResponse:
    headers = {"X-Request-ID": f"id of {method} {path}"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"If-Match": if_match} if if_match else {}
    response = client.open(path, method=method, headers=headers, buffered=True, **body)
    response.close()
    assert response.status_code == status
    assert response.headers.getlist("X-Request-ID") == [headers["X-Request-ID"]]
    return response


def option(name: str) -> dict[str, str]:
    return {"id": name, "name": name, "for": "tv", "price": "1.00"}


class Raising:
    """A domain in which one step raises what nobody expects."""

    is_finite = False

    def __init__(self, step: str, error: type[Exception] = RuntimeError) -> None:
        self._step = step
        self._error = error

    def faults(self, _question: Question) -> list[Fault]:
        self._raise_at("faults")
        return []

    def state(self, questions: Sequence[Question]) -> list[Stated]:
        self._raise_at("state")
        return [Stated({"resource": "unknown_type"}) for _ in questions]

    def context(
        self, _document: Document, _answer: Answer, _revision: str, _language: Language
    ) -> Mapping[str, Json] | None:
        self._raise_at("context")
        return None

    def _raise_at(self, step: str) -> None:
        if step == self._step:
            raise self._error(CANARY)
