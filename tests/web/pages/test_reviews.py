"""Who may do what on a number today is shown, signed off, kept and compared."""

import csv
import json
import re
from collections.abc import Iterator
from html import unescape
from io import StringIO

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from werkzeug.test import TestResponse

from authz_service.reviews.csv_text import write_csv
from authz_service.reviews.kept import LONGEST_NOTE, get_review
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import access_reviews, journal_entries, people
from tests.conftest import BEARER
from tests.pdf import pages_of_pdf
from tests.processes import wait_until
from tests.web.conftest import MakeClient, database_of, parts_of
from tests.web.pages.reading import signed_in, with_book

SMITHS = "/customers/123456789"
SCRIPT = "<script>alert(1)</script>"
TAKES_OVER = {"person": "mary.jones", "channel": "web", "current_administrator_informed": True}


@pytest.fixture
def reviewer(make_client: MakeClient) -> FlaskClient:
    """A reader of a service of the test's own, over the Smith family."""
    return with_book(signed_in(make_client()))


def take_over(reviewer: FlaskClient) -> str:
    body: dict[str, str] = (
        reviewer.application.test_client()
        .post("/v1/customers/123456789/administrators", json=TAKES_OVER, headers=BEARER)
        .get_json()
    )
    return body["decision_id"]


def fields(page: str) -> dict[str, str]:
    """What the form of the page would send."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.partition('id="sign-off"')[2]))


def sign_off(reviewer: FlaskClient, note: str = "", **changes: str) -> TestResponse:
    sent = fields(reviewer.get(SMITHS).text) | {"note": note} | changes
    return reviewer.post(SMITHS, data=sent)


def entries(reviewer: FlaskClient) -> Iterator[dict[str, object]]:
    """What the journal has of reviews, from its files."""
    journal = parts_of(reviewer.application).journal
    assert journal.folder
    for path in journal.folder.rglob("*.journal"):
        for line in path.read_text().splitlines():
            if '"kind":"review"' in line:
                yield json.loads(line[line.index("{") :])


# looking


def test_everybody_stands_with_role_and_rights(reader: FlaskClient) -> None:
    page = unescape(reader.get(SMITHS).text)
    for said in ("Mary Jones", "mary.jones", "administrator", "only activate an option that is free", "mobile-2002"):
        assert said in page
    assert page.count("since the data was brought in") == 3
    assert "yes, with a mobile on the bill, having told the administrator, on the web site" in page


def test_the_answers_are_those_of_a_batch(reader: FlaskClient, smiths: FlaskClient) -> None:
    questions = [
        {
            "subject": {"type": "person", "id": person},
            "action": {"name": "view_usage"},
            "resource": {"type": "subscription", "id": thing},
        }
        for person in ("mary.jones", "tracy.smith", "philip.smith")
        for thing in ("mobile-2001", "mobile-2002", "mobile-2003", "internet-1001", "tv-1002")
    ]
    body = smiths.post("/access/v1/evaluations", json={"evaluations": questions}).get_json()
    allowed = sum(one["decision"] for one in body["evaluations"])
    table = reader.get(SMITHS).text.partition('id="subscriptions"')[2].partition("</table>")[0]
    shown = 0
    for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL):
        cells = re.findall(r'<td class="(permit|deny|condition|none)">', row)
        if cells and cells[0] == "permit":
            shown += row.count("<li>")
    assert shown == allowed == 7


def test_a_role_leads_to_the_decision_that_gave_it(reviewer: FlaskClient) -> None:
    decision = take_over(reviewer)
    page = reviewer.get(SMITHS).text
    assert page.count(f'href="/decisions/{decision}"') == 2
    assert page.count("since the data was brought in") == 1


def test_looking_is_one_entry_that_names_nobody(reviewer: FlaskClient) -> None:
    reviewer.get(SMITHS)
    reviewer.get("/customers/000")
    [entry] = entries(reviewer)
    assert entry["action"] == "review"
    asked = entry["asked"]
    assert isinstance(asked, dict)
    assert sum(asked.values()) == 3 * 12 + 3 * 5 * 5 - 3 * 2
    assert not any(named in json.dumps(entry) for named in ("123456789", "mary", "Smith"))


def test_a_number_is_asked_for(reader: FlaskClient) -> None:
    assert reader.get("/customers?number=123 456 789").headers["Location"] == SMITHS
    assert reader.get("/customers").status_code == 200
    assert "has digits only" in reader.get("/customers?number=Smith").text


@pytest.mark.parametrize("path", ["/customers/000", f"{SMITHS}/reviews/none", f"{SMITHS}/reviews/none.pdf"])
def test_what_there_is_not_is_told_on_a_page(reader: FlaskClient, path: str) -> None:
    response = reader.get(path)
    assert (response.status_code, response.mimetype) == (404, "text/html")


def test_a_part_says_that_it_is_one_and_a_part_without_people_too(reader: FlaskClient) -> None:
    part = reader.get(f"{SMITHS}?people_after=mary.jones").text
    assert "A part." in part
    assert "Mary Jones" not in part
    assert "There is nobody after zoe" in reader.get(f"{SMITHS}?people_after=zoe").text
    assert reader.get(f"{SMITHS}?people_after=%00&subscriptions_after=%00").status_code == 200


def test_a_name_with_a_script_stays_text(reviewer: FlaskClient) -> None:
    with writing(database_of(reviewer.application)) as connection:
        connection.execute(update(people).values(name=SCRIPT))
    sign_off(reviewer, SCRIPT)
    with writing(database_of(reviewer.application)) as connection:
        connection.execute(text("DELETE FROM subscriptions WHERE id = 'mobile-2003'"))
        connection.execute(text("DELETE FROM members WHERE person = 'tracy.smith'"))
    for page in (reviewer.get(SMITHS), sign_off(reviewer), reviewer.get(_latest(reviewer))):
        assert "<script" not in page.text
    assert "&lt;script&gt;" in reviewer.get(_latest(reviewer)).text


def _latest(reviewer: FlaskClient) -> str:
    with reading(database_of(reviewer.application)) as connection:
        review = connection.scalar(select(access_reviews.c.id).order_by(access_reviews.c.id.desc()).limit(1))
    return f"{SMITHS}/reviews/{review}"


# signing off


def test_a_review_is_kept_as_it_was_shown(reviewer: FlaskClient) -> None:
    response = sign_off(reviewer, "Looked at with Philip.\r\nAll is well.")
    assert response.status_code == 303
    take_over(reviewer)
    page = unescape(reviewer.get(response.headers["Location"]).text)
    for said in ("Looked at with Philip.\nAll is well.", "Reviewed by", "tests", "Philip Smith", "first review"):
        assert said in page
    assert page.count("since the data was brought in") == 3


def test_signing_off_is_an_entry_without_the_note_or_a_name(reviewer: FlaskClient) -> None:
    review = sign_off(reviewer, "Philip asked for it").headers["Location"].rpartition("/")[2]
    _wait_for_entry(reviewer, review)
    kept = [entry for entry in entries(reviewer) if entry["action"] == "sign_off"]
    assert [entry["id"] for entry in kept] == [review]
    assert kept[0]["caller"] == "tests"
    assert not any(named in json.dumps(kept) for named in ("123456789", "Philip", "philip"))
    assert "sealed" in reviewer.get(f"{SMITHS}/reviews/{review}").text


def test_a_review_that_was_changed_since_is_found_out(reviewer: FlaskClient) -> None:
    address = sign_off(reviewer, "as it was").headers["Location"]
    _wait_for_entry(reviewer, address.rpartition("/")[2])
    assert "not what was signed off" not in reviewer.get(address).text
    with reading(database_of(reviewer.application)) as connection:
        kept = dict(connection.execute(select(access_reviews)).mappings().one())
    more = kept["content"].replace('"-', '"+', 1)
    assert more != kept["content"]
    for change in ({"note": "as it never was"}, {"content": more}, {"reviewer": "somebody"}):
        with writing(database_of(reviewer.application)) as connection:
            connection.execute(update(access_reviews).values(change))
        assert "not what was signed off" in reviewer.get(address).text, change
        with writing(database_of(reviewer.application)) as connection:
            connection.execute(update(access_reviews).values(kept))
    assert "not what was signed off" not in reviewer.get(address).text


def _wait_for_entry(reviewer: FlaskClient, review: str) -> None:
    database = database_of(reviewer.application)

    def is_there() -> bool:
        with reading(database) as connection:
            return connection.scalar(select(journal_entries.c.id).where(journal_entries.c.id == review)) is not None

    wait_until(is_there)


def test_what_is_no_longer_so_is_not_signed_off(reviewer: FlaskClient) -> None:
    sent = fields(reviewer.get(SMITHS).text) | {"note": "kept <b>note</b>"}
    take_over(reviewer)
    response = reviewer.post(SMITHS, data=sent)
    assert response.status_code == 409
    assert "has changed" in response.text
    assert "kept &lt;b&gt;note&lt;/b&gt;" in response.text
    assert "Signed-off reviews" not in response.text
    again = fields(response.text) | {"note": ""}
    assert reviewer.post(SMITHS, data=again).status_code == 303


@pytest.mark.parametrize(
    ("note", "status"), [("x" * LONGEST_NOTE, 303), ("x" * (LONGEST_NOTE + 1), 400), ("a\0b", 400)]
)
def test_a_note_is_limited_plain_text(reviewer: FlaskClient, note: str, status: int) -> None:
    assert sign_off(reviewer, note).status_code == status


def test_only_a_form_of_ours_signs_off(reviewer: FlaskClient) -> None:
    assert sign_off(reviewer, form_key="wrong").status_code == 403
    assert "Signed-off reviews" not in reviewer.get(SMITHS).text


def test_the_next_review_says_what_has_changed_and_goes_on_saying_it(reviewer: FlaskClient) -> None:
    first = sign_off(reviewer).headers["Location"]
    assert "Nothing has changed." in reviewer.get(SMITHS).text
    take_over(reviewer)
    for page in (reviewer.get(SMITHS), reviewer.get(sign_off(reviewer).headers["Location"])):
        said = unescape(page.text)
        assert f'href="{first}"' in said
        assert "Mary Jones was user and is administrator." in said
        assert said.index("Mary Jones may now see the bills") < said.index("Philip Smith may no longer see the bills")
    assert "Nothing has changed." in reviewer.get(SMITHS).text


# taking along


def test_the_csv_has_a_line_for_each_answer(reviewer: FlaskClient) -> None:
    address = sign_off(reviewer).headers["Location"]
    response = reviewer.get(f"{address}.csv")
    assert response.mimetype == "text/csv"
    lines = list(csv.DictReader(StringIO(response.text)))
    assert len(lines) == 3 * 12 + 3 * 5 * 5 - 3 * 2
    answers = {(line["person"], line["resource"], line["action"], line["option"]): line["answer"] for line in lines}
    assert answers["mary.jones", "mobile-2002", "activate_option", "free"] == "yes"
    assert answers["mary.jones", "mobile-2002", "activate_option", "paid"] == "no"
    assert answers["philip.smith", "123456789", "view_bills", ""] == "yes"
    assert {line["reviewed_by"] for line in lines} == {"tests"}


def test_a_spreadsheet_takes_nothing_for_a_formula(reviewer: FlaskClient) -> None:
    database = database_of(reviewer.application)
    with writing(database) as connection:
        connection.execute(update(people).values(name="=cmd|' /C calc'!A0"))
    review = sign_off(reviewer).headers["Location"].rpartition("/")[2]
    lines = list(csv.DictReader(StringIO(write_csv(get_review(database, "123456789", review)))))
    assert {line["name"] for line in lines} == {"'=cmd|' /C calc'!A0"}


def test_the_pdf_says_what_the_page_says_and_is_the_same_each_time(reviewer: FlaskClient) -> None:
    with writing(database_of(reviewer.application)) as connection:
        connection.execute(update(people).where(people.c.id == "mary.jones").values(name="Μαρία Джонс Łoś"))
    sign_off(reviewer)
    take_over(reviewer)
    address = sign_off(reviewer, "seen").headers["Location"]
    response = reviewer.get(f"{address}.pdf")
    assert response.mimetype == "application/pdf"
    assert response.data == reviewer.get(f"{address}.pdf").data
    said = " ".join("\n".join(pages_of_pdf(response.data)).split())
    for words in (
        "Μαρία Джонс Łoś",
        "mobile-2002",
        "only activate an option that is free",
        "seen",
        "may no longer see the bills",
    ):
        assert words in said
    assert address.rpartition("/")[2] in said


def test_the_matrix_is_one_sheet(reader: FlaskClient) -> None:
    response = reader.get("/matrix.pdf")
    [page] = pages_of_pdf(response.data)
    for words in ("See the usage", "◐ right code (4)", "✓ yes", "✗ no", "28,248"):
        assert words in page
    assert response.data == reader.get("/matrix.pdf").data
