"""How many changes of a feed are taken a second, on SQLite and PostgreSQL.

    python -m bench.feeding [--customers N] [--members M]

A database holds N customers of M members with a mobile each. Then a feed changes the name of each person and customer,
a line each, and is read a second time, when all of it is no newer than what is stored. Seconds are wall time; CPU is
that of the command and of the server, one after the other, and tells more where the machine does much else.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import make_url

from authz_service.customers.feed.syncing import Followers, Input, Synced, sync
from authz_service.customers.importing import import_files
from authz_service.storage.database import connect, upgrade
from bench.load import cpu_seconds
from bench.world import write_customers
from tests.postgresql import postgresql_server

_PASSES = ("changes all", "nothing new")


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="authz-bench-") as made, ExitStack() as opened:
        folder = Path(made)
        server = opened.enter_context(postgresql_server())
        data, feed = folder / "data.ndjson", folder / "feed.ndjson"
        write_customers(data, arguments.customers, arguments.members)
        with data.open() as lines, feed.open("w") as changes:
            changes.writelines(_changes(lines))
        print("database     the feed       changes   seconds  changes/s   CPU  of server  changes/CPU s")
        for url in (f"sqlite:///{folder / 'bench.db'}", server.new_database()):
            _measure(url, data, feed, server.pid)


def _changes(lines: Iterator[str]) -> Iterator[str]:
    for sequence, line in enumerate(lines, 1):
        yield line.replace("{", f'{{"sequence": {sequence}, ', 1).replace('"name": "', '"name": "New ', 1)


def _measure(url: str, data: Path, feed: Path, server_pid: int) -> None:
    database = connect(url)
    server = (server_pid,) if database.dialect.name == "postgresql" else ()
    upgrade(database)
    import_files(database, [data], _find_key)
    for name in _PASSES:
        start, cpu, server_cpu = time.monotonic(), time.process_time(), cpu_seconds(server)
        done = _sync(url, feed)
        seconds, cpu = time.monotonic() - start, time.process_time() - cpu
        server_cpu = cpu_seconds(server) - server_cpu
        count = done.applied.total() + done.skipped
        print(
            f"{make_url(url).get_backend_name():12} {name:12} {count:9,} {seconds:9.2f} {count / seconds:10,.0f}"
            f" {cpu:5.1f} {server_cpu:9.1f} {count / (cpu + server_cpu):14,.0f}",
            flush=True,
        )
    database.dispose()


def _sync(url: str, feed: Path) -> Synced:
    database = connect(url)
    descriptor = os.open(feed, os.O_RDONLY)
    faults: list[object] = []
    try:
        source = Input(descriptor, str(feed), "bench")
        done = sync(database, source, _find_key, Followers(faults.append), stops=True, has_authority=False)
    finally:
        os.close(descriptor)
        database.dispose()
    if faults:
        raise SystemExit(f"the feed has faults: {faults[0]}")
    return done


def _find_key() -> bytes:
    return b"k" * 32


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--members", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
