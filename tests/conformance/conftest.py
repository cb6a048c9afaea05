"""The very same app over the scenarios and over the telecom domain, and a service of the scenarios as a process."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.decision.protocols import PolicyEngine
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.settings import Settings
from authz_service.storage.database import connect, upgrade
from authz_service.words import Scope
from tests.conformance.asking import Service
from tests.conformance.domain import POLICIES, Scenarios
from tests.conformance.pdp import PUBLIC_URL, SCENARIOS, TELECOM, Pdp, Remake
from tests.conformance.served import served
from tests.conftest import BEARER, SMITH_FAMILY, TOKEN

EVERYTHING = Caller("tests", token_sha256(TOKEN), frozenset(Scope))


@pytest.fixture(scope="session")
def scenarios(opa: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pdp]:
    """The scenarios, and an OPA with their policy."""
    url = f"sqlite:///{tmp_path_factory.mktemp('scenarios') / 'authz.db'}"
    database = connect(url)
    upgrade(database)
    database.dispose()
    with SupervisedOpa(opa, POLICIES) as running:
        settings = Settings(url, running.url, policy_status=running.status_file, public_url=PUBLIC_URL)
        app = create_app(settings, callers=[EVERYTHING], domain=Scenarios())
        yield Pdp(SCENARIOS, settings, Scenarios, _client_of(app))
        close_app(app)


@pytest.fixture(scope="session")
def telecom(running_opa: SupervisedOpa, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pdp]:
    """The telecom domain with the Smith family, and an OPA with the shipped policy."""
    url = f"sqlite:///{tmp_path_factory.mktemp('telecom') / 'authz.db'}"
    database = connect(url)
    upgrade(database)
    import_files(database, [SMITH_FAMILY], key_finder(None, database))
    database.dispose()
    settings = Settings(url, running_opa.url, policy_status=running_opa.status_file, public_url=PUBLIC_URL)
    app = create_app(settings, callers=[EVERYTHING])
    yield Pdp(TELECOM, settings, None, _client_of(app))
    close_app(app)


@pytest.fixture(scope="session", params=["telecom", "scenarios"])
def pdp(request: pytest.FixtureRequest) -> Pdp:
    """Each of the two."""
    made: Pdp = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def remake() -> Iterator[Remake]:
    with ExitStack() as made:

        def remake(
            pdp: Pdp, *, engine: PolicyEngine | None = None, caller: Caller | None = None, **changes: object
        ) -> Pdp:
            settings = replace(pdp.settings, **changes)  # type: ignore[arg-type]  # the tests name settings
            domain = pdp.make_domain() if pdp.make_domain else None
            app = create_app(settings, callers=[caller or EVERYTHING], engine=engine, domain=domain)
            made.callback(close_app, app)
            return replace(pdp, settings=settings, client=_client_of(app))

        yield remake


@pytest.fixture
def client(scenarios: Pdp) -> FlaskClient:
    """Calls the app over the scenarios with `TOKEN`."""
    return _client_of(scenarios.client.application)


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """One service of the scenarios as a process."""
    with served() as service:
        yield service


def _client_of(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = BEARER["Authorization"]
    return client
