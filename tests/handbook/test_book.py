"""A book is of one policy: its facts, rules, promises and cases come together by the ids that they cite."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from authz_service.errors import PolicyNotReadable
from authz_service.handbook.book import Book, Sources, read_book
from authz_service.handbook.handbook import Article
from authz_service.handbook.shelf import Shelf
from authz_service.opa.regal import requirement_ids

Edit = Callable[[str, str, str], None]


@pytest.fixture(scope="module")
def book(policies: Path) -> Book:
    return read_book(Sources(policies, None))


@pytest.fixture
def folder(policies: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(policies, tmp_path / "policies"))


@pytest.fixture
def edit(folder: Path) -> Edit:
    def edit(file: str, before: str, after: str) -> None:
        text = (folder / file).read_text()
        assert before in text
        (folder / file).write_text(text.replace(before, after, 1))

    return edit


def articles(book: Book) -> dict[str, Article]:
    return {one.requirement.id: one for chapter in book.handbook.chapters for one in chapter.articles}


def test_it_has_every_fact_and_reading_in_order(book: Book, policies: Path) -> None:
    assert list(articles(book)) == requirement_ids(policies / "requirements.yaml")
    assert [chapter.title for chapter in book.handbook.chapters][:2] == ["Roles", "What the administrator alone may do"]


def test_a_rule_is_told_once_and_referred_to_from_the_other_facts_that_it_cites(book: Book) -> None:
    told = [rule.code for one in articles(book).values() for rule in one.rules]
    assert len(told) == len(set(told))
    assert "not_own_mobile" in [rule.code for rule in articles(book)["USER-1"].rules]
    assert "not_own_mobile" in [rule.code for rule in articles(book)["USER-2"].see]
    assert book.handbook.homes["not_own_mobile"] == "USER-1"


def test_a_rule_has_its_rego_as_it_is_written_and_its_place(book: Book, policies: Path) -> None:
    rule = book.rules["has_mobile_on_bill"]
    assert rule.rego.count("has_mobile_on_bill if input.") == 2
    lines = (policies / rule.file).read_text().splitlines()
    assert lines[rule.line - 1] == rule.rego.splitlines()[0]


def test_every_fact_has_a_promise_that_holds_and_most_have_cases(book: Book) -> None:
    for one in articles(book).values():
        assert one.promises
        assert [shown.broken_in for shown in one.promises] == [0] * len(one.promises)
    assert "Mary, a user, sees the usage of her own mobile" in [case.name for case in articles(book)["USER-1"].cases]


def test_a_fact_without_a_rule_and_a_rule_without_a_fact_are_gaps(folder: Path, edit: Edit) -> None:
    edit("requirements.yaml", "readings:", "  ROLE-99: Everyone may sing.\nreadings:")
    edit("bundle/authz/roles/roles.rego", "cites: [ROLE-2]}", "cites: [ROLE-77]}")
    handbook = read_book(Sources(folder, None)).handbook
    assert [one.id for one in handbook.without_rule] == ["ROLE-99"]
    assert "is_linked" in [rule.code for rule in handbook.without_fact]


def test_a_helper_is_told_and_is_no_gap_until_it_cites_or_gives_a_reason(book: Book, folder: Path, edit: Edit) -> None:
    assert [rule.code for rule in book.handbook.helpers] == ["of"]
    assert book.handbook.gaps == 0
    edit("bundle/authz/roles/roles.rego", "cites: [ROLE-2]}", "cites: []}")
    handbook = read_book(Sources(folder, None)).handbook
    assert sorted(rule.code for rule in handbook.helpers) == ["is_linked", "of"]
    edit("bundle/authz/permissions/grants.rego", "cites: [USER-1]", "cites: []")
    handbook = read_book(Sources(folder, None)).handbook
    assert [rule.code for rule in handbook.without_fact] == ["own_mobile_usage"]


def test_a_broken_promise_is_told_with_how_many_situations_break_it(folder: Path, edit: Edit) -> None:
    edit(
        "bundle/authz/permissions/grants.rego",
        '	roles.is_user\n	is_own_mobile\n	input.action == "view_usage"',
        '	roles.is_user\n	input.action == "view_usage"',
    )
    edit(
        "bundle/authz/permissions/obstacles.rego",
        "	input.action in catalogue.actions.subscription\n	not is_own_mobile",
        "	input.action in catalogue.option_actions\n	not is_own_mobile",
    )
    broken = [shown for one in articles(read_book(Sources(folder, None))).values() for shown in one.promises]
    assert max(shown.broken_in for shown in broken) > 0


def test_a_shelf_reads_once_and_again_after_an_edit(folder: Path, edit: Edit) -> None:
    shelf = Shelf(Sources(folder, None))
    first = shelf.open()
    assert shelf.open() is first
    edit("requirements.yaml", "A user may do nothing else.", "A user may do nothing more.")
    assert articles(shelf.open().book)["USER-3"].requirement.text == "A user may do nothing more."


def test_a_shelf_keeps_the_book_from_before_a_broken_edit_and_tells_why(folder: Path, edit: Edit) -> None:
    shelf = Shelf(Sources(folder, None))
    before = shelf.open().book
    edit("bundle/authz/roles/roles.rego", "is_user if", "is_user iff")
    opened = shelf.open()
    assert opened.book is before
    assert "roles.rego:" in opened.faults[0]


@pytest.mark.parametrize("named", ["bundle.tar.gz", "missing"])
def test_without_a_policies_folder_the_operator_is_told_to_name_one(tmp_path: Path, named: str) -> None:
    (tmp_path / "bundle.tar.gz").write_bytes(b"")
    with pytest.raises(PolicyNotReadable, match="AUTHZ_POLICIES"):
        Shelf(Sources(tmp_path / named, None)).open()
