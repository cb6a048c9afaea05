"""What a service takes that nobody asks: the CPU of each of its processes.

    python -m bench.idle [--workers 2] [--seconds 15]

It stands on SQLite with its own OPA, as it comes.
"""

import argparse
import tempfile
import time
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
            processes = {service.pid: "serve", **processes_below(service.pid)}
            before, began = {pid: own_cpu_seconds(pid) for pid in processes}, time.monotonic()
            time.sleep(arguments.seconds)
            took = time.monotonic() - began
            used = {pid: (own_cpu_seconds(pid) - before[pid]) / took * 1000 for pid in processes}
            for pid, milliseconds in used.items():
                print(f"{milliseconds:6.1f} ms a second  {Path(processes[pid].split()[0]).name} {pid}")
            print(f"{sum(used.values()):6.1f} ms a second in all")


if __name__ == "__main__":
    main()
