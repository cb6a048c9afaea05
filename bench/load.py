"""Load on a running service, by wrk, and what the service spent on it."""

import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.processes import processes_below

_AFTERWARDS_SECONDS = 1
_TICK = os.sysconf("SC_CLK_TCK")
_SCRIPT = """
local bodies = {}
for line in io.lines("%(bodies)s") do bodies[#bodies + 1] = line end
local headers = {%(headers)s}
local n = 0
request = function()
  n = n %% #bodies + 1
  return wrk.format("POST", "%(path)s", headers, bodies[n])
end
done = function(summary, latency, requests)
  io.write(string.format("RESULT %%d %%d %%.3f %%.3f %%.3f %%d %%d %%d\\n", summary.requests, summary.duration,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
    summary.errors.status, summary.errors.timeout,
    summary.errors.connect + summary.errors.read + summary.errors.write))
end
"""


_PAUSE = """
delay = function() return math.floor(-math.log(1 - math.random()) * %g + 0.5) end
"""


class Load(NamedTuple):
    """What is asked, whom, and who works for the answers.

    Attributes:
        name: Who it is, when something goes wrong.
        path: Where it is posted.
        headers: Sent with each request, besides that it is JSON.
        bodies: Asked one after the other, and again from the first.
        pids: The processes that are measured, each with all below it.
        database_pids: A database server that these ask, measured by itself.
    """

    name: str
    url: str
    path: str
    headers: Mapping[str, str]
    bodies: Sequence[object]
    pids: tuple[int, ...]
    database_pids: tuple[int, ...] = ()


class Measured(NamedTuple):
    """What a run of load gave.

    Attributes:
        requests: How many were answered.
        per_second: How many a second.
        cpu_us: Microseconds of CPU a request, of the service and all its children.
        database_cpu_us: … of the database server, where there is one.
        p50_ms: Milliseconds that half of the requests took at most.
        p99_ms: … that 99 of 100 took at most.
        max_ms: … that the slowest took.
        caller_cpu_us: … of CPU a request, of whoever asks: on the same machine it takes from what the service has.
        failed: How many were answered with an error, too late or not at all, where that is let pass.
    """

    requests: int
    per_second: float
    cpu_us: float
    database_cpu_us: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    caller_cpu_us: float = 0.0
    failed: int = 0


def cpu_seconds(pids: tuple[int, ...]) -> float:
    """CPU that processes and all below them have used since they began."""
    return sum(own_cpu_seconds(each) for pid in pids for each in (pid, *processes_below(pid)))


def press(load: Load, seconds: int, callers: int, *, pause_ms: float = 0, may_fail: bool = False) -> Measured:
    """Asks as fast as it is answered, for so long, from so many callers at once.

    Args:
        load: What is asked, and whom.
        seconds: How long.
        callers: How many ask at once.
        pause_ms: How long a caller waits before it asks again, on average; no pause is like the next.
        may_fail: Whether failures are counted and told.

    Raises:
        SystemExit: A request failed or was refused, and must not: what is measured then is no answer.
    """
    callers_cpu = _cpu_of_ended_children()
    before = cpu_seconds(load.pids), cpu_seconds(load.database_pids)
    printed = _wrk(load, seconds, callers, pause_ms)
    of_callers = _cpu_of_ended_children() - callers_cpu
    # What is left to do for it belongs to it: entries are brought into the database, garbage is collected.
    time.sleep(_AFTERWARDS_SECONDS)
    spent = cpu_seconds(load.pids) - before[0], cpu_seconds(load.database_pids) - before[1]
    found = re.search(r"RESULT (\d+) (\d+) ([\d.]+) ([\d.]+) ([\d.]+) (\d+) (\d+) (\d+)", printed)
    if found is None or not int(found[1]):
        raise SystemExit(f"✗ {load.name}, {load.path}: nothing was answered within {seconds} s:\n{printed}")
    number, duration = int(found[1]), int(found[2]) / 1e6
    refused, late, broken = (int(found[n]) for n in (6, 7, 8))
    if (refused or late or broken) and not may_fail:
        how = f"{refused} were answered with an error, {late} not in time, {broken} connections broke"
        raise SystemExit(f"✗ {load.name}, {load.path}: of {number} requests {how}")
    return Measured(
        number,
        number / duration,
        spent[0] / number * 1e6,
        spent[1] / number * 1e6,
        float(found[3]),
        float(found[4]),
        float(found[5]),
        of_callers / number * 1e6,
        refused + late + broken,
    )


def warm(load: Load, seconds: int, callers: int) -> None:
    """Asks without measuring."""
    _wrk(load, seconds, callers)


def median(runs: Sequence[Measured]) -> Measured:
    """The median of each figure by itself."""
    return Measured(*(round(statistics.median(column), 3) for column in zip(*runs, strict=True)))


def _wrk(load: Load, seconds: int, callers: int, pause_ms: float = 0) -> str:
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("wrk is not here: apt-get install wrk")
    headers = {"Content-Type": "application/json", **load.headers}
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "bodies"
        listed.write_text("".join(f"{json.dumps(body)}\n" for body in load.bodies))
        script = Path(folder) / "ask.lua"
        lua = ", ".join(f'["{name}"] = "{value}"' for name, value in headers.items())
        asking = _SCRIPT % {"bodies": listed, "headers": lua, "path": load.path}
        script.write_text(asking + (_PAUSE % pause_ms if pause_ms else ""))
        command = [wrk, "-t1", f"-c{callers}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), load.url]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _cpu_of_ended_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def own_cpu_seconds(pid: int) -> float:
    """CPU that a process has used since it began, with what it has started and what has ended; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # utime, stime, and those of children that have ended
    return sum(map(int, fields[11:15])) / _TICK
