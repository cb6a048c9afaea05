"""Git tells since when a line is as it is; where it does not, nothing is claimed."""

import subprocess
from pathlib import Path

import pytest

from authz_service.handbook.history import History


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with three lines of one commit, the last changed by another, and a fourth not committed."""
    file = tmp_path / "rules.rego"
    _git(tmp_path, "init", "--quiet")
    for lines, day, subject in (("a\nb\nc\n", 1, "Write it"), ("a\nb\nd\n", 5, "Change the last")):
        file.write_text(lines)
        _git(tmp_path, "add", "rules.rego")
        _git(tmp_path, "commit", "--quiet", "--message", subject, day=day)
    file.write_text("a\nb\nd\nnew\n")
    return file


def test_lines_are_as_old_as_the_newest_of_them(file: Path) -> None:
    history = History()
    older, newer = history.last_change(file, 1, 2), history.last_change(file, 2, 3)
    assert older
    assert newer
    assert (older.on.day, older.subject) == (1, "Write it")
    assert (newer.on.day, newer.subject) == (5, "Change the last")
    assert older.revision != newer.revision


def test_of_lines_not_committed_nothing_is_claimed(file: Path) -> None:
    assert History().last_change(file, 3, 4) is None


def test_outside_a_repository_nothing_is_claimed(tmp_path: Path) -> None:
    (tmp_path / "rules.rego").write_text("a\n")
    assert History().last_change(tmp_path / "rules.rego", 1, 1) is None
    assert History().last_change(tmp_path / "missing.rego", 1, 1) is None


def _git(folder: Path, *arguments: str, day: int = 1) -> None:
    at = f"2026-11-{day:02}T12:00:00Z"
    environ = {"GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at, "HOME": str(folder), "PATH": "/usr/bin:/bin"}
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, env=environ, check=True)
