"""What a service takes that nobody asks: the CPU of its processes.

    python -m bench.idle [--workers 2] [--seconds 15]

It stands on SQLite with its own OPA, as it comes.
"""

import argparse
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.load import own_cpu_seconds
from bench.service import make_database, running
from bench.world import write_customers
from tests.processes import processes_below

_SETTLED_AFTER_SECONDS = 5
_CUSTOMERS = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.idle", description="What a service takes that nobody asks.")
    parser.add_argument("--workers", type=int, default=2, help="processes that answer")
    parser.add_argument("--seconds", type=int, default=15, help="how long it is looked at")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="authz-bench-") as made:
        customers, url = Path(made) / "customers.ndjson", f"sqlite:///{Path(made) / 'idle.db'}"
        write_customers(customers, _CUSTOMERS)
        make_database(url, customers)
        with running(url, {"AUTHZ_WORKERS": str(arguments.workers)}) as service:
            time.sleep(_SETTLED_AFTER_SECONDS)
            below = processes_below(service.pid)
            opa = {pid for pid, command in below.items() if Path(command.split()[0]).name == "opa"}
            parts = {"its first process": {service.pid}, "its workers": below.keys() - opa, "its OPA": opa}
            before, began = _used(parts), time.monotonic()
            time.sleep(arguments.seconds)
            took = time.monotonic() - began
            for name, seconds in _used(parts).items():
                print(f"{(seconds - before[name]) / took * 1000:6.1f} ms a second  {name}")


def _used(parts: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """Seconds of CPU since they began, of each part and of all."""
    used = {name: sum(map(own_cpu_seconds, pids)) for name, pids in parts.items()}
    return used | {"in all": sum(used.values())}


if __name__ == "__main__":
    main()
