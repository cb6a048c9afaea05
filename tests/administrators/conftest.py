"""The database on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from authz_service.storage.database import connect, upgrade
from tests.postgresql import PostgreSQL, postgresql_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    with postgresql_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database, on each of the two."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'authz.db'}"
    else:
        url = request.getfixturevalue("postgresql").new_database()
    engine = connect(url)
    upgrade(engine)
    yield engine
    engine.dispose()
