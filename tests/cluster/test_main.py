"""`make cluster` says what is where, answers there, and leaves nothing behind."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.processes import is_running, processes_below, wait_until

STARTS_WITHIN_SECONDS = 180.0


def test_it_prints_calls_that_are_answered_and_ends_with_all_its_processes_on_ctrl_c(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "tests.cluster"], cwd=ROOT, stdout=out, stderr=out)
    try:
        wait_until(
            lambda: "Ctrl-C ends it all." in said.read_text() or process.poll() is not None, STARTS_WITHIN_SECONDS
        )
        text = said.read_text()
        assert process.poll() is None, text
        assert '"decision":true' in answer(text, "Decide")
        assert '"administrator":"ben.2001"' in answer(text, "Take over")
        assert '"status":"ready"' in answer(text, "Is it well")
        below = processes_below(process.pid)
        parts = {int(pid) for pid in re.findall(r"^  \S.* (\d+)  \S+$", text, re.MULTILINE)}
        assert len(parts) == 10
        process.send_signal(signal.SIGINT)
        assert process.wait(STARTS_WITHIN_SECONDS) == 0
        wait_until(lambda: not any(map(is_running, parts | below.keys())))
        [folder] = re.findall(r"bundles are in (\S+)\.\n", text)
        assert not Path(folder).exists()
    finally:
        process.kill()
        process.wait()


def test_the_report_is_of_all_that_is_broken() -> None:
    words = [sys.executable, "-m", "tests.cluster", "report", "--collect-only", "--quiet"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tests/cluster/test_faults.py::test_nothing_fails_while_nothing_is_broken" in done.stdout


def answer(text: str, what: str) -> str:
    """What the command answers that is printed for this."""
    [command] = re.findall(rf"^{what}: +(.+)$", text, re.MULTILINE)
    done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True, env=os.environ)
    return re.sub(r"\s", "", done.stdout)
