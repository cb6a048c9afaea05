"""What is started through the launcher cannot outlive who started it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from authz_service.opa import launch
from tests.processes import is_running, wait_until

_LAUNCH = [sys.executable, "-I", "-S", launch.__file__]

_PARENT = """
import os, subprocess, sys
child = subprocess.Popen([*sys.argv[1:-2], str(os.getpid()), *sys.argv[-2:]])
print(child.pid, flush=True)
child.wait()
"""


def launched(*arguments: str, parent: int | None = None) -> "subprocess.CompletedProcess[str]":
    command = [*_LAUNCH, str(os.getpid() if parent is None else parent), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_program_has_its_arguments_as_they_are_given() -> None:
    assert launched("/bin/echo", "$HOME", "two  words", "").stdout == "$HOME two  words \n"


def test_the_program_has_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "of the service")
    assert launched("/usr/bin/env").stdout == ""


def test_the_status_of_the_program_is_its_own() -> None:
    assert launched("/bin/sh", "-c", "exit 7").returncode == 7


def test_nothing_is_started_for_a_parent_that_has_gone() -> None:
    done = launched("/bin/echo", "started", parent=os.getppid())
    assert (done.returncode, done.stdout) == (1, "")


def test_the_program_dies_when_its_parent_is_killed() -> None:
    command = [sys.executable, "-c", _PARENT, *_LAUNCH, "/bin/sleep", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        wait_until(lambda: Path(f"/proc/{child}/cmdline").read_bytes() == b"/bin/sleep\x0060\x00")
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        wait_until(lambda: not is_running(child))
