"""`policy watch` as a process of its own, in a folder that an author edits."""

import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_PATIENCE_SECONDS = 120.0
_ROUND = re.compile(r"\d\d:\d\d:\d\d policies")
_CLEAN = r"✓ 28,248 situations, \d+ promises hold, \d+ tests pass \(\d+\.\d s\)"
_GRANTS = "bundle/authz/permissions/grants.rego"
_USER_SEES_USAGE = 'roles.is_user\n\tis_own_mobile\n\tinput.action == "view_usage"'
# A shell starts what runs in its background deaf to Ctrl-C, and so would be what these tests start there.
_HEARING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
_COMMAND = f"{_HEARING}; from authz_service.cli import main; main()"
_GIT = ["git", "-c", "user.name=Author", "-c", "user.email=author@example.org"]


@pytest.fixture
def work(policies: Path, tmp_path: Path) -> Path:
    """A folder with the shipped policies alone: without the cases, a round is shorter."""
    shutil.copytree(policies, tmp_path / "work" / "policies")
    return tmp_path / "work"


@pytest.fixture
def watch(work: Path) -> Iterator[Callable[[str], "Watch"]]:
    """Starts it; it ends with the test."""
    started: list[Watch] = []

    def start(last: str) -> Watch:
        started.append(Watch(work, last))
        return started[-1]

    yield start
    for each in started:
        each.kill()


class Watch:
    """A running `policy watch`, its rounds read as they are written.

    Args:
        work: Where it runs.
        last: How the last line of a round begins.
    """

    def __init__(self, work: Path, last: str) -> None:
        command = [sys.executable, "-c", _COMMAND, "policy", "watch", "policies"]
        self._last = last
        self._lines: queue.Queue[str] = queue.Queue()
        self._process = subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def round(self) -> list[str]:
        """The next round, without the line that it begins with."""
        assert _ROUND.fullmatch(self._next())
        lines = [self._next()]
        while not lines[-1].startswith(self._last):
            lines.append(self._next())
        return lines

    def interrupt(self) -> tuple[int, str]:
        """What it ends with on Ctrl-C, and what it has told besides."""
        self._process.send_signal(signal.SIGINT)
        status = self._process.wait(_PATIENCE_SECONDS)
        assert self._process.stderr
        return status, self._process.stderr.read()

    def kill(self) -> None:
        with self._process:
            self._process.kill()
            self._process.wait()
            self._reader.join()

    def _next(self) -> str:
        return self._lines.get(timeout=_PATIENCE_SECONDS)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))


def test_each_save_tells_what_is_wrong_and_a_mended_policy_is_as_in_the_last_commit(
    work: Path, watch: Callable[[str], Watch]
) -> None:
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "the policy"]):
        subprocess.run([*_GIT, *arguments], cwd=work, check=True)
    running = watch("Since HEAD: ")
    as_it_was = [r"Since HEAD: ✓ No situation is answered differently \(28,248 judged\)\."]
    assert _alike(running.round(), [_CLEAN, *as_it_was])

    rules = work / "policies" / _GRANTS
    right = rules.read_text()
    rules.write_text(f"{right}\nis_cousin if input.cousin\n")
    *found, count, since = running.round()
    place = f"policies/{_GRANTS}:{right.count(chr(10)) + 2}: "
    assert [finding for finding in found if finding.startswith(f"{place}undefined ref: input.cousin")]
    assert re.fullmatch(r"✗ \d findings; then still to be looked at: .* \(\d+\.\d s\)", count)
    assert since == "Since HEAD: not compared, as not every situation can be judged."

    rules.write_text(right)
    assert _alike(running.round(), [_CLEAN, *as_it_was])
    assert running.interrupt() == (0, "")


def _alike(lines: list[str], patterns: list[str]) -> bool:
    return len(lines) == len(patterns) and all(map(re.fullmatch, patterns, lines))


def test_outside_a_repository_it_is_compared_with_the_start(work: Path, watch: Callable[[str], Watch]) -> None:
    running = watch("Since the start: ")
    assert running.round()[-1] == "Since the start: ✓ No situation is answered differently (28,248 judged)."
    rules = work / "policies" / _GRANTS
    right = rules.read_text()
    rules.write_text(right.replace(_USER_SEES_USAGE, _USER_SEES_USAGE.replace("is_user", "is_administrator")))
    told = running.round()
    assert "✗ a user may no longer see the usage of a mobile that is his or her own" in told
    assert told[-1].startswith("Since the start: ✗ ")
    assert running.interrupt() == (0, "")
