"""Since when a line of a policies folder is as it is: as git knows it, or as it was put into a bundle."""

import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias


class Change(NamedTuple):
    """The commit that a text is from.

    Attributes:
        revision: The beginning of its id.
        on: Its day, in UTC.
        subject: What it says that it does.
    """

    revision: str
    on: date
    subject: str


_Lines: TypeAlias = list[Change | None]

_NOT_COMMITTED = "0" * 40
_SHOWN = 10
_BOUNDARY = "boundary"
_RECORDED = ("requirements.yaml", "bundle/**/*.rego")
_TESTS = "*_test.rego"


class History:
    """When lines changed last; empty where nothing is known of that.

    Args:
        folder: The policies folder.
        recorded: What was recorded of it; None to ask git.
    """

    def __init__(self, folder: Path, recorded: Mapping[str, Any] | None = None) -> None:
        self._folder = folder
        self._recorded = recorded
        self._lines: dict[Path, _Lines] = {}

    def last_change(self, file: Path, first: int, last: int) -> Change | None:
        """The newest change of some lines of a file of the folder, counted from 1; None where any is not known."""
        if file not in self._lines:
            self._lines[file] = _blame(self._folder / file) if self._recorded is None else _recall(self._recorded, file)
        changes = self._lines[file][max(first, 1) - 1 : last]
        known = [change for change in changes if change]
        return max(known, key=lambda change: change.on) if known and len(known) == len(changes) else None


def newest(changes: Sequence[Change | None]) -> Change | None:
    """The newest of some changes."""
    return max((change for change in changes if change), key=lambda change: change.on, default=None)


def record(policies: Path) -> dict[str, object]:
    """What git knows of the rules and facts of a folder, as JSON for its bundle; empty where it knows nothing.

    `lines` has for each file how many lines are from which commit, in their order; null for those not committed.
    """
    files = sorted(file for pattern in _RECORDED for file in policies.glob(pattern) if not file.match(_TESTS))
    changes = {file.relative_to(policies).as_posix(): _blame(file) for file in files}
    commits = {change.revision: change for of_file in changes.values() for change in of_file if change}
    if not commits:
        return {}
    return {
        "commits": {
            change.revision: {"on": change.on.isoformat(), "subject": change.subject}
            for _, change in sorted(commits.items())
        },
        "lines": {
            file: [[change and change.revision, len(list(lines))] for change, lines in groupby(of_file)]
            for file, of_file in changes.items()
        },
    }


def last_commit_at(folder: Path) -> int | None:
    """When the commit that is checked out was made, in seconds since 1970; None where git knows none."""
    said = _git(folder, "log", "-1", "--format=%ct").strip()
    return int(said) if said else None


def _recall(recorded: Mapping[str, Any], file: Path) -> _Lines:
    commits = {
        revision: Change(revision, date.fromisoformat(said["on"]), said["subject"])
        for revision, said in recorded.get("commits", {}).items()
    }
    runs = recorded.get("lines", {}).get(file.as_posix(), ())
    return [commits.get(revision) for revision, count in runs for _ in range(count)]


def _blame(file: Path) -> _Lines:
    porcelain = _git(file.parent, "blame", "--porcelain", "--", file.name)
    is_shallow = _BOUNDARY in porcelain and "true" in _git(file.parent, "rev-parse", "--is-shallow-repository")
    return _read(porcelain, is_shallow=is_shallow)


def _git(folder: Path, *arguments: str) -> str:
    """What git says; nothing where it cannot."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)  # noqa: S603 - git with words of ours and a path, and no shell reads them
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def _read(porcelain: str, *, is_shallow: bool) -> _Lines:
    """What `git blame --porcelain` prints: about a commit once, then its id before each of its lines."""
    said: dict[str, dict[str, str]] = {}
    commits: list[str] = []
    commit = ""
    for line in porcelain.splitlines():
        if line.startswith("\t"):
            commits.append(commit)
            continue
        name, _, value = line.partition(" ")
        if len(name) == len(_NOT_COMMITTED) and value[:1].isdigit():
            commit = name
            said.setdefault(commit, {})
        else:
            said[commit][name] = value
    changes = {commit: _change(commit, of, is_shallow=is_shallow) for commit, of in said.items()}
    return [changes[commit] for commit in commits]


def _change(commit: str, said: Mapping[str, str], *, is_shallow: bool) -> Change | None:
    # Where the past was not fetched, the oldest commit there is gets all that is older.
    if commit == _NOT_COMMITTED or (is_shallow and _BOUNDARY in said):
        return None
    on = datetime.fromtimestamp(int(said["committer-time"]), UTC).date()
    return Change(commit[:_SHOWN], on, said["summary"])
