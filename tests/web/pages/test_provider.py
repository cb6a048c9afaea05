"""Readers sign in with an account at a certified provider, and nobody else does."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import itsdangerous
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from authz_service.settings import OpenId
from tests.provider.running import OUTSIDER, READER, Running, provider, sign_in_at
from tests.web.conftest import MakeClient, parts_of

PUBLIC = "http://localhost"
BACK = f"{PUBLIC}/sign-in/back"
ELEVEN_MINUTES, NINE_HOURS = 11 * 60, 9 * 60 * 60


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with provider(BACK) as started:
        yield started


@pytest.fixture
def visitor(make_client: MakeClient, running: Running) -> FlaskClient:
    """Somebody who has not signed in."""
    return at_public(make_client(openid=running.settings(), public_url=PUBLIC))


def at_public(client: FlaskClient) -> FlaskClient:
    """A browser that has nothing yet, at the address that the provider knows."""
    return client.application.test_client()


def begin(visitor: FlaskClient, there: str = "") -> str:
    sent = visitor.get("/sign-in/provider", query_string={"next": there})
    assert sent.status_code == 303
    return sent.headers["Location"]


def come_back(visitor: FlaskClient, address: str) -> TestResponse:
    return visitor.get(address.removeprefix(PUBLIC))


def sign_in(visitor: FlaskClient, person: str, there: str = "") -> TestResponse:
    return come_back(visitor, sign_in_at(begin(visitor, there), BACK, person))


def is_signed_in(visitor: FlaskClient) -> bool:
    return visitor.get("/matrix/diff").status_code != 303


def test_the_page_to_sign_in_offers_both_ways(visitor: FlaskClient, running: Running) -> None:
    text = visitor.get("/sign-in?next=/matrix").text
    assert 'href="/sign-in/provider?next=/matrix"' in text
    assert urlsplit(running.issuer).netloc in text
    assert "Your token" in text


def test_without_a_provider_a_token_is_the_one_way(smiths: FlaskClient) -> None:
    visitor = smiths.application.test_client()
    assert "provider" not in visitor.get("/sign-in").text
    assert visitor.get("/sign-in/provider").status_code == 404


def test_whoever_the_provider_puts_among_those_who_may_read_is_signed_in(visitor: FlaskClient) -> None:
    response = sign_in(visitor, READER, "/matrix?answer=if")
    assert (response.status_code, response.headers["Refresh"]) == (200, "0; url=/matrix?answer=if")
    [session] = [cookie for cookie in response.headers.getlist("Set-Cookie") if cookie.startswith("authz_session=")]
    assert "SameSite=Strict" in session
    assert "HttpOnly" in session
    assert is_signed_in(visitor)


def test_what_the_browser_keeps_meanwhile_is_for_the_way_back_alone(visitor: FlaskClient) -> None:
    sent = visitor.get("/sign-in/provider")
    [cookie] = sent.headers.getlist("Set-Cookie")
    assert cookie.startswith("authz_sign_in=")
    for said in ("Path=/sign-in", "HttpOnly", "SameSite=Lax", "Max-Age=600"):
        assert said in cookie
    assert parse_qs(urlsplit(sent.headers["Location"]).query)["code_challenge_method"] == ["S256"]


def test_a_reader_is_called_by_a_pseudonym_that_is_the_same_each_time(visitor: FlaskClient) -> None:
    names = []
    for _ in range(2):
        sign_in(visitor, READER)
        [name] = re.findall(r"<span>(reader~[\w-]{22})</span>", visitor.get("/sign-in").text)
        names.append(name)
    assert names[0] == names[1]
    assert READER not in visitor.get("/sign-in").text


def test_who_is_known_and_may_not_read_is_told_so_and_kept_under_a_pseudonym(visitor: FlaskClient) -> None:
    response = sign_in(visitor, OUTSIDER)
    assert response.status_code == 403
    assert "is not among those that may read here" in response.text
    assert not is_signed_in(visitor)
    journal = parts_of(visitor.application).journal
    assert journal.writer
    journal.writer.close()
    assert journal.folder
    lines = "".join(path.read_text() for path in journal.folder.rglob("*.journal"))
    [refused] = re.findall(r'\{[^\n]*"kind":"refusal"[^\n]*', lines)
    assert '"caller":"reader~' in refused
    assert '"status":403' in refused
    assert OUTSIDER not in lines


def test_who_breaks_off_at_the_provider_is_told_so(visitor: FlaskClient) -> None:
    address = sign_in_at(begin(visitor), BACK, READER, consents=False)
    response = come_back(visitor, address)
    assert response.status_code == 403
    assert "The sign-in was broken off" in response.text
    assert not is_signed_in(visitor)


def test_a_way_back_is_good_once_and_in_the_browser_that_it_was_begun_in(
    visitor: FlaskClient, make_client: MakeClient, running: Running
) -> None:
    address = sign_in_at(begin(visitor), BACK, READER)
    other = at_public(visitor)
    assert come_back(other, address).status_code == 400
    begin(other)
    stolen = come_back(other, address)
    assert stolen.status_code == 400
    assert "cannot be relied on" in stolen.text
    assert not is_signed_in(other)
    assert come_back(visitor, address).status_code == 200
    again = come_back(visitor, address)
    assert again.status_code == 400
    assert "Begin again." in again.text


def test_a_code_that_was_used_signs_nobody_in(visitor: FlaskClient) -> None:
    address = begin(visitor)
    kept = visitor.get_cookie("authz_sign_in", path="/sign-in")
    assert kept
    back = sign_in_at(address, BACK, READER)
    assert come_back(visitor, back).status_code == 200
    other = at_public(visitor)
    other.set_cookie("authz_sign_in", kept.value, path="/sign-in")
    assert come_back(other, back).status_code == 400
    assert not is_signed_in(other)


def test_who_takes_longer_than_ten_minutes_begins_again(visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    now = itsdangerous.TimestampSigner.get_timestamp
    monkeypatch.setattr(itsdangerous.TimestampSigner, "get_timestamp", lambda self: now(self) - ELEVEN_MINUTES)
    address = sign_in_at(begin(visitor), BACK, READER)
    monkeypatch.undo()
    response = come_back(visitor, address)
    assert response.status_code == 400
    assert "longer than ten minutes" in response.text


def test_the_session_ends_after_a_working_day(visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    now = itsdangerous.TimestampSigner.get_timestamp
    monkeypatch.setattr(itsdangerous.TimestampSigner, "get_timestamp", lambda self: now(self) - NINE_HOURS)
    assert sign_in(visitor, READER).status_code == 200
    assert is_signed_in(visitor)
    monkeypatch.undo()
    assert not is_signed_in(visitor)


@pytest.mark.parametrize(
    "change", [{"value": "staff"}, {"claim": "roles"}, {"client_id": "another"}, {"issuer": "http://localhost:1"}, None]
)
def test_a_session_ends_when_the_provider_or_whom_it_lets_in_is_set_otherwise(
    visitor: FlaskClient, make_client: MakeClient, running: Running, change: dict[str, str] | None
) -> None:
    sign_in(visitor, READER)
    session = visitor.get_cookie("authz_session")
    assert session
    before = running.settings()
    changed = None
    if change is not None:
        values = {name: getattr(before, name) for name in before.__slots__}
        changed = OpenId(**{**values, **change})
    for openid, stays in ((before, True), (changed, False)):
        client = at_public(make_client(openid=openid, public_url=PUBLIC))
        client.set_cookie("authz_session", session.value)
        assert is_signed_in(client) is stays


def test_a_provider_that_is_down_is_told_in_words_and_a_token_still_does(make_client: MakeClient) -> None:
    down = OpenId("http://localhost:1", "authz", "secret", "groups", "compliance")
    visitor = at_public(make_client(openid=down, public_url=PUBLIC))
    response = visitor.get("/sign-in/provider?next=/matrix")
    assert (response.status_code, response.mimetype) == (503, "text/html")
    assert "Try again in a moment, or sign in with a token." in response.text
    assert 'href="/sign-in?next=/matrix"' in response.text
    assert 'href="/sign-in/provider?next=/matrix"' in response.text


@pytest.mark.parametrize("query", ["", "?error=access_denied&state=x", "?code=x&state=x", "?code=x"])
def test_a_way_back_that_fails_ends_no_session(visitor: FlaskClient, query: str) -> None:
    sign_in(visitor, READER)
    begin(visitor)
    # From another site a browser brings the cookie of the sign-in along, and not the one of the session.
    from_elsewhere = at_public(visitor)
    kept = visitor.get_cookie("authz_sign_in", path="/sign-in")
    assert kept
    from_elsewhere.set_cookie("authz_sign_in", kept.value, path="/sign-in")
    response = from_elsewhere.get(f"/sign-in/back{query}")
    assert response.status_code in {400, 403}
    assert not [said for said in response.headers.getlist("Set-Cookie") if said.startswith("authz_session")]
    assert visitor.get(f"/sign-in/back{query}").status_code in {400, 403}
    assert is_signed_in(visitor)


def test_a_provider_that_goes_down_meanwhile_is_told_in_words(make_client: MakeClient) -> None:
    with provider(BACK) as started:
        visitor = at_public(make_client(openid=started.settings(), public_url=PUBLIC))
        address = sign_in_at(begin(visitor), BACK, READER)
    response = come_back(visitor, address)
    assert response.status_code == 503
    assert not is_signed_in(visitor)


def test_who_is_at_another_address_is_taken_to_the_one_that_the_provider_knows(visitor: FlaskClient) -> None:
    sent = visitor.get("/sign-in/provider?next=/matrix", headers={"Host": "authz.internal"})
    assert sent.headers["Location"] == f"{PUBLIC}/sign-in/provider?next=/matrix"
    assert "Set-Cookie" not in sent.headers


@pytest.mark.parametrize("there", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"])
def test_nobody_is_sent_elsewhere_after_signing_in(visitor: FlaskClient, there: str) -> None:
    assert sign_in(visitor, READER, there).headers["Refresh"] == "0; url=/"


def test_nothing_that_the_provider_sends_along_is_shown(visitor: FlaskClient) -> None:
    begin(visitor)
    answer = {"error": "<script>x</script>", "error_description": "<b>hunter2", "state": "hunter2"}
    response = visitor.get("/sign-in/back", query_string=answer)
    assert response.status_code == 400
    assert "hunter2" not in response.text
    assert "<script" not in response.text
