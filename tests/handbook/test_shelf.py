"""A shelf has the book read elsewhere, once, and nobody waits for long."""

import threading
from pathlib import Path

import pytest

from authz_service.errors import PolicyBeingRead, PolicyNotReadable
from authz_service.handbook import apart
from authz_service.handbook import shelf as shelf_module
from authz_service.handbook.book import Sources
from authz_service.handbook.shelf import Opened, Shelf
from tests.handbook.conftest import Edit
from tests.processes import wait_until

READ_WITHIN_SECONDS = 60.0


def settled(shelf: Shelf) -> Opened:
    """What is opened once nothing is being read."""

    def is_settled() -> bool:
        try:
            return not shelf.open().is_being_renewed
        except PolicyBeingRead:
            return False

    wait_until(is_settled, READ_WITHIN_SECONDS)
    return shelf.open()


def texts(opened: Opened) -> str:
    chapters = opened.book.handbook.chapters
    return " ".join(one.requirement.text for chapter in chapters for one in chapter.articles)


def test_it_reads_once_and_has_the_book_from_before_at_hand_while_an_edit_is_read(folder: Path, edit: Edit) -> None:
    shelf = Shelf(Sources(folder, None))
    first = settled(shelf)
    assert shelf.open() is first
    edit("requirements.yaml", "A user may do nothing else.", "A user may do nothing more.")
    meanwhile = shelf.open()
    assert (meanwhile.book, meanwhile.is_being_renewed) == (first.book, True)
    assert "nothing more" in texts(settled(shelf))


def test_it_keeps_the_book_from_before_a_broken_edit_and_tells_why(folder: Path, edit: Edit) -> None:
    shelf = Shelf(Sources(folder, None))
    before = settled(shelf).book
    edit("bundle/authz/roles/roles.rego", "is_user if", "is_user iff")
    opened = settled(shelf)
    assert opened.book is before
    assert "roles.rego:" in opened.faults[0]


def test_few_wait_for_the_first_book_and_the_others_are_told_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf_module, "_PATIENCE_SECONDS", READ_WITHIN_SECONDS)
    shelf = Shelf(Sources(folder, None))
    waited: list[Opened] = []
    waiting = [threading.Thread(target=lambda: waited.append(shelf.open())) for _ in range(2)]
    for thread in waiting:
        thread.start()
    wait_until(lambda: not apart._WAITING._value)  # noqa: SLF001 - that both wait is nowhere else to be seen
    with pytest.raises(PolicyBeingRead):
        shelf.open()
    assert waited == []
    for thread in waiting:
        thread.join(READ_WITHIN_SECONDS)
    assert [one.book is shelf.open().book for one in waited] == [True, True]


@pytest.mark.parametrize(
    ("named", "said"),
    [("bundle.tar.gz", "bundle.tar.gz: "), ("missing", "name a policies folder or a bundle in")],
)
def test_where_nothing_can_be_read_the_operator_is_told_to_name_it(tmp_path: Path, named: str, said: str) -> None:
    (tmp_path / "bundle.tar.gz").write_bytes(b"")
    with pytest.raises(PolicyNotReadable, match=said):
        settled(Shelf(Sources(tmp_path / named, None)))
