from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from authz_service.app import Parts, close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.decision.protocols import Domain, PolicyEngine
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.settings import Settings
from authz_service.storage.database import connect, upgrade
from authz_service.words import Scope
from tests.conftest import BEARER, SMITH_FAMILY, TOKEN, Load
from tests.web.documented import DocumentedClient

EVERYTHING = Caller("tests", token_sha256(TOKEN), frozenset(Scope))

MakeClient = Callable[..., FlaskClient]


@pytest.fixture
def app(app: Flask) -> Flask:
    app.test_client_class = DocumentedClient
    return app


@pytest.fixture(scope="session")
def smiths(running_opa: SupervisedOpa, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A client of one app over the Smith family, for all tests that change nothing."""
    url = f"sqlite:///{tmp_path_factory.mktemp('smiths') / 'authz.db'}"
    database = connect(url)
    upgrade(database)
    import_files(database, [SMITH_FAMILY], key_finder(None, database))
    database.dispose()
    app = create_app(Settings(url, running_opa.url), callers=[EVERYTHING])
    yield _client_of(app)
    close_app(app)


@pytest.fixture
def make_client(settings: Settings, load: Load) -> Iterator[MakeClient]:
    """Makes clients of apps over the Smith family with parts or settings of the test."""
    load([SMITH_FAMILY])
    made: list[Flask] = []

    def make(
        *,
        engine: PolicyEngine | None = None,
        domain: Domain | None = None,
        caller: Caller = EVERYTHING,
        **changes: object,
    ) -> FlaskClient:
        changed = replace(settings, **changes)  # type: ignore[arg-type]  # the tests name settings
        app = create_app(changed, callers=[caller], engine=engine, domain=domain)
        made.append(app)
        return _client_of(app)

    yield make
    for app in made:
        close_app(app)


@pytest.fixture
def lose_database(app: Flask, tmp_path: Path) -> Callable[[], None]:
    """Takes the database of `app` away."""

    def lose() -> None:
        file = tmp_path / "authz.db"
        file.unlink()
        file.mkdir()
        # Last, as other threads of the app would connect again.
        database_of(app).dispose()

    return lose


def database_of(app: Flask) -> Engine:
    """What the app itself is connected to its database by."""
    return parts_of(app).database


def parts_of(app: Flask) -> Parts:
    """What the app holds open."""
    parts: Parts = app.extensions["authz_service"]
    return parts


def _client_of(app: Flask) -> FlaskClient:
    app.test_client_class = DocumentedClient
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = BEARER["Authorization"]
    return client
