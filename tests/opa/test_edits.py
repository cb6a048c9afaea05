from pathlib import Path

import pytest

from authz_service.opa.edits import Edits


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file in a folder."""
    (tmp_path / "README.md").write_text("What is here")
    return tmp_path


def test_an_edit_is_taken_once_and_when_nothing_moves_any_more(folder: Path) -> None:
    edits = Edits([folder])
    assert not edits.look()
    for number in range(3):
        (folder / "README.md").write_text("more" * number)
        assert not edits.look()
    assert [edits.look() for _ in range(3)] == [True, False, False]


def test_an_author_who_goes_on_and_on_does_not_put_an_edit_off_for_ever(folder: Path) -> None:
    edits = Edits([folder])
    taken = []
    for number in range(1, 21):
        (folder / "README.md").write_text("more" * number)
        taken.append(edits.look())
    assert taken == ([False] * 9 + [True]) * 2
