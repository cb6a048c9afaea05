"""The matrix on a page says what `policy matrix` says, and each of its cells why."""

import re
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from authz_service.handbook.book import Book, Sources, read_book
from authz_service.policy.matrix import Answer
from authz_service.policy.matrix_texts import title_of_row, write_csv
from tests.web.test_docs import Page


@pytest.fixture(scope="module")
def book(policies: Path) -> Book:
    return read_book(Sources(policies, None))


def counts(text: str) -> dict[str, int]:
    """How many cells say what."""
    return {kind: len(re.findall(rf'<td class="{kind}">', text)) for kind in ("permit", "deny", "condition", "none")}


def test_it_has_every_cell_with_its_answer(reader: FlaskClient, book: Book) -> None:
    text = unescape(reader.get("/matrix").text)
    answers = [cell.answer for row in book.matrix.rows for cell in row.cells.values()]
    assert counts(text) == {
        "permit": answers.count(Answer.YES),
        "deny": answers.count(Answer.NO),
        "condition": answers.count(Answer.IF),
        "none": answers.count(Answer.DOES_NOT_APPLY),
    }
    assert all(title_of_row(row, book.phrases) in text for row in book.matrix.rows)


def test_every_answer_is_told_by_symbol_and_word_beside_its_colour(reader: FlaskClient) -> None:
    text = reader.get("/matrix").text
    for kind, symbol, word in (("permit", "✓", "yes"), ("deny", "✗", "no"), ("condition", "◐", r"[a-z ]+<small>")):
        said = rf'<td class="{kind}"><a [^>]*><span aria-hidden="true">{symbol}</span> {word}'
        assert len(re.findall(said, text)) == counts(text)[kind]


def test_a_cell_on_condition_says_it_in_a_few_words_with_the_number_of_the_whole(reader: FlaskClient) -> None:
    cells = re.findall(r'<td class="condition">.*?◐</span> ([^<]*)<small>.*?(\d)</small>', reader.get("/matrix").text)
    assert cells == [
        ("own mobile or activation code", "1"),
        ("activation code", "2"),
        ("own mobile or right code", "3"),
        ("right code", "4"),
    ]


def test_every_cell_has_a_page_that_its_link_leads_to(reader: FlaskClient, book: Book) -> None:
    hrefs = Page(reader.get("/matrix").text).values_of("href")
    linked = {href for href in hrefs if href.startswith("/matrix/") and href.count("/") == 3}
    assert len(linked) == sum(bool(place.cell.size) for place in book.cells.values())
    for row, column in book.cells:
        page = reader.get(f"/matrix/{row}/{column}")
        assert page.status_code == 200
        Page(page.text)


def test_a_cell_names_its_rules_and_facts_and_leads_to_them(reader: FlaskClient) -> None:
    text = reader.get("/matrix/view_usage-subscription/user-own-mobile").text
    assert 'href="/#rule-own_mobile_usage"' in text
    assert 'href="/#USER-1"' in text
    assert "Yes, in each of" in text


def test_a_cell_on_condition_tells_the_condition(reader: FlaskClient) -> None:
    text = reader.get("/matrix/become_administrator-is_take_over/user-everything-else").text
    assert "own mobile on the bill or right activation code" in text
    assert "replaced administrator told" in text
    assert "not in the app" in text


@pytest.mark.parametrize("path", ["/matrix/sing/user-own-mobile", "/matrix/view_usage-subscription/nobody", "/nowhere"])
def test_what_there_is_not_is_told_on_a_page(reader: FlaskClient, path: str) -> None:
    response = reader.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (response.status_code, response.mimetype) == (404, "text/html")
    assert "There is no such page" in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_the_csv_is_that_of_the_command(reader: FlaskClient, book: Book) -> None:
    response = reader.get("/matrix.csv")
    assert response.mimetype == "text/csv"
    assert response.text == write_csv(book.matrix, book.phrases)


@pytest.mark.parametrize(
    ("query", "kept", "gone"),
    [
        ("who=administrator", "Administrator", "Not linked</th>"),
        ("what=Usage", "see the usage", "see the bills"),
        ("answer=if", "become administrator", "see the bills"),
        ("who=not-linked&answer=yes", "No cell is like that.", "see the usage"),
        ("who=nobody", "see the bills", "No cell is like that."),
    ],
)
def test_it_is_filtered(reader: FlaskClient, query: str, kept: str, gone: str) -> None:
    text = reader.get(f"/matrix?{query}").text
    table = text[text.index("</form>", text.index("filters")) :].partition("What makes no difference")[0]
    assert kept.lower() in table.lower()
    assert gone.lower() not in table.lower()


def test_pages_are_not_left_behind_and_what_is_named_by_its_content_is_kept(reader: FlaskClient) -> None:
    page = reader.get("/matrix")
    assert page.headers["Cache-Control"] == "no-store"
    [style] = [href for href in Page(page.text).values_of("href") if ".css" in href]
    with reader.get(style) as response:
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
