import os
from collections.abc import Callable
from pathlib import Path

import pytest

from authz_service.fingerprint import fingerprint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files, one of them in a folder within."""
    folder = tmp_path / "policies"
    (folder / "authz").mkdir(parents=True)
    (folder / "README.md").write_text("What is here")
    (folder / "authz" / "a.rego").write_text("package a")
    return folder


def _replaced(file: Path) -> None:
    """Another file of the same size and age in its place."""
    state = file.stat()
    new = file.with_suffix(".new")
    new.write_bytes(file.read_bytes())
    os.utime(new, ns=(state.st_atime_ns, state.st_mtime_ns))
    new.replace(file)


@pytest.mark.parametrize(
    "edit",
    [
        lambda folder: (folder / "authz" / "a.rego").write_text("package b, longer"),
        lambda folder: os.utime(folder / "README.md", (1, 1)),
        lambda folder: _replaced(folder / "authz" / "a.rego"),
        lambda folder: (folder / "authz" / "a.rego").rename(folder / "authz" / "b.rego"),
        lambda folder: (folder / "authz" / "b.rego").touch(),
        lambda folder: (folder / "authz" / "a.rego").unlink(),
        lambda folder: (folder / "authz").rename(folder.parent / "elsewhere"),
    ],
    ids=["content", "time", "replaced", "renamed", "added", "deleted", "folder"],
)
def test_every_edit_changes_the_fingerprint(folder: Path, edit: Callable[[Path], object]) -> None:
    before = fingerprint([folder])
    assert fingerprint([folder]) == before
    edit(folder)
    assert fingerprint([folder]) != before


def test_a_link_set_to_another_folder_changes_it(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "README.md").write_text("What is here")
    link = tmp_path / "current"
    link.symlink_to(folder)
    before = fingerprint([link])
    assert {Path(path).name for path, *_ in before} == {"README.md", "a.rego"}
    link.unlink()
    link.symlink_to(other)
    assert fingerprint([link]) != before


def test_of_a_file_it_is_that_and_of_what_is_not_there_nothing(folder: Path, tmp_path: Path) -> None:
    file = folder / "README.md"
    assert [path for path, *_ in fingerprint([file, tmp_path / "nowhere"])] == [str(file)]


def test_links_that_lead_nowhere_or_in_a_circle_stop_nothing(folder: Path) -> None:
    (folder / ".#a.rego").symlink_to("nobody@nowhere")
    (folder / "authz" / "circle").symlink_to("circle")
    (folder / "authz" / "up").symlink_to(folder)
    names = {Path(path).name for path, *_ in fingerprint([folder])}
    assert names == {"README.md", "a.rego"}
