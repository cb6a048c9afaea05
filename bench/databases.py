"""Databases that all hold the same customers, SQLite and PostgreSQL."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from bench.service import make_database
from bench.world import write_customers
from tests.postgresql import PostgreSQL, postgresql_server

# Several services at once keep more than a server allows as it comes.
_CONNECTIONS = 400


class Databases:
    """Makes databases; what one service writes into its own, no other reads."""

    def __init__(self, folder: Path, server: PostgreSQL, customers: int) -> None:
        self._folder = folder
        self._customers = folder / "customers.ndjson"
        self._numbers = count(1)
        self._filled = folder / "customers.db"
        self._filled_postgresql: str | None = None
        self.server = server
        write_customers(self._customers, customers)
        make_database(f"sqlite:///{self._filled}", self._customers)

    def new_sqlite(self) -> Path:
        """The file of a new database with the customers in it."""
        return Path(shutil.copy(self._filled, self._folder / f"{next(self._numbers)}.db"))

    def new_postgresql(self) -> str:
        """The URL of a new database with the customers in it."""
        if self._filled_postgresql is None:
            self._filled_postgresql = self.server.new_database()
            make_database(self._filled_postgresql, self._customers)
        return self.server.new_database(like=self._filled_postgresql)

    def new(self, kind: str) -> str:
        """The URL of a new one, `sqlite` or `postgresql`."""
        return self.new_postgresql() if kind == "postgresql" else f"sqlite:///{self.new_sqlite()}"


@contextmanager
def databases(customers: int) -> Iterator[Databases]:
    """A place to make them in, while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="authz-bench-") as folder, postgresql_server(_CONNECTIONS) as server:
        yield Databases(Path(folder), server, customers)
