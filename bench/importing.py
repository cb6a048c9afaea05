"""How fast customer data comes in, on SQLite and PostgreSQL, and whether memory stays constant.

    python -m bench.importing [--customers N] [--members M]

Each import goes into a fresh database in a process of its own, once with N customers and once with four times as many.
A customer has M members with a mobile each: a line and a row for each person, a line for the customer, and a row for
it, for each member and for each mobile. Without `--members` both the smallest customer, of one, and a household of
three are measured. Seconds are wall time of the import alone; CPU is that of the import and of the server.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import make_url

from authz_service.cli.progress import importing
from authz_service.customers.importing import import_files
from authz_service.storage.database import connect, upgrade
from bench.load import cpu_seconds
from bench.world import write_customers
from tests.postgresql import postgresql_server

_TIMES = (1, 4)
_SHAPES = (1, 3)


def main() -> None:
    arguments = _arguments()
    if arguments.only:
        [url, file] = arguments.only
        print(json.dumps(_import(url, Path(file))))
        return
    with tempfile.TemporaryDirectory(prefix="authz-bench-") as made, ExitStack() as opened:
        folder = Path(made)
        server = opened.enter_context(postgresql_server())
        print("members  database    customers   seconds  customers/s  records/s    rows/s   CPU  of server  peak MiB")
        for members in (arguments.members,) if arguments.members else _SHAPES:
            for times in _TIMES:
                customers = arguments.customers * times
                file = folder / f"{members}-{customers}.ndjson"
                write_customers(file, customers, members)
                sqlite = f"sqlite:///{folder / f'{members}-{customers}.db'}"
                for url in (sqlite, server.new_database()):
                    _measure(url, server.pid, file, customers, members)
                file.unlink()


class Import(NamedTuple):
    """What an import needed.

    Attributes:
        seconds: Of wall time, without making the tables.
        cpu: Seconds of CPU of the process.
        peak_mib: Its memory at most.
        server_cpu: Seconds of CPU of the database server; 0 with SQLite.
    """

    seconds: float
    cpu: float
    peak_mib: float
    server_cpu: float


def measure(url: str, server_pid: int, file: Path) -> Import:
    """Imports a file into a database without tables, in a process of its own."""
    database = connect(url)
    try:
        upgrade(database)
        server = (server_pid,) if database.dialect.name == "postgresql" else ()
    finally:
        database.dispose()
    before = cpu_seconds(server)
    command = [sys.executable, "-m", "bench.importing", "--only", url, str(file)]
    measured = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return Import(**measured, server_cpu=cpu_seconds(server) - before)


def _measure(url: str, server_pid: int, file: Path, customers: int, members: int) -> None:
    measured = measure(url, server_pid, file)
    seconds = measured.seconds
    name = make_url(url).get_backend_name()
    records, rows = customers * (1 + members), customers * (1 + 3 * members)
    print(
        f"{members:7}  {name:10} {customers:10,} {seconds:9.2f} {customers / seconds:12,.0f} {records / seconds:10,.0f}"
        f" {rows / seconds:9,.0f} {measured.cpu:5.1f} {measured.server_cpu:9.1f} {measured.peak_mib:9.0f}",
        flush=True,
    )


def _import(url: str, file: Path) -> dict[str, float]:
    database = connect(url)
    cpu = _own_cpu_seconds()
    start = time.monotonic()
    with importing([file]) as on_progress:
        import_files(database, [file], lambda: b"k" * 32, on_progress)
    seconds = time.monotonic() - start
    database.dispose()
    # Not the peak of getrusage: that is also of the process that started this one.
    said = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    peak = int(said[1]) / 1024 if said else 0.0
    return {"seconds": seconds, "cpu": _own_cpu_seconds() - cpu, "peak_mib": peak}


def _own_cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--members", type=int)
    parser.add_argument("--only", nargs=2, metavar=("URL", "FILE"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
