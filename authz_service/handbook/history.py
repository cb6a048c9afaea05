"""Since when a line of a policies folder is as it is, as git knows it."""

import subprocess
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple


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


_NOT_COMMITTED = "0" * 40
_SHOWN = 10


class History:
    """When lines changed last; empty where git keeps no history of the folder."""

    def __init__(self) -> None:
        self._lines: dict[Path, list[Change | None]] = {}

    def last_change(self, file: Path, first: int, last: int) -> Change | None:
        """The newest change of some lines, counted from 1; None where git does not know all of them."""
        if file not in self._lines:
            self._lines[file] = _blame(file)
        changes = self._lines[file][max(first, 1) - 1 : last]
        known = [change for change in changes if change]
        return max(known, key=lambda change: change.on) if known and len(known) == len(changes) else None


def newest(changes: Sequence[Change | None]) -> Change | None:
    """The newest of some changes."""
    return max((change for change in changes if change), key=lambda change: change.on, default=None)


def _blame(file: Path) -> list[Change | None]:
    blame = ["git", "-C", str(file.parent), "blame", "--porcelain", "--", file.name]
    try:
        done = subprocess.run(blame, capture_output=True, encoding="utf-8", errors="replace", check=False)  # noqa: S603 - git with words of ours and a path, and no shell reads them
    except OSError:
        return []
    return _read(done.stdout) if done.returncode == 0 else []


def _read(porcelain: str) -> list[Change | None]:
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
    changes = {commit: None if commit == _NOT_COMMITTED else _change(commit, of) for commit, of in said.items()}
    return [changes[commit] for commit in commits]


def _change(commit: str, said: dict[str, str]) -> Change:
    on = datetime.fromtimestamp(int(said["committer-time"]), UTC).date()
    return Change(commit[:_SHOWN], on, said["summary"])
