"""The journal as pages: found again, told in a sentence, proven, and set beside what would be said today."""

import csv
import io
import json
import re
from collections.abc import Callable
from functools import partial
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from authz_service.journal.exporting import COLUMNS
from authz_service.journal.proof import check_proof
from authz_service.storage.database import writing
from authz_service.storage.schema import journal_entries
from authz_service.words import EntryKind
from tests.fakes.engine import FakeEngine, answer
from tests.processes import wait_until
from tests.web.asking import CUSTOMER, question
from tests.web.conftest import MakeClient, database_of, parts_of
from tests.web.pages.reading import signed_in, with_book
from tests.web.test_docs import Page

HER_USAGE = question("mary.jones", "view_usage", "mobile-2002", channel="app")
BILLS = question("mary.jones", "view_bills", CUSTOMER)
NOWHERE = "01M8AP7ACYZB5DBZ9GTCDH1AYP"


@pytest.fixture
def decide(smiths: FlaskClient) -> Callable[..., str]:
    """Asks as a program does, and returns the id once the page has it."""

    def decide(body: dict[str, object], path: str = "/v1/decide") -> str:
        decision_id = smiths.post(path, json=body).headers["Decision-Id"]
        writer = parts_of(smiths.application).journal.writer
        assert writer
        wait_until(lambda: is_kept(smiths, decision_id))
        return decision_id

    return decide


def is_kept(client: FlaskClient, decision_id: str) -> bool:
    found = client.get("/v1/decisions?limit=50").get_json()["decisions"]
    return any(one["id"].startswith(decision_id) for one in found)


def text_of(reader: FlaskClient, path: str) -> str:
    """What a page says, on one line and without its tags."""
    response = reader.get(path)
    assert response.status_code == 200, response.text
    Page(response.text)
    main = response.text.partition("<main")[2].partition("</main>")[0]
    main = main.replace("</dt>", " ")
    return " ".join(unescape(re.sub(r"<[^>]+>", "", main.partition(">")[2])).split())


def rows_of(text: str) -> list[str]:
    """The ids of the rows of a page, in their order."""
    return re.findall(r'<td><a href="/decisions/([^"]+)"', text)


def has_rows(reader: FlaskClient, path: str) -> bool:
    return bool(rows_of(reader.get(path).text))


def proven(reader: FlaskClient, decision_id: str) -> None:
    """Returns as soon as the block of the decision is signed."""
    wait_until(lambda: reader.get(f"/decisions/{decision_id}/proof").status_code == 200)


# searching


def test_a_decision_is_a_row_with_its_sentence_its_answer_and_its_reasons(
    reader: FlaskClient, decide: Callable[..., str]
) -> None:
    decision_id = decide(BILLS)
    text = reader.get(f"/decisions?person=mary.jones&action=view_bills&customer={CUSTOMER}").text
    row = next(row for row in text.split("<tr>") if decision_id in row)
    assert "A user may not see the bills" in row
    assert '<span class="answer deny"><span aria-hidden="true">✗</span> no</span>' in row
    assert 'href="/#USER-3"' in row
    assert "mary.jones" in row, "who is asked for is named as it was entered"
    assert "~" in next(row for row in reader.get("/decisions").text.split("<tr>") if decision_id in row)


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("person=mary.jones", True),
        ("person=philip.smith", False),
        (f"customer={CUSTOMER}", True),
        ("customer=1", False),
        ("action=view_usage", True),
        ("action=view_bills", False),
        ("answer=permit", True),
        ("answer=deny", False),
        ("revision={revision}", True),
        ("revision=cfa3", False),
        ("from=2026-01-01", True),
        ("to=2026-01-01T12:00", False),
        ("kind=decision", True),
        ("kind=trial", False),
        ("kind=everything", True),
    ],
)
def test_it_is_found_by_each_condition(
    reader: FlaskClient, decide: Callable[..., str], query: str, *, is_found: bool
) -> None:
    decision_id = decide(HER_USAGE)
    revision = reader.application.extensions["authz_service"].watch._memory.revision  # noqa: SLF001 - as it is in force
    text = reader.get("/decisions?" + query.format(revision=revision)).text
    assert (decision_id in rows_of(text)) is is_found


def test_a_pseudonym_is_a_name_too(reader: FlaskClient, decide: Callable[..., str]) -> None:
    decision_id = decide(HER_USAGE)
    pseudonyms = parts_of(reader.application).journal.pseudonyms
    text = reader.get("/decisions", query_string={"person": pseudonyms.of("person", "mary.jones")}).text
    assert decision_id in rows_of(text)


def test_pages_lead_from_the_newest_to_the_oldest_and_back(make_client: MakeClient) -> None:
    client = make_client()
    reader = with_book(signed_in(client))
    body = HER_USAGE | {"evaluations": [{}] * 120}
    call = client.post("/access/v1/evaluations", json=body).headers["Decision-Id"]
    wait_until(lambda: is_kept(client, f"{call}.119"))
    everything = [f"{call}.{item}" for item in range(119, -1, -1)]
    pages, address = [], "/decisions"
    while address:
        text = reader.get(address).text
        pages.append(rows_of(text))
        address = _linked(text, "next")
    assert [len(page) for page in pages] == [50, 50, 20]
    assert [one for page in pages for one in page] == everything
    back = reader.get(_linked(text, "prev")).text
    assert rows_of(back) == pages[1]
    assert rows_of(reader.get(_linked(back, "prev")).text) == pages[0]
    assert rows_of(reader.get(_linked(back, "next")).text) == pages[2]


def _linked(text: str, rel: str) -> str:
    found = re.search(rf'<a rel="{rel}" href="([^"]+)"', text)
    return unescape(found[1]) if found else ""


def test_all_that_is_wrong_in_the_form_is_told_at_once_beside_what_was_typed(reader: FlaskClient) -> None:
    response = reader.get("/decisions?from=yesterday&to=tomorrow&answer=perhaps&kind=song&person=%00")
    assert response.status_code == 400
    assert set(re.findall(r'aria-describedby="fault-(\w+)"', response.text)) == {
        "since", "until", "answer", "kind", "person",
    }  # fmt: skip
    assert 'value="yesterday"' in response.text
    assert "such as 2026-11-23 or 2026-11-23T22:00" in response.text


def test_an_end_before_the_beginning_is_told(reader: FlaskClient) -> None:
    response = reader.get("/decisions?from=2026-02-01&to=2026-01-01")
    assert response.status_code == 400
    assert "has to be later than the beginning" in response.text


def test_where_nothing_fits_it_says_what_to_do(reader: FlaskClient) -> None:
    assert "Nothing in the journal is like that" in text_of(reader, "/decisions?person=nobody.ever")


def test_a_search_that_has_looked_far_says_how_far_and_goes_on_from_there(
    reader: FlaskClient, decide: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authz_service.web.pages.decisions._LOOKED_AT", 1)
    monkeypatch.setattr("authz_service.journal.queries._ENTRIES_AT_ONCE", 1)
    decision_id = decide(HER_USAGE)
    path, pages = "/decisions?kind=decision", []
    while path:
        pages.append(reader.get(path).text)
        [*_, path] = [href for href in Page(pages[-1]).values_of("href") if "cursor=" in href] or [""]
    assert decision_id in [each for page in pages for each in rows_of(page)]
    assert re.search(r"Looked as far as .* UTC.*: nothing (more )?like that\.", pages[0], re.DOTALL)


def test_a_name_of_markup_stays_text(reader: FlaskClient) -> None:
    text = reader.get("/decisions", query_string={"person": "<script>alert(1)</script>", "action": "<b>"}).text
    assert "<script>" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;" in text


def test_a_cursor_that_is_none_leads_to_the_beginning(reader: FlaskClient, decide: Callable[..., str]) -> None:
    decision_id = decide(HER_USAGE)
    assert decision_id in rows_of(reader.get("/decisions?cursor=x").text)


def test_the_csv_has_what_the_search_finds(reader: FlaskClient, decide: Callable[..., str]) -> None:
    decision_id = decide(BILLS)
    page = reader.get("/decisions?person=mary.jones&action=view_bills").text
    [address] = [href for href in Page(page).values_of("href") if href.startswith("/decisions.csv")]
    response = reader.get(address)
    assert response.mimetype == "text/csv"
    head, *lines = csv.reader(io.StringIO(response.text))
    assert head == list(COLUMNS)
    found = [dict(zip(head, line, strict=True)) for line in lines]
    assert decision_id in {one["id"] for one in found}
    assert {one["action"] for one in found} == {"view_bills"}


def test_the_id_of_a_decision_leads_to_it(reader: FlaskClient, decide: Callable[..., str]) -> None:
    decision_id = decide(BILLS)
    response = reader.get(f"/decisions?id={decision_id}")
    assert (response.status_code, response.headers["Location"]) == (303, f"/decisions/{decision_id}")


# one decision


def test_a_decision_reads_as_a_sentence_with_facts_reasons_and_proof(
    reader: FlaskClient, decide: Callable[..., str]
) -> None:
    decision_id = decide(HER_USAGE)
    proven(reader, decision_id)
    text = text_of(reader, f"/decisions/{decision_id}")
    assert "A user may see the usage of a mobile that is his or her own" in text
    assert "✓ Yes, so it was answered." in text
    assert "“This mobile is your own, so you may see its usage.”" in text
    assert "channel app Where the person is: on the web site, in the app, or not said." in text
    assert "= The same: ✓ yes, for the same reasons." in text
    assert "✓ No, the proof holds." in text
    assert "mary.jones" not in text


@pytest.mark.parametrize(
    ("query", "header", "said"),
    [
        ("?lang=nl", "de", "Dit is uw eigen mobiele nummer"),
        ("?lang=fr", "", "le vôtre"),
        ("", "de-BE,de;q=0.9", "Ihr"),
        ("?lang=xx", "", "This mobile is your own"),
    ],
)
def test_reasons_are_told_in_the_language_that_the_reader_chooses(
    reader: FlaskClient, decide: Callable[..., str], query: str, header: str, said: str
) -> None:
    decision_id = decide(HER_USAGE)
    text = reader.get(f"/decisions/{decision_id}{query}", headers={"Accept-Language": header}).text
    [message] = re.findall(r'<p class="message" lang="\w\w">([^<]+)</p>', text)
    assert said in unescape(message)


def test_the_proof_is_a_file_that_is_checked_with_the_public_key_alone(
    reader: FlaskClient, decide: Callable[..., str]
) -> None:
    decision_id = decide(HER_USAGE)
    proven(reader, decision_id)
    response = reader.get(f"/decisions/{decision_id}/proof")
    assert response.headers["Content-Disposition"] == f'attachment; filename="proof-{decision_id}.json"'
    writer = parts_of(reader.application).journal.writer
    assert writer
    proof = json.loads(response.text)
    assert check_proof(proof, [writer.public_key]).key in reader.get(f"/decisions/{decision_id}").text
    assert json.loads(proof["entry"])["id"] == decision_id


def test_a_decision_that_somebody_has_changed_does_not_hold(make_client: MakeClient) -> None:
    client = make_client()
    reader = with_book(signed_in(client))
    decision_id = client.post("/v1/decide", json=BILLS).headers["Decision-Id"]
    wait_until(lambda: is_kept(client, decision_id))
    proven(reader, decision_id)
    entry = journal_entries.c.id == decision_id
    database = database_of(client.application)
    with writing(database) as connection:
        body = json.loads(str(connection.execute(journal_entries.select().where(entry)).one().body))
        forged = json.dumps(body | {"answer": "permit"}, separators=(",", ":"))
        connection.execute(update(journal_entries).where(entry).values(body=forged))
    text = text_of(reader, f"/decisions/{decision_id}")
    assert "✗ Yes, or its journal is damaged." in text
    assert "The proof does not hold: the entry is not in the signed block" in text


def test_a_block_that_is_not_signed_yet_is_told_as_that(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authz_service.journal.writer.Writer._close_block", lambda _: None)
    client = make_client()
    reader = with_book(signed_in(client))
    decision_id = client.post("/v1/decide", json=BILLS).headers["Decision-Id"]
    wait_until(lambda: is_kept(client, decision_id))
    assert "It cannot be told yet." in text_of(reader, f"/decisions/{decision_id}")


def test_a_block_of_another_key_is_told_as_that(make_client: MakeClient, tmp_path: Path) -> None:
    client = make_client(journal_folder=tmp_path / "first")
    decision_id = client.post("/v1/decide", json=BILLS).headers["Decision-Id"]
    wait_until(lambda: is_kept(client, decision_id))
    wait_until(lambda: client.get(f"/v1/decisions/{decision_id}/proof").status_code == 200)
    reader = with_book(signed_in(make_client(journal_folder=tmp_path / "second")))
    assert "signed by a key that this service does not sign with" in text_of(reader, f"/decisions/{decision_id}")


def test_what_todays_policy_would_answer_differently_is_told(make_client: MakeClient) -> None:
    engine = FakeEngine(lambda _: answer(allow=True))
    client = make_client(engine=engine)
    reader = with_book(signed_in(client))
    decision_id = client.post("/v1/decide", json=BILLS).headers["Decision-Id"]
    wait_until(lambda: is_kept(client, decision_id))
    engine.change_policy(lambda _: answer(allow=False), "second")
    wait_until(lambda: "≠ Another answer: ✗ no" in text_of(reader, f"/decisions/{decision_id}"))
    text = text_of(reader, f"/decisions/{decision_id}")
    assert "rule The policy of today has no such rule any more" in text
    assert "today second is in force" in text


def test_a_search_cannot_be_judged_again_and_says_so(reader: FlaskClient, decide: Callable[..., str]) -> None:
    decision_id = decide(HER_USAGE, "/access/v1/search/action")
    text = text_of(reader, f"/decisions/{decision_id}")
    assert "What may this person do with this? 1 found" in text
    assert "A search is many questions, and has no facts of its own." in text


def test_a_call_of_several_leads_to_its_decisions(reader: FlaskClient, decide: Callable[..., str]) -> None:
    call = decide(HER_USAGE | {"evaluations": [{}, {"resource": BILLS["resource"]}]}, "/access/v1/evaluations")
    text = reader.get(f"/decisions/{call}").text
    assert rows_of(text) == [f"{call}.0", f"{call}.1"]
    assert f'href="/decisions/{call}"' in reader.get(f"/decisions/{call}.1").text


@pytest.mark.parametrize("decision_id", [NOWHERE, f"{NOWHERE}.1", "x", "%3Cscript%3E"])
def test_a_decision_that_there_is_not_is_told_with_what_to_do(reader: FlaskClient, decision_id: str) -> None:
    response = reader.get(f"/decisions/{decision_id}")
    assert response.status_code == 404
    assert "There is no such decision" in response.text
    assert "<script>" not in response.text


def test_every_kind_of_entry_has_a_sentence_and_a_page(make_client: MakeClient) -> None:
    client = make_client()
    reader = with_book(signed_in(client))
    client.post("/v1/decide", json=BILLS)
    client.post("/access/v1/search/subject", json=BILLS)
    client.get("/v1/decisions", headers={"Authorization": "Bearer wrong"})
    client.delete("/v1/people/nobody")
    client.put("/v1/people/ann.other", json={"id": "ann.other", "name": "Ann", "email": "ann@example.org"})
    client.post(f"/v1/customers/{CUSTOMER}/administrators", json={"person": "mary.jones", "channel": "app"})
    expected = {
        EntryKind.DECISION: "A user may not see the bills",
        EntryKind.SEARCH: "Who may see the bills? 1 found",
        EntryKind.TAKE_OVER: "A user on a residential customer number",
        EntryKind.CHANGE: "Customer data was changed: ",
        EntryKind.POLICY: "came into force in a process",
        EntryKind.REFUSAL: "A caller without a valid token was refused at ",
    }
    for kind, sentence in expected.items():
        path = f"/decisions?kind={kind}"
        wait_until(partial(has_rows, reader, path))
        first = rows_of(reader.get(path).text)[0]
        if kind is not EntryKind.TAKE_OVER:
            assert sentence in text_of(reader, path)
        assert "Who and what" in text_of(reader, f"/decisions/{first}")


def test_whoever_has_not_signed_in_sees_nothing(smiths: FlaskClient) -> None:
    visitor = smiths.application.test_client()
    for path in ("/decisions", "/decisions.csv", f"/decisions/{NOWHERE}", f"/decisions/{NOWHERE}/proof"):
        assert visitor.get(path).status_code == 303
