import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from authz_service.customers.activation_code import FindKey, key_finder
from authz_service.customers.importing import import_files
from authz_service.storage.database import connect, reading
from authz_service.storage.schema import metadata, schema_compatibility


@pytest.fixture
def engine(migrated: Path, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of its own."""
    path = tmp_path / "customers.db"
    shutil.copy(migrated, path)
    engine = connect(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture
def second_engine(migrated: Path, tmp_path: Path) -> Iterator[Engine]:
    """Another empty database."""
    path = tmp_path / "second.db"
    shutil.copy(migrated, path)
    engine = connect(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture
def find_key(engine: Engine) -> FindKey:
    return key_finder("a key of the tests, long enough to be one", engine)


@pytest.fixture
def files() -> Path:
    return Path(__file__).parent / "files"


@pytest.fixture
def smiths(engine: Engine, files: Path, find_key: FindKey) -> Engine:
    """A database with the Smith family: Philip the administrator, Mary a user, Ann with another provider."""
    import_files(engine, [files / "valid" / "smith_family.yaml"], find_key)
    return engine


@pytest.fixture
def count_rows(engine: Engine) -> Callable[[], int]:
    """How many rows all tables have together, but for what the migrations write."""
    tables = [table for table in metadata.sorted_tables if table is not schema_compatibility]
    counts = [select(func.count()).select_from(table) for table in tables]

    def count() -> int:
        with reading(engine) as connection:
            return sum(connection.scalars(count).one() for count in counts)

    return count
