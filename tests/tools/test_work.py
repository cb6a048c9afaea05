"""How long work tells how far it is, and ends."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clock import Clock
from tests.processes import wait_until
from tools.work import Progress, SetupFailed, follow, only_one, wording_of_pip

ROOT = Path(__file__).parents[2]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work_of_twelve_seconds(stream: io.StringIO) -> str:
    clock = Clock(0.0)
    with Progress("Building", "two minutes", stream=stream, clock=clock) as progress:
        for second in range(1, 13):
            clock.now = second
            progress.update(f"{second} of 12")
    return stream.getvalue()


def test_a_log_gets_a_line_every_few_seconds() -> None:
    assert work_of_twelve_seconds(io.StringIO()).splitlines() == [
        "  Building (two minutes) …",
        "  Building: 5 of 12 (5 s)",
        "  Building: 10 of 12 (10 s)",
        "✓ Building (12 s)",
    ]


def test_a_terminal_keeps_one_line() -> None:
    written = work_of_twelve_seconds(Terminal())
    assert written.count("\n") == 1
    assert written.endswith("\r\x1b[K✓ Building (12 s)\n")


def test_a_narrow_terminal_keeps_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "12")
    shown = work_of_twelve_seconds(Terminal()).split("\r\x1b[K")[1:-1]
    assert set(map(len, shown)) == {11}


def test_work_that_failed_does_not_look_done() -> None:
    stream = io.StringIO()
    with pytest.raises(KeyError), Progress("Building", stream=stream):
        raise KeyError
    assert stream.getvalue().splitlines()[-1] == "✗ Building (0 s)"


def test_a_command_that_fails_is_quoted() -> None:
    with Progress("Trying", stream=io.StringIO()) as progress, pytest.raises(SetupFailed) as failure:
        follow(["sh", "-c", "echo what went wrong >&2; exit 3"], progress, str)
    assert str(failure.value) == "sh failed with code 3:\n    what went wrong"


def test_both_streams_of_a_command_are_returned() -> None:
    with Progress("Trying", stream=io.StringIO()) as progress:
        assert follow(["sh", "-c", "echo one; echo two >&2"], progress, str) == ["one", "two"]


@pytest.mark.parametrize("is_starting", [False, True], ids=["while it waits", "while it starts that"])
def test_being_ended_ends_what_was_begun(tmp_path: Path, *, is_starting: bool) -> None:
    began = tmp_path / "pid"
    ended_while_starting = (
        "class Popen(subprocess.Popen):\n"
        "    def __init__(self, *arguments, **options):\n"
        "        super().__init__(*arguments, **options)\n"
        f"        while not os.path.exists({str(began)!r}) or not os.path.getsize({str(began)!r}):\n"
        "            time.sleep(0.01)\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "subprocess.Popen = Popen\n"
    )
    program = (
        "import os, signal, subprocess, sys, time\n"
        "from tools.work import Progress, follow, run_to_the_end\n"
        f"{ended_while_starting if is_starting else ''}"
        "def main():\n"
        "    with Progress('Waiting') as progress:\n"
        f"        follow(['sh', '-c', 'sleep 60 & echo $! > {began}; wait'], progress, str)\n"
        "sys.exit(run_to_the_end(main))"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.DEVNULL) as waiting:
        wait_until(lambda: began.exists() and began.read_text().endswith("\n"))
        if not is_starting:
            waiting.send_signal(signal.SIGTERM)
        assert waiting.wait(timeout=10) == 128 + signal.SIGTERM
    wait_until(lambda: not is_alive(int(began.read_text())))


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # Ended, but nobody has asked for its code: the init of a container may never do.
    state = Path(f"/proc/{process}/stat")
    return not (state.exists() and ") Z " in state.read_text())


def test_a_lock_is_free_again_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(KeyError), only_one(tmp_path / "lock"):
        raise KeyError
    with only_one(tmp_path / "lock"):
        pass


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Collecting aiohttp==3.14.5 (from -r requirements-dev.txt (line 4))", "fetching aiohttp"),
        ("Installing collected packages: aiofiles, aiohttp", "unpacking"),
        ("  Using cached aiohttp-3.14.5.whl (1.7 MB)", None),
        ("", None),
    ],
)
def test_of_what_pip_says_the_names_are_shown(line: str, words: str | None) -> None:
    assert wording_of_pip(line) == words
