"""A question that a reader tries is answered as production answers it, explained, and kept as a trial alone."""

import re
from html import unescape
from unittest.mock import Mock

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from authz_service.errors import PolicyBeingRead
from authz_service.handbook.shelf import Shelf
from authz_service.words import Durability
from tests.fakes.engine import FakeEngine, answer
from tests.processes import wait_until
from tests.web.asking import CUSTOMER, question
from tests.web.conftest import MakeClient, parts_of
from tests.web.pages.reading import form_key, signed_in, with_book
from tests.web.test_docs import Page

HER_USAGE = {"person": "mary.jones", "action": "view_usage", "thing": "mobile-2002"}
TRACYS = HER_USAGE | {"thing": "mobile-2003"}
PAID_OPTION = {
    "person": "mary.jones",
    "action": "activate_option",
    "thing": "mobile-2002",
    "option": "extra-data-5gb",
    "channel": "app",
}


def ask(reader: FlaskClient, form: dict[str, str]) -> TestResponse:
    return reader.post("/ask", data={"form_key": form_key(reader, "/ask"), **form})


def said(response: TestResponse) -> str:
    """What the page says, on one line and without its tags."""
    assert response.status_code == 200, response.text
    Page(response.text)
    main = response.text.partition("<main")[2].partition("</main>")[0]
    main = main.partition(">")[2].replace("</dt>", " ")
    return " ".join(unescape(re.sub(r"<[^>]+>", "", main)).split())


def trial_of(response: TestResponse) -> str:
    found = re.search(r'href="/decisions/([0-9A-Z]{26})"', response.text)
    assert found
    return found[1]


def test_an_answer_is_a_sentence_with_its_reasons_and_rules(reader: FlaskClient) -> None:
    text = said(ask(reader, HER_USAGE))
    assert (
        "mary.jones, a user, may see the usage of a mobile that is his or her own (subscription mobile-2002)." in text
    )
    assert "✓ Yes." in text
    assert "“This mobile is your own, so you may see its usage.”" in text
    assert "Dit is uw eigen mobiele nummer" in text
    assert "✓ grants: A user sees the usage of his or her own mobile USER-1" in text


def test_a_denial_says_what_would_change_it_and_which_rules_nearly_fired(reader: FlaskClient) -> None:
    text = said(ask(reader, PAID_OPTION))
    assert "✗ No." in text
    assert "It would be allowed if" in text
    assert "the option were free" in text
    nearly = text.partition("Rules that nearly fired, but for one condition")[2]
    assert "A user activates free options for his or her own mobile" in nearly
    assert "does not hold" in nearly


@pytest.mark.parametrize("form", [HER_USAGE, TRACYS, PAID_OPTION, HER_USAGE | {"person": "nobody"}])
def test_the_answer_is_that_of_the_api(smiths: FlaskClient, reader: FlaskClient, form: dict[str, str]) -> None:
    asked = question(form["person"], form["action"], form["thing"], form.get("option"), form.get("channel"))
    body = smiths.post("/v1/decide", json=asked).get_json()
    text = said(ask(reader, form))
    assert ("✓ Yes." if body["decision"] else "✗ No.") in text
    for reason in body["context"]["reasons"]:
        assert f"“{reason['message']}”" in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"person": "nobody"}, "unknown"), ({"thing": "1"}, "unknown"), ({"thing": "<script>"}, "unknown")],
)
def test_whom_or_what_nobody_knows_is_denied_as_the_policy_says(
    reader: FlaskClient, changes: dict[str, str], message: str
) -> None:
    response = ask(reader, HER_USAGE | changes)
    assert "✗ No." in said(response)
    assert message in said(response)
    assert "<script>" not in response.text


def test_it_is_kept_as_a_trial_and_as_nothing_else(make_client: MakeClient) -> None:
    client = make_client()
    reader = with_book(signed_in(client))
    trial = trial_of(ask(reader, HER_USAGE))
    wait_until(lambda: client.get(f"/v1/decisions/{trial}").status_code == 200)
    kept = client.get(f"/v1/decisions/{trial}").get_json()
    assert (kept["kind"], kept["caller"], kept["decision"]) == ("trial", "tests", True)
    assert kept["subject"].startswith("~")
    assert [one["id"] for one in client.get("/v1/decisions").get_json()["decisions"]] == [trial]
    assert f'href="/decisions/{trial}"' in reader.get("/decisions?kind=trial").text
    assert "trial" in reader.get("/decisions.csv").text
    assert "A trial." in reader.get(f"/decisions/{trial}").text


def test_opening_a_question_asks_nothing(make_client: MakeClient) -> None:
    client = make_client()
    reader = with_book(signed_in(client))
    text = reader.get("/ask", query_string=PAID_OPTION).text
    assert 'value="extra-data-5gb"' in text
    assert '<option value="activate_option" selected>' in text
    writer = parts_of(client.application).journal.writer
    assert writer
    trial = trial_of(ask(reader, HER_USAGE))
    wait_until(lambda: client.get(f"/v1/decisions/{trial}").status_code == 200)
    assert len(client.get("/v1/decisions").get_json()["decisions"]) == 1


def test_no_shadow_policy_is_told_of_a_trial(make_client: MakeClient) -> None:
    client = make_client()
    told: list[object] = []
    parts_of(client.application).journal.tells(told.append)
    ask(with_book(signed_in(client)), HER_USAGE)
    assert told == []
    client.post("/v1/decide", json=question("mary.jones", "view_bills", CUSTOMER))
    assert len(told) == 1


def test_while_the_policy_is_being_read_nothing_is_asked(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine(lambda _: answer(allow=True))
    reader = signed_in(make_client(engine=engine))
    key = form_key(reader)
    asked = engine.asked
    monkeypatch.setattr(Shelf, "open", Mock(side_effect=PolicyBeingRead("It is being read.")))
    response = reader.post("/ask", data={"form_key": key, **HER_USAGE})
    assert (response.status_code, "One moment" in response.text) == (503, True)
    assert engine.asked == asked


def test_where_the_journal_is_off_it_is_answered_and_said_that_nothing_is_kept(make_client: MakeClient) -> None:
    reader = with_book(signed_in(make_client(journal=Durability.OFF)))
    assert "The journal is off, so the trial is not kept." in said(ask(reader, HER_USAGE))


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ({}, {"person", "action", "thing"}),
        (HER_USAGE | {"channel": "telephone"}, {"channel"}),
        (HER_USAGE | {"person": " "}, {"person"}),
    ],
)
def test_all_that_is_wrong_is_told_at_once(reader: FlaskClient, form: dict[str, str], wrong: set[str]) -> None:
    response = ask(reader, form)
    assert response.status_code == 400
    assert set(re.findall(r'aria-describedby="fault-(\w+)"', response.text)) == wrong
    assert "Nothing was asked." in response.text


def test_reasons_are_in_the_language_that_was_chosen(reader: FlaskClient) -> None:
    text = ask(reader, HER_USAGE | {"lang": "fr"}).text
    assert '<p class="message" lang="fr">“Ce numéro de mobile est le vôtre' in text


def test_a_form_from_elsewhere_is_refused(reader: FlaskClient) -> None:
    response = reader.post("/ask", data=HER_USAGE)
    assert response.status_code == 403


def test_where_the_policy_cannot_be_asked_there_is_no_answer(make_client: MakeClient) -> None:
    engine = FakeEngine(lambda _: answer(allow=True))
    reader = with_book(signed_in(make_client(engine=engine)))
    key = form_key(reader, "/ask")
    engine.go_down()
    response = reader.post("/ask", data={"form_key": key, **HER_USAGE})
    assert response.status_code == 503
    assert "This cannot be told now" in response.text


def test_an_answer_of_another_policy_than_the_pages_tell_of_is_not_explained_by_theirs(make_client: MakeClient) -> None:
    reader = with_book(signed_in(make_client(engine=FakeEngine(lambda _: answer(allow=True)))))
    text = said(ask(reader, HER_USAGE))
    assert "✓ Yes." in text
    assert "its rules cannot be told now" in text
    assert "Rules that fired" not in text
