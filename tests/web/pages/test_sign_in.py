"""A token with the scope audit is exchanged for a session, and only for that."""

import re
import time
from collections.abc import Callable, Iterator

import itsdangerous
import pytest
from flask import Flask
from flask.testing import FlaskClient

from authz_service.callers.callers import Caller, token_sha256
from authz_service.web.endpoint import Page, declaration_of
from authz_service.words import Scope
from tests.conftest import TOKEN
from tests.web.conftest import EVERYTHING, MakeClient, parts_of
from tests.web.pages.reading import form_key, sign_in, signed_in, with_book

AUDIT = frozenset({Scope.AUDIT})
NINE_HOURS = 9 * 60 * 60


def pages_of(app: Flask) -> Iterator[tuple[str, str, Page]]:
    for rule in app.url_map.iter_rules():
        declaration = declaration_of(app.view_functions[rule.endpoint])
        if isinstance(declaration, Page):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield method, re.sub(r"<[^>]+>", "1", rule.rule), declaration


@pytest.fixture
def visitor(smiths: FlaskClient) -> FlaskClient:
    """Somebody who has not signed in."""
    return smiths.application.test_client()


def test_every_page_but_that_to_sign_in_needs_the_scope_audit(smiths: FlaskClient) -> None:
    scopes = {(method, path): page.scope for method, path, page in pages_of(smiths.application)}
    assert scopes == {
        ("GET", "/"): Scope.AUDIT,
        ("GET", "/matrix"): Scope.AUDIT,
        ("GET", "/matrix.csv"): Scope.AUDIT,
        ("GET", "/matrix.pdf"): Scope.AUDIT,
        ("GET", "/matrix/1/1"): Scope.AUDIT,
        ("GET", "/ask"): Scope.AUDIT,
        ("POST", "/ask"): Scope.AUDIT,
        ("GET", "/decisions"): Scope.AUDIT,
        ("GET", "/decisions.csv"): Scope.AUDIT,
        ("GET", "/decisions/1"): Scope.AUDIT,
        ("GET", "/decisions/1/proof"): Scope.AUDIT,
        ("GET", "/customers"): Scope.AUDIT,
        ("GET", "/customers/1"): Scope.AUDIT,
        ("POST", "/customers/1"): Scope.AUDIT,
        ("GET", "/customers/1/reviews/1"): Scope.AUDIT,
        ("GET", "/customers/1/reviews/1.csv"): Scope.AUDIT,
        ("GET", "/customers/1/reviews/1.pdf"): Scope.AUDIT,
        ("GET", "/status"): Scope.AUDIT,
        ("GET", "/matrix/diff"): Scope.AUDIT,
        ("GET", "/sign-in"): None,
        ("POST", "/sign-in"): None,
        ("POST", "/sign-out"): None,
    }


def test_whoever_has_not_signed_in_is_sent_there_and_comes_back(visitor: FlaskClient) -> None:
    sent = visitor.get("/matrix?answer=yes")
    assert (sent.status_code, sent.headers["Location"]) == (303, "/sign-in?next=/matrix?answer%3Dyes")
    assert 'value="/matrix?answer=yes"' in visitor.get(sent.headers["Location"]).text
    back = sign_in(visitor, there="/matrix?answer=yes")
    assert (back.status_code, back.headers["Location"]) == (303, "/matrix?answer=yes")
    assert with_book(visitor).get("/matrix?answer=yes").status_code == 200


@pytest.mark.parametrize("path", ["/matrix", "/sign-in?next=/matrix"])
def test_on_the_way_from_another_site_no_session_is_begun_and_the_page_is_loaded_again(
    visitor: FlaskClient, path: str
) -> None:
    response = visitor.get(path, headers={"Sec-Fetch-Site": "cross-site"}, follow_redirects=True)
    assert (response.status_code, response.headers["Refresh"]) == (200, "0; url=/matrix")
    assert "Set-Cookie" not in response.headers


def test_no_page_is_shown_without_a_session(visitor: FlaskClient) -> None:
    for method, path, page in pages_of(visitor.application):
        if page.scope:
            assert visitor.open(path, method=method).status_code == 303


def test_a_bearer_token_is_no_session_and_a_session_is_no_bearer_token(smiths: FlaskClient) -> None:
    assert smiths.get("/matrix").status_code == 303
    assert signed_in(smiths).get("/v1/decisions").status_code == 401


@pytest.mark.parametrize(
    "there",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "/\\elsewhere.example",
        "javascript:alert(1)",
        "elsewhere",
        "/\nelsewhere",
        "",
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(visitor: FlaskClient, there: str) -> None:
    assert sign_in(visitor, there=there).headers["Location"] == "/"


@pytest.mark.parametrize("token", ["", "wrong", f"{TOKEN}x", TOKEN.upper(), token_sha256(TOKEN)])
def test_a_wrong_token_is_told_in_words_and_begins_no_session(visitor: FlaskClient, token: str) -> None:
    response = sign_in(visitor, token)
    assert response.status_code == 401
    assert "No caller has this token." in response.text
    assert visitor.get("/").status_code == 303


def test_a_token_without_the_scope_is_told_so(make_client: MakeClient) -> None:
    caller = Caller("customer-zone", token_sha256("decides"), frozenset({Scope.DECIDE}))
    visitor = make_client(caller=caller).application.test_client()
    response = sign_in(visitor, "decides")
    assert response.status_code == 403
    assert "does not have the scope audit" in response.text
    assert visitor.get("/").status_code == 303


def test_refusals_are_kept_as_those_of_other_callers(make_client: MakeClient) -> None:
    visitor = make_client(caller=Caller("zone", token_sha256("decides"), frozenset({Scope.DECIDE}))).application
    client = visitor.test_client()
    sign_in(client, "wrong")
    sign_in(client, "decides")
    journal = parts_of(visitor).journal
    assert journal.writer
    journal.writer.close()
    assert journal.folder
    lines = "".join(path.read_text() for path in journal.folder.rglob("*.journal"))
    refused = re.findall(r'\{[^\n]*"kind":"refusal"[^\n]*', lines)
    assert len(refused) == 2
    assert '"status":401' in refused[0]
    assert '"status":403' in refused[1]
    assert '"caller":"zone"' in refused[1]
    assert "wrong" not in lines
    assert "decides" not in lines


def test_a_token_is_in_no_page_address_or_cookie(visitor: FlaskClient) -> None:
    answers = [sign_in(visitor, "a-wrong-token"), sign_in(visitor), visitor.get("/"), visitor.get("/matrix")]
    for answer in answers:
        for secret in (TOKEN, "a-wrong-token", token_sha256(TOKEN)):
            assert secret not in answer.text + str(answer.headers)


def test_the_cookie_is_for_this_site_and_no_script(visitor: FlaskClient) -> None:
    [cookie] = sign_in(visitor).headers.getlist("Set-Cookie")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie


@pytest.mark.parametrize(
    ("host", "is_secure"),
    [("localhost:8080", False), ("127.0.0.1", False), ("[::1]:80", False), ("authz.be", True)],
)
def test_the_cookie_is_secure_but_on_this_machine(smiths: FlaskClient, host: str, is_secure: bool) -> None:  # noqa: FBT001 - a row of the table above
    visitor = smiths.application.test_client()
    [cookie] = visitor.get("/sign-in", headers={"Host": host}).headers.getlist("Set-Cookie")
    assert ("Secure" in cookie) == is_secure


def test_a_form_is_taken_with_the_key_of_its_own_session_alone(smiths: FlaskClient) -> None:
    visitor, other = smiths.application.test_client(), smiths.application.test_client()
    for key in (None, "", "x", form_key(other)):
        form_key(visitor)
        response = visitor.post("/sign-in", data={"token": TOKEN} | ({} if key is None else {"form_key": key}))
        assert response.status_code == 403
        assert "This form is not from a page that was shown to you." in response.text
    assert visitor.get("/").status_code == 303


def test_signing_out_needs_a_form_too_and_ends_the_session(reader: FlaskClient) -> None:
    assert reader.post("/sign-out").status_code == 403
    assert reader.get("/").status_code == 200
    assert reader.post("/sign-out", data={"form_key": form_key(reader, "/")}).status_code == 303
    assert reader.get("/").status_code == 303


def test_the_form_key_is_another_after_signing_in(visitor: FlaskClient) -> None:
    before = form_key(visitor)
    sign_in(visitor)
    assert form_key(visitor, "/") != before


def test_another_process_takes_the_session_and_ends_it_with_the_caller(make_client: MakeClient) -> None:
    first, second = make_client().application, make_client().application
    without = make_client(caller=Caller("another", token_sha256("another"), AUDIT)).application
    session = signed_in(first.test_client()).get_cookie("authz_session")
    assert session
    statuses = []
    for app in (first, second, without):
        client = app.test_client()
        client.set_cookie("authz_session", session.value)
        statuses.append(client.get("/sign-in").text.count(EVERYTHING.name) > 0)
    assert statuses == [True, True, False]


def test_a_reader_whose_token_is_taken_out_or_ends_is_signed_out(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client(caller=EVERYTHING._replace(expires=time.time() + 600))
    reader = signed_in(client)
    assert reader.get("/matrix/diff").status_code != 303
    now = time.time
    monkeypatch.setattr("authz_service.callers.callers.time.time", lambda: now() + 601)
    assert reader.get("/matrix/diff").status_code == 303
    monkeypatch.undo()
    assert reader.get("/matrix/diff").status_code != 303
    callers = parts_of(client.application).entrance.callers
    kept = list(callers.by_token.values())
    callers.replace([])
    assert reader.get("/matrix/diff").status_code == 303
    callers.replace(kept)
    assert reader.get("/matrix/diff").status_code != 303


def test_whose_token_lost_the_scope_is_told_so_on_a_page(make_client: MakeClient) -> None:
    session = signed_in(make_client()).get_cookie("authz_session")
    assert session
    client = make_client(caller=EVERYTHING._replace(scopes=frozenset({Scope.DECIDE}))).application.test_client()
    client.set_cookie("authz_session", session.value)
    response = client.get("/")
    assert (response.status_code, response.mimetype) == (403, "text/html")
    assert "Your token does not have the scope audit." in response.text


def test_a_session_ends_after_a_working_day(smiths: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    now = itsdangerous.TimestampSigner.get_timestamp
    monkeypatch.setattr(itsdangerous.TimestampSigner, "get_timestamp", lambda self: now(self) - NINE_HOURS)
    client = signed_in(smiths)
    assert client.get("/sign-in").status_code == 200
    monkeypatch.undo()
    assert client.get("/").status_code == 303


@pytest.mark.parametrize("change", [lambda value: value[:-1], lambda value: f"x{value}", lambda _: "x", lambda _: ""])
def test_a_cookie_that_was_not_made_here_is_none(smiths: FlaskClient, change: Callable[[str], str]) -> None:
    session = signed_in(smiths).get_cookie("authz_session")
    assert session
    visitor = smiths.application.test_client()
    visitor.set_cookie("authz_session", change(session.value))
    assert visitor.get("/").status_code == 303
