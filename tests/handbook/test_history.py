"""Git tells since when a line is as it is; where it does not, nothing is claimed."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from authz_service.handbook.history import Change, History, record

FILE = Path("bundle/rules.rego")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One with a file: three lines of one commit, the last changed by another, and a fourth not committed."""
    folder = tmp_path / "policies"
    file = folder / FILE
    file.parent.mkdir(parents=True)
    _git(folder, "init", "--quiet")
    for lines, day, subject in (("a\nb\nc\n", 1, "Write it"), ("a\nb\nd\n", 5, "Change the last")):
        file.write_text(lines)
        _git(folder, "add", str(FILE))
        _git(folder, "commit", "--quiet", "--message", subject, day=day)
    file.write_text("a\nb\nd\nnew\n")
    return folder


def test_lines_are_as_old_as_the_newest_of_them(folder: Path) -> None:
    history = History(folder)
    older, newer = history.last_change(FILE, 1, 2), history.last_change(FILE, 2, 3)
    assert older
    assert newer
    assert (older.on.day, older.subject) == (1, "Write it")
    assert (newer.on.day, newer.subject) == (5, "Change the last")
    assert older.revision != newer.revision


def test_of_lines_not_committed_nothing_is_claimed(folder: Path) -> None:
    assert History(folder).last_change(FILE, 3, 4) is None


def test_outside_a_repository_nothing_is_claimed(tmp_path: Path) -> None:
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_text("a\n")
    assert History(tmp_path).last_change(FILE, 1, 1) is None
    assert History(tmp_path).last_change(Path("bundle/missing.rego"), 1, 1) is None
    assert record(tmp_path) == {}


def test_what_is_recorded_tells_the_same_as_git(folder: Path) -> None:
    written: dict[str, Any] = json.loads(json.dumps(record(folder)))
    git, recorded = History(folder), History(Path("/nowhere"), written)
    for first, last in ((1, 1), (1, 3), (2, 2), (3, 3), (3, 4), (4, 4), (5, 6)):
        assert recorded.last_change(FILE, first, last) == git.last_change(FILE, first, last)
    assert [count for _, count in written["lines"][str(FILE)]] == [2, 1, 1]
    assert written == record(folder)


def test_where_the_past_was_not_fetched_nothing_is_claimed_of_what_is_older(folder: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    _git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{folder}", str(clone))
    assert History(clone).last_change(FILE, 1, 3) is None
    changed = (clone / FILE).read_text().replace("a\n", "A\n")
    (clone / FILE).write_text(changed)
    _git(clone, "commit", "--quiet", "--all", "--message", "Write it large", day=9)
    assert History(clone).last_change(FILE, 2, 2) is None
    found = History(clone).last_change(FILE, 1, 1)
    assert isinstance(found, Change)
    assert found.subject == "Write it large"


def _git(folder: Path, *arguments: str, day: int = 1) -> None:
    at = f"2026-11-{day:02}T12:00:00Z"
    environ = {"GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at, "HOME": str(folder), "PATH": "/usr/bin:/bin"}
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, env=environ, check=True)
