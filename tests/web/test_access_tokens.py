"""Access tokens over HTTP: what cannot be verified now is neither let in nor called wrong."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.issuer import Issuer, ec, served, signed
from tests.web.asking import problem, question
from tests.web.conftest import MakeClient, parts_of
from tests.web.pages.reading import sign_in

USUAL = question("mary.jones", "view_usage", "mobile-2002")
KEY = ec()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with served(KEY) as started:
        yield started


@pytest.fixture
def client(make_client: MakeClient, issuer: Issuer) -> FlaskClient:
    return make_client(token_issuer=issuer.settings)


def with_token(**changes: object) -> dict[str, str]:
    return {"Authorization": f"Bearer {signed(KEY, 'ES256', **changes)}"}


@pytest.mark.parametrize("body", [USUAL, {**USUAL, "context": None}], ids=["quick", "by Flask"])
def test_a_decision_is_kept_under_the_name_of_the_client(client: FlaskClient, body: object) -> None:
    assert client.post("/v1/decide", json=body, headers=with_token()).get_json()["decision"] is True
    journal = parts_of(client.application).journal
    assert journal.writer
    journal.writer.close()
    assert journal.folder
    lines = "".join(path.read_text() for path in journal.folder.rglob("*.journal"))
    assert lines.count('"caller":"billing-app"') == 1


@pytest.mark.parametrize("body", [USUAL, {**USUAL, "context": None}], ids=["quick", "by Flask"])
def test_while_nothing_can_be_verified_it_is_503_and_a_configured_token_goes_on(
    client: FlaskClient, issuer: Issuer, body: object
) -> None:
    issuer.status = 500
    response = client.post("/v1/decide", json=body, headers=with_token())
    assert "cannot be verified now" in problem(response, 503)["detail"]
    assert response.headers["Retry-After"] == "1"
    assert "Decision-Id" not in response.headers
    assert client.post("/v1/decide", json=body).status_code == 200
    assert client.post("/v1/decide", json=body, headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_an_issuer_that_is_away_is_told_by_readyz_which_stays_ready(client: FlaskClient, issuer: Issuer) -> None:
    issuer.status = 500
    assert client.post("/v1/decide", json=USUAL, headers=with_token()).status_code in {200, 503}
    keys = parts_of(client.application).entrance.keys
    assert keys
    keys._keys = keys._keys._replace(fetched_at=float("-inf"))  # noqa: SLF001 - as after an hour
    keys._asked_at = float("-inf")  # noqa: SLF001 - likewise
    assert client.post("/v1/decide", json=USUAL, headers=with_token()).status_code == 503
    response = client.get("/readyz")
    told = response.get_json()["checks"]["callers"]
    assert (response.status_code, told["ok"]) == (200, False)
    assert told["detail"] == "Access tokens cannot be verified: it answers 500."


def test_without_the_scope_it_is_403(client: FlaskClient) -> None:
    problem(client.post("/v1/decide", json=USUAL, headers=with_token(scope="openid")), 403)


def test_pages_are_not_signed_in_to_with_one(client: FlaskClient) -> None:
    token = signed(KEY, "ES256", scope="audit")
    assert client.get("/v1/decisions", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert sign_in(client.application.test_client(), token).status_code == 401
