"""What the workers and OPA keep in memory, at the begin and while very many decisions are taken."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from authz_service.cli.progress import progress
from bench.load import press
from bench.scaling.asking import load_of, spread
from bench.scaling.bringing_in import Filled, Size, bytes_of
from bench.scaling.options import Options
from bench.service import Running, running
from bench.settings import CALLERS, QUESTIONS
from tests.postgresql import PostgreSQL
from tests.processes import processes_below, workers_below

_SLICE_SECONDS = 10
_OPA = "run --server"
# What a process still takes for the first time, such as connections and pseudonyms, is taken by then.
_WARM_PART = 0.2


def watch_memory(filled: Filled, server: PostgreSQL, options: Options) -> dict[str, object]:
    """By database, with the journal as it comes, on the large databases."""
    results: dict[str, object] = {}
    for kind in options.databases:
        pids = (server.pid,) if kind == "postgresql" else ()
        with running(filled.many[kind].url, {"AUTHZ_WORKERS": str(options.workers)}) as service:
            size = filled.many[kind]
            before = bytes_of(size.url, server)
            watched = _watch(kind, service, size, options, pids)
            grown = bytes_of(size.url, server) - before
            results[kind] = {**watched, "index_bytes_a_decision": round(grown / watched["decisions"], 1)}
    return results


def _watch(kind: str, service: Running, size: Size, options: Options, pids: tuple[int, ...]) -> dict[str, Any]:
    seen = [(0, resident(service.pid))]
    taken, journal = 0, service.journal
    with progress(f"{options.decisions:,} decisions on {kind}") as on_progress:
        turn = 0
        while taken < options.decisions:
            turn += 1
            bodies = spread(size.customers, options.members, QUESTIONS, seed=-turn)
            seconds = min(_SLICE_SECONDS, options.seconds)
            taken += press(load_of(f"memory, {kind}", service, bodies, pids), seconds, CALLERS).requests
            seen.append((taken, resident(service.pid)))
            on_progress(taken, options.decisions)
    written = sum(file.stat().st_size for file in journal.rglob("*") if file.is_file())
    told = {
        "decisions": taken,
        "journal_bytes_a_decision": round(written / taken, 1),
        "begin_mib": seen[0][1],
        "end_mib": seen[-1][1],
        "peak_mib": {name: max(at[name] for _, at in seen if name in at) for name in seen[-1][1]},
        "growth_after_warm": {name: growth(seen, name) for name in seen[-1][1]},
    }
    print(f"\n{kind}: memory in MiB, at begin and after {taken:,} decisions, of {written / taken:.0f} B in the journal")
    for name, end in seen[-1][1].items():
        print(f"  {name:<12}{seen[0][1].get(name, 0):>8.1f}{end:>8.1f}{growth(seen, name):>+9.1%} since it was warm")
    return told


def growth(seen: Sequence[tuple[int, Mapping[str, float]]], name: str) -> float:
    """By which part a process has grown from when it was warm until the end, as decisions and MiB tell."""
    warm = seen[-1][0] * _WARM_PART
    [first, *_] = [at[name] for taken, at in seen if taken >= warm and name in at]
    return round(seen[-1][1][name] / first - 1, 4)


def resident(pid: int) -> dict[str, float]:
    """MiB of memory of the main process, each worker and OPA."""
    found = {"main": pid}
    found |= {f"worker {number}": child for number, child in enumerate(sorted(workers_below(pid)), start=1)}
    for child, command in processes_below(pid).items():
        if _OPA in command:
            found["opa"] = child
    return {name: _resident(each) for name, each in found.items()}


def _resident(pid: int) -> float:
    said = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return round(int(said[1]) / 1024, 1) if said else 0.0
