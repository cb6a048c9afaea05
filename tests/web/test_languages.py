"""Reasons are told in the reader's language, as Accept-Language has it."""

import pytest
from flask.testing import FlaskClient

_MARY_ASKS_FOR_THE_BILLS = {
    "subject": {"type": "person", "id": "mary.jones"},
    "action": {"name": "view_bills"},
    "resource": {"type": "customer", "id": "123456789"},
}
_SAID = {
    "en": "You are a user of this customer number; this is for its administrator.",
    "nl": "U bent gebruiker van dit klantnummer; dit is voorbehouden aan de beheerder.",
    "fr": "Vous êtes utilisateur de ce numéro de client ; ceci est réservé à son administrateur.",
    "de": "Sie sind Benutzer dieser Kundennummer; dies ist deren Administrator vorbehalten.",
}


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "en"),
        ("nl", "nl"),
        ("fr-BE", "fr"),
        ("de-DE,de;q=0.9,en;q=0.8", "de"),
        ("en-GB", "en"),
        ("ja, nl;q=0.5, fr;q=0.8", "fr"),
        ("ja", "en"),
        ("*", "en"),
        ("", "en"),
        ("nl;q=broken,,;", "en"),
    ],
)
def test_the_reason_is_in_the_language_asked_for(client: FlaskClient, accepted: str | None, language: str) -> None:
    headers = {} if accepted is None else {"Accept-Language": accepted}
    response = client.post("/v1/decide", json=_MARY_ASKS_FOR_THE_BILLS, headers=headers)
    assert response.headers["Content-Language"] == language
    assert "Accept-Language" in response.headers["Vary"]
    [reason] = response.get_json()["context"]["reasons"]
    assert reason["message"] == _SAID[language]


def test_every_item_of_a_batch_is_in_that_language(client: FlaskClient) -> None:
    body = {**_MARY_ASKS_FOR_THE_BILLS, "evaluations": [{}, {"action": {"name": "manage_bills"}}]}
    for semantic in ("execute_all", "permit_on_first_permit"):
        asked = {**body, "options": {"evaluations_semantic": semantic}}
        response = client.post("/access/v1/evaluations", json=asked, headers={"Accept-Language": "nl"})
        assert response.headers["Content-Language"] == "nl"
        said = [item["context"]["reasons"][0]["message"] for item in response.get_json()["evaluations"]]
        assert said == [_SAID["nl"]] * 2


def test_the_decision_does_not_depend_on_the_language(client: FlaskClient) -> None:
    bodies = [
        client.post("/v1/decide", json=_MARY_ASKS_FOR_THE_BILLS, headers={"Accept-Language": language}).get_json()
        for language in _SAID
    ]
    for body in bodies:
        for reason in body["context"]["reasons"]:
            del reason["message"]
    assert all(body == bodies[0] for body in bodies)


def test_a_refused_take_over_is_told_in_that_language_too(client: FlaskClient) -> None:
    body = {"person": "philip.smith", "channel": "web"}
    response = client.post("/v1/customers/123456789/administrators", json=body, headers={"Accept-Language": "de"})
    assert (response.status_code, response.headers["Content-Language"]) == (403, "de")
    assert response.get_json()["reasons"][0]["message"] == "Sie sind bereits Administrator dieser Kundennummer."
