import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.callers.entrance import Entrance
from authz_service.errors import ConfigurationError
from authz_service.settings import Settings
from authz_service.telemetry.tally import Tally
from authz_service.web.authentication import authenticate
from authz_service.web.endpoint import Page, declaration_of
from authz_service.web.refusals import Refusals
from authz_service.words import Scope
from tests.conftest import SMITH_FAMILY, TOKEN, Load
from tests.journals import no_journal
from tests.web.asking import CUSTOMER, problem, question
from tests.web.documented import DocumentedClient

HER_USAGE = question("mary.jones", "view_usage", "mobile-2002")
REALM = 'Bearer realm="authz-service"'
INVALID = f'{REALM}, error="invalid_token"'


@pytest.fixture
def scoped(settings: Settings, load: Load) -> Iterator[FlaskClient]:
    """A client that sends no token. `token_of(scope)` has that scope alone, `token_without(scope)` all others."""
    load([SMITH_FAMILY])
    callers = [Caller(f"{scope} alone", token_sha256(token_of(scope)), frozenset({scope})) for scope in Scope]
    callers += [
        Caller(f"not {scope}", token_sha256(token_without(scope)), frozenset(set(Scope) - {scope})) for scope in Scope
    ]
    app = create_app(settings, callers=callers)
    app.test_client_class = DocumentedClient
    yield app.test_client()
    close_app(app)


def token_of(scope: Scope) -> str:
    return f"token-of-{scope}"


def token_without(scope: Scope) -> str:
    return f"token-without-{scope}"


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        (None, REALM),
        ("", REALM),
        ("Basic dGVzdHM6dG9rZW4=", REALM),
        (f"Basic {TOKEN}", REALM),
        (f"Token {TOKEN}", REALM),
        (TOKEN, REALM),
        ("Bearer", REALM),
        ("Bearer ", REALM),
        ("Bearer    ", REALM),
        (f"Bearer{TOKEN}", REALM),
        (f"Bearer\t{TOKEN}", REALM),
        ("Bearer unknown", INVALID),
        (f"Bearer {TOKEN}x", INVALID),
        (f"Bearer x{TOKEN}", INVALID),
        (f"Bearer {TOKEN[:-1]}", INVALID),
        (f"Bearer {TOKEN.upper()}", INVALID),
        (f"Bearer {TOKEN} junk", INVALID),
        (f"Bearer {TOKEN},", INVALID),
        (f"Bearer {TOKEN}, Bearer {TOKEN}", INVALID),
        (f'Bearer "{TOKEN}"', INVALID),
        (f"Bearer Bearer {TOKEN}", INVALID),
        (f"Bearer {token_sha256(TOKEN)}", INVALID),
        ("Bearer \xff\xfe", INVALID),
        ("Bearer " + "x" * 10_000, INVALID),
    ],
)
def test_without_a_valid_token_it_is_401_with_a_challenge(
    smiths: FlaskClient, authorization: str | None, challenge: str
) -> None:
    client = smiths.application.test_client()
    headers = {} if authorization is None else {"Authorization": authorization}
    for response in (
        client.post("/v1/decide", json=HER_USAGE, headers=headers),
        client.post("/v1/decide", data="no json", headers=headers),
        client.get(f"/v1/customers/{CUSTOMER}", headers=headers),
        client.delete("/v1/people/nobody", headers=headers),
    ):
        body = problem(response, 401)
        assert body["detail"] == "A valid bearer token is needed in the header Authorization."
        assert response.headers.getlist("WWW-Authenticate") == [challenge]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEARER"])
def test_the_scheme_is_read_in_any_case(smiths: FlaskClient, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {TOKEN}"}
    assert smiths.post("/v1/decide", json=HER_USAGE, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "path",
    [f"/v1/decide?access_token={TOKEN}", f"/v1/decide?token={TOKEN}", f"/v1/decide?authorization=Bearer%20{TOKEN}"],
)
def test_a_token_in_the_address_is_none(smiths: FlaskClient, path: str) -> None:
    problem(smiths.application.test_client().post(path, json=HER_USAGE), 401)


class Call(NamedTuple):
    """One method of one address, and the scope that it declares."""

    method: str
    path: str
    scope: Scope | None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


_STYLES = {"documents.static": "/docs.css", "pages.static": "/pages.css"}


def calls_of(app: Flask) -> list[Call]:
    """Everything that can be called, with something in place of each variable."""
    calls = []
    for rule in app.url_map.iter_rules():
        declaration = declaration_of(app.view_functions[rule.endpoint])
        path = re.sub(r"<[^>]+>", "1", rule.rule)
        if rule.endpoint in _STYLES:
            calls.append(Call("GET", path.replace("/1", _STYLES[rule.endpoint]), None))
            continue
        assert declaration, rule.endpoint
        if isinstance(declaration, Page):  # tests/web/pages has those
            continue
        calls += [Call(method, path, declaration.scope) for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}]
    return sorted(calls)


def test_every_endpoint_has_the_scope_of_what_it_is_for(scoped: FlaskClient) -> None:
    scopes = {call.path: call.scope for call in calls_of(scoped.application)}
    assert scopes == {
        "/access/v1/evaluation": Scope.DECIDE,
        "/access/v1/evaluations": Scope.DECIDE,
        "/access/v1/search/action": Scope.DECIDE,
        "/access/v1/search/resource": Scope.DECIDE,
        "/access/v1/search/subject": Scope.DECIDE,
        "/v1/decide": Scope.DECIDE,
        "/v1/customers/1": Scope.CUSTOMERS,
        "/v1/customers/1/administrators": Scope.ADMINISTRATORS,
        "/v1/customers/1/members/1": Scope.CUSTOMERS,
        "/v1/options/1": Scope.CUSTOMERS,
        "/v1/decisions": Scope.AUDIT,
        "/v1/decisions/1": Scope.AUDIT,
        "/v1/decisions/1/proof": Scope.AUDIT,
        "/v1/decisions/1/replay": Scope.AUDIT,
        "/v1/people/1": Scope.CUSTOMERS,
        "/v1/people/1/roles": Scope.CUSTOMERS,
        "/docs": None,
        "/healthz": None,
        "/metrics": None,
        "/openapi.json": None,
        "/readyz": None,
        "/static/docs.css": None,
        "/assets/pages.css": None,
    }


def test_every_endpoint_refuses_a_token_that_lacks_its_scope_and_takes_one_that_has_it(
    scoped: FlaskClient,
) -> None:
    scopes_seen = set()
    for call in calls_of(scoped.application):
        if call.scope is None:
            continue
        scopes_seen.add(call.scope)
        response = called(scoped, call, token_without(call.scope))
        assert problem(response, 403)["detail"] == f"This token does not have the scope {call.scope}."
        assert response.headers["WWW-Authenticate"] == (f'{REALM}, error="insufficient_scope", scope="{call.scope}"')
        assert called(scoped, call, token_of(call.scope)).status_code not in {401, 403}
        problem(called(scoped, call, None), 401)
    assert scopes_seen >= {Scope.DECIDE, Scope.CUSTOMERS}


def test_the_other_methods_of_a_guarded_address_are_guarded_too(scoped: FlaskClient) -> None:
    for path in ("/v1/decide", f"/v1/customers/{CUSTOMER}"):
        problem(scoped.options(path), 401)
    response = scoped.head(f"/v1/customers/{CUSTOMER}")
    assert (response.status_code, response.data) == (401, b"")


def test_open_endpoints_answer_without_a_token_and_with_a_wrong_one(scoped: FlaskClient) -> None:
    open_calls = [call for call in calls_of(scoped.application) if call.scope is None]
    assert len(open_calls) >= 5
    for call in open_calls:
        for token in (None, "wrong"):
            assert called(scoped, call, token).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/v1/nowhere", 404),
        ("GET", "/v1/decide", 405),
        ("DELETE", f"/v1/customers/{CUSTOMER}/members/mary.jones", 405),
        ("POST", f"/v1/customers/{CUSTOMER}", 405),
    ],
)
def test_where_there_is_nothing_a_token_makes_no_difference(
    scoped: FlaskClient, method: str, path: str, status: int
) -> None:
    answers = [called(scoped, Call(method, path, None), token) for token in (None, "wrong", token_of(Scope.CUSTOMERS))]
    assert len({answer.data for answer in answers}) == 1
    for answer in answers:
        problem(answer, status)
        assert "WWW-Authenticate" not in answer.headers


def test_whether_something_is_stored_is_not_told_without_a_token(scoped: FlaskClient) -> None:
    known, unknown = (scoped.get(f"/v1/people/{person}") for person in ("mary.jones", "nobody"))
    assert known.data == unknown.data


def test_a_token_is_in_no_response(scoped: FlaskClient) -> None:
    tokens = [token_of(Scope.DECIDE), token_of(Scope.CUSTOMERS), "a-wrong-token"]
    statuses = set()
    for call in [*calls_of(scoped.application), Call("GET", "/nowhere", None), Call("GET", "/v1/decide", None)]:
        for token in tokens:
            response = called(scoped, call, token)
            statuses.add(response.status_code)
            assert token not in response.text
            assert token not in str(response.headers)
            assert token_sha256(token) not in response.text
    assert statuses >= {200, 400, 401, 403, 404, 405}


def test_an_endpoint_that_declares_no_scope_keeps_the_app_from_starting() -> None:
    app = Flask("made", static_folder=None)
    app.add_url_rule("/forgotten", "forgotten", dict)
    with pytest.raises(ConfigurationError, match="The endpoint forgotten does not declare the scope"):
        authenticate(app, Entrance(Settings("sqlite://"), []), Refusals(no_journal(), Tally()), lambda _: None)


def called(client: FlaskClient, call: Call, token: str | None) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    has_body = call.method in {"POST", "PUT"}
    response = client.open(call.path, method=call.method, json={} if has_body else None, headers=headers, buffered=True)
    response.close()
    return response
