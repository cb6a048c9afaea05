"""What tests need to know of processes, from /proc, and how they wait."""

import os
import pickle
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_PATIENCE_SECONDS = 30.0
_FORKED = "multiprocessing.forkserver"
_T = TypeVar("_T")


def wait_until(is_so: Callable[[], bool], seconds: float = _PATIENCE_SECONDS) -> None:
    """Returns as soon as it is so, and fails when it does not become so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it has not come to that"
        time.sleep(0.02)


def handed_on(value: _T) -> _T:
    """It as a process gets it that is started with it."""
    there: _T = pickle.loads(pickle.dumps(value))  # noqa: S301 - of this test's own making
    return there


def is_running(pid: int) -> bool:
    """Whether there is such a process that is not only waiting for its parent to notice its end."""
    return _state_and_parent(pid)[0] not in {"", "Z", "X"}


def freeze(pid: int) -> None:
    """SIGSTOP, and returns when each of its threads has stopped; a busy machine takes its time."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: all(_state(stat) in {"T", "Z", ""} for stat in Path(f"/proc/{pid}/task").glob("*/stat")))


def thaw(pid: int) -> None:
    """Has a process that is frozen go on."""
    os.kill(pid, signal.SIGCONT)


def processes_below(pid: int) -> dict[int, str]:
    """The process ids of all that the process has started, each with its command line."""
    parents = {int(folder.name): _state_and_parent(int(folder.name))[1] for folder in Path("/proc").glob("[0-9]*")}
    found: set[int] = set()
    last = {pid}
    while last:
        last = {child for child, parent in parents.items() if parent in last}
        found |= last
    return {child: _command_line(child) for child in found if is_running(child)}


def age_of(pid: int) -> float:
    """For how many seconds there has been that process."""
    began = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began / os.sysconf("SC_CLK_TCK")


def workers_below(pid: int) -> set[int]:
    """The process ids of the service's workers, which are forked from a process that the service has started."""
    below = processes_below(pid)
    return {child for child in below if _FORKED in below[child] and int(_state_and_parent(child)[1]) != pid}


def _state_and_parent(pid: int) -> tuple[str, int]:
    state, parent = _first_two(Path(f"/proc/{pid}/stat"))
    return state, int(parent)


def _state(stat: Path) -> str:
    return _first_two(stat)[0]


def _first_two(stat: Path) -> tuple[str, str]:
    try:
        # The name of the program, in parentheses, may hold anything.
        state, parent, *_ = stat.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "", "0"
    return state, parent


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
