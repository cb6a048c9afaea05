"""What tests share: the real OPA, a database, an app with the Smith family."""

import gc
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine, Pool, event

from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.handbook import apart
from authz_service.handbook.book import read_book
from authz_service.opa.binary import find_opa, project_tool_folder
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.settings import Settings
from authz_service.storage.database import connect, upgrade
from authz_service.words import Scope
from tests import ports
from tests.mail import MailServerForTests
from tests.postgresql import PostgreSQL, postgresql_server

ROOT = Path(__file__).resolve().parents[1]
HOUSEHOLDS = ROOT / "fixtures" / "customers"
SMITH_FAMILY = HOUSEHOLDS / "smith-family.yaml"
TOKEN = "token-of-the-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

Load = Callable[[Sequence[Path]], None]

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are processors, as many tests wait for a time to pass."""
    # Too many would wait for each other.
    return min((os.cpu_count() or 1) + 1, 8)


def pytest_collection_finish() -> None:
    """What has been collected stays; to look through it for garbage again and again takes time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.fixture(scope="session")
def opa() -> Path:
    """The pinned OPA."""
    return find_opa(os.environ, project_tool_folder())


@pytest.fixture(scope="session")
def policies() -> Path:
    return ROOT / "policies"


@pytest.fixture(scope="session", autouse=True)
def shipped_policy_read_once(policies: Path) -> Iterator[None]:
    """The shipped policy stays as it is, so that not each of the services with pages has to read it anew."""
    make, made = apart.made_apart, {}

    def make_once(make_it: Callable[[], object]) -> object:
        sources = make_it.args[0] if isinstance(make_it, partial) and make_it.func is read_book else None
        if sources is None or sources.policies != policies:
            return make(make_it)
        if sources not in made:
            made[sources] = make(make_it)
        return made[sources]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(apart, "made_apart", make_once)
        yield


@pytest.fixture(scope="session")
def running_opa(opa: Path, policies: Path) -> Iterator[SupervisedOpa]:
    """One real OPA with the shipped policy for all tests that do not harm it."""
    with SupervisedOpa(opa, policies) as supervised:
        yield supervised


class _CompiledTemplates(BytecodeCache):
    """Keeps what templates compile to, by what they say."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def templates_compiled_once() -> Iterator[None]:
    """There is an app for each test, and its pages would take longer to compile than to make."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(Flask.jinja_options, "bytecode_cache", _CompiledTemplates())
        yield


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Finds a port of this machine that nobody listens on."""
    return ports.free_port


@pytest.fixture
def settings(tmp_path: Path, running_opa: SupervisedOpa) -> Settings:
    url = f"sqlite:///{tmp_path / 'authz.db'}"
    return Settings(database_url=url, opa_url=running_opa.url, policy_status=running_opa.status_file)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the tables and nothing in them, to be copied: that takes a hundredth of the time."""
    path = tmp_path_factory.mktemp("migrated") / "empty.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def with_family(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the Smith family, to be copied."""
    path = Path(shutil.copy(migrated, tmp_path_factory.mktemp("with-family") / "family.db"))
    engine = connect(f"sqlite:///{path}")
    import_files(engine, [SMITH_FAMILY], key_finder(None, engine))
    engine.dispose()
    return path


@pytest.fixture
def database(settings: Settings, migrated: Path, tmp_path: Path) -> Iterator[Engine]:
    """An empty database, the one of `settings`."""
    shutil.copy(migrated, tmp_path / "authz.db")
    engine = connect(settings.database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    with postgresql_server(durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: PostgreSQL) -> str:
    """The URL of a PostgreSQL database with the tables and nothing in them, to be copied."""
    url = postgresql.new_database()
    _migrate(url)
    return url


@pytest.fixture
def on_postgresql(postgresql: PostgreSQL, migrated_postgresql: str) -> Iterator[Engine]:
    """An empty database on PostgreSQL."""
    engine = connect(postgresql.new_database(migrated_postgresql))
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database, on each of the two."""
    if request.param == "sqlite":
        url = f"sqlite:///{shutil.copy(request.getfixturevalue('migrated'), tmp_path / 'any.db')}"
    else:
        url = request.getfixturevalue("postgresql").new_database(request.getfixturevalue("migrated_postgresql"))
    engine = connect(url)
    yield engine
    engine.dispose()


def _migrate(url: str) -> None:
    engine = connect(url)
    upgrade(engine)
    engine.dispose()


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The statements that decisions read with, on connections to SQLite that are made from here on."""
    seen: list[str] = []

    def see(connection: sqlite3.Connection, _record: object) -> None:
        connection.set_trace_callback(lambda told: seen.append(told) if "WITH question (" in told else None)

    event.listen(Pool, "connect", see)
    yield seen
    event.remove(Pool, "connect", see)


@pytest.fixture
def load(database: Engine, migrated: Path, with_family: Path) -> Load:
    """Imports files into the database; the first import of the Smith family is a copy of one, which takes less time."""
    path = Path(str(database.url.database))

    def load(files: Sequence[Path]) -> None:
        # Nobody has written to it, or has it open.
        is_new = path.is_file() and path.read_bytes() == migrated.read_bytes()
        if is_new and not path.with_name(f"{path.name}-shm").exists() and list(files) == [SMITH_FAMILY]:
            shutil.copy(with_family, path)
        else:
            import_files(database, files, key_finder(None, database))

    return load


@pytest.fixture
def app(settings: Settings, load: Load) -> Iterator[Flask]:
    """The app over the Smith family and the real OPA; `TOKEN` has every scope."""
    load([SMITH_FAMILY])
    made = create_app(settings, callers=[Caller("tests", token_sha256(TOKEN), frozenset(Scope))])
    made.testing = False
    yield made
    close_app(made)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Calls the app with `TOKEN`; pass `headers` to call otherwise."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = BEARER["Authorization"]
    return client


@pytest.fixture
def mail_server(free_port: Callable[[], int]) -> Iterator[MailServerForTests]:
    server = MailServerForTests(free_port())
    server.up()
    yield server
    server.down()
