"""A served process in which something fails."""

from collections.abc import Callable
from pathlib import Path

import pytest

from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.storage.database import connect, upgrade
from tests.conftest import SMITH_FAMILY

ACTIVATION_KEY = "a key that is long enough for these tests"

MakeDatabase = Callable[[str], str]


@pytest.fixture(scope="session")
def with_smiths() -> MakeDatabase:
    """Loads the Smith family into the database at a URL, and returns the URL."""

    def load(url: str) -> str:
        database = connect(url)
        upgrade(database)
        import_files(database, [SMITH_FAMILY], key_finder(ACTIVATION_KEY, database))
        database.dispose()
        return url

    return load


@pytest.fixture
def database_url(tmp_path: Path, with_smiths: MakeDatabase) -> str:
    return with_smiths(f"sqlite:///{tmp_path / 'authz.db'}")
