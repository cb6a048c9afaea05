"""Load on a running service, by wrk, and what the service spent on it."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.processes import processes_below

_TICK = os.sysconf("SC_CLK_TCK")
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_SCRIPT = """
local bodies = {}
for line in io.lines("%(bodies)s") do bodies[#bodies + 1] = line end
local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer %(token)s"}
local n = 0
request = function()
  n = n %% #bodies + 1
  return wrk.format("POST", "%(path)s", headers, bodies[n])
end
done = function(summary, latency, requests)
  io.write(string.format("RESULT %%d %%d %%.3f %%.3f %%.3f %%d\\n", summary.requests, summary.duration,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
      + summary.errors.timeout))
end
"""


class Measured(NamedTuple):
    """What a run of load gave.

    Attributes:
        requests: How many were answered.
        per_second: How many a second.
        cpu_us: Microseconds of CPU a request, of the service and all its children.
        p50_ms: Milliseconds that half of the requests took at most.
        p99_ms: … that 99 of 100 took at most.
        max_ms: … that the slowest took.
        errors: How many failed or were answered with an error.
    """

    requests: int
    per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    errors: int


def cpu_seconds(pid: int) -> float:
    """CPU that a process and all below it have used since they began."""
    return sum(map(_cpu_of, [pid, *processes_below(pid)]))


def press(
    url: str, path: str, token: str, bodies: Iterable[object], pid: int, seconds: int, connections: int
) -> Measured:
    """Asks as fast as it is answered, for so long, from so many callers at once."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("wrk is not here: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "bodies"
        listed.write_text("".join(f"{json.dumps(body)}\n" for body in bodies))
        script = Path(folder) / "ask.lua"
        script.write_text(_SCRIPT % {"bodies": listed, "token": token, "path": path})
        command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), url]
        before = cpu_seconds(pid)
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        spent = cpu_seconds(pid) - before
    found = re.search(r"RESULT (\d+) (\d+) ([\d.]+) ([\d.]+) ([\d.]+) (\d+)", printed)
    if found is None:
        raise SystemExit(f"wrk did not say what it measured:\n{printed}")
    number, duration = int(found[1]), int(found[2]) / 1e6
    return Measured(
        number,
        number / duration,
        spent / number * 1e6,
        float(found[3]),
        float(found[4]),
        float(found[5]),
        int(found[6]),
    )


def _cpu_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # utime, stime, and those of children that have ended
    return sum(map(int, fields[11:15])) / _TICK
