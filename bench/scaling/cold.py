"""From the start of the service to its first answer, with OPA at hand and the tables made."""

import statistics
import time
from pathlib import Path

import requests

from bench.scaling.asking import PATH, authorization, spread
from bench.scaling.options import Options
from bench.service import make_database, running
from bench.world import write_customers
from tests.postgresql import PostgreSQL


def time_starts(folder: Path, server: PostgreSQL, options: Options) -> dict[str, object]:
    """By database and number of workers, in seconds. The policy is bundled and OPA started each time."""
    file = folder / "cold.ndjson"
    write_customers(file, options.few, options.members)
    results: dict[str, object] = {}
    for kind in options.databases:
        url = server.new_database() if kind == "postgresql" else f"sqlite:///{folder / 'cold.db'}"
        make_database(url, file)
        for workers in sorted({1, options.workers}):
            # The first compiles, and is not told.
            times = [_start(url, workers, options) for _ in range(options.starts + 1)][1:]
            median, slowest = statistics.median(times), max(times)
            results[f"{kind}, {workers} workers"] = {"median_s": round(median, 3), "max_s": round(slowest, 3)}
            print(f"  {kind}, {workers} workers: first answer in {median:.2f} s, at most {slowest:.2f} s", flush=True)
    return results


def _start(url: str, workers: int, options: Options) -> float:
    [asked] = spread(options.few, options.members, 1, seed=1)
    began = time.monotonic()
    with running(url, {"AUTHZ_WORKERS": str(workers)}) as service:
        requests.post(service.url + PATH, json=asked, headers=authorization(service), timeout=5).raise_for_status()
        return time.monotonic() - began
