"""What tests need to know of processes, from /proc, and how they wait."""

import time
from collections.abc import Callable
from pathlib import Path

_PATIENCE_SECONDS = 30.0


def wait_until(is_so: Callable[[], bool], seconds: float = _PATIENCE_SECONDS) -> None:
    """Returns as soon as it is so, and fails when it does not become so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it has not come to that"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether there is such a process that is not only waiting for its parent to notice its end."""
    return _state_and_parent(pid)[0] not in {"", "Z", "X"}


def processes_below(pid: int) -> dict[int, str]:
    """The process ids of all that the process has started, each with its command line."""
    parents = {int(folder.name): _state_and_parent(int(folder.name))[1] for folder in Path("/proc").glob("[0-9]*")}
    found: set[int] = set()
    last = {pid}
    while last:
        last = {child for child, parent in parents.items() if parent in last}
        found |= last
    return {child: _command_line(child) for child in found if is_running(child)}


def _state_and_parent(pid: int) -> tuple[str, int]:
    try:
        # The name of the program, in parentheses, may hold anything.
        state, parent, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "", 0
    return state, int(parent)


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
