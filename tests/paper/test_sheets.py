"""Sheets have all text in letters that can be selected, and are the same where they say the same."""

import pytest

from authz_service.paper.sheets import Sheets, Story
from tests.pdf import pages_of_pdf


def a_file(words: str, *, lines: int = 1, on_one_page: bool = False) -> bytes:
    def tell(sheets: Sheets) -> Story:
        said = [[sheets.text(words)] for _ in range(lines)]
        return [*sheets.heading("A heading"), sheets.table([[sheets.text("Who")], *said], [1])]

    return Sheets("A title", "a foot").write(tell, on_one_page=on_one_page)


@pytest.mark.parametrize(
    "name",
    ["Łódź Ağrı Ștefan", "Ελένη Παπαδοπούλου", "Јелена Ћирић, Юрий Їжак", "✓ ✗ ◐ fi – “ß”"],  # noqa: RUF001 - as people write their names
)
def test_names_in_latin_greek_and_cyrillic_letters_can_be_selected(name: str) -> None:
    [page] = pages_of_pdf(a_file(name))
    assert name in page
    assert "U+" not in page


@pytest.mark.parametrize(
    ("name", "told"), [("中村", "[U+4E2D][U+6751]"), ("א", "[U+05D0]"), ("ب", "[U+0628]"), ("🙂", "[U+1F642]")]
)
def test_a_letter_that_cannot_be_shown_stands_as_its_number_and_that_is_said(name: str, told: str) -> None:
    [page] = pages_of_pdf(a_file(f"<b>{name}</b>"))
    assert f"<b>{told}</b>" in page
    assert "stand as their numbers in Unicode" in page


def test_an_accent_of_its_own_joins_its_letter() -> None:
    [page] = pages_of_pdf(a_file("Jose\N{COMBINING ACUTE ACCENT}"))
    assert "José" in page


def test_what_says_the_same_is_the_same_to_the_byte() -> None:
    assert a_file("Ann") == a_file("Ann")
    assert a_file("Ann") != a_file("Ben")


def test_every_page_has_its_number_and_the_heads_of_the_table() -> None:
    pages = pages_of_pdf(a_file("Ann", lines=150))
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
        assert "Who" in page
        assert "a foot" in page


def test_what_has_to_be_on_one_page_is() -> None:
    [page] = pages_of_pdf(a_file("Ann", lines=90, on_one_page=True))
    assert page.count("Ann") == 90
