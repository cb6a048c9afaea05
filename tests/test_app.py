"""An app is one of many: what it holds is its own, and what it needs is told by name."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import Mock

import pytest
from flask import Flask

from authz_service import app as app_module
from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.errors import ConfigurationError
from authz_service.settings import Settings
from authz_service.storage.database import connect, upgrade
from authz_service.words import Durability, Scope
from tests.conftest import ROOT
from tests.decision.library import Library
from tests.fakes.engine import FakeEngine, answer
from tests.processes import wait_until

QUESTION = {
    "subject": {"type": "person", "id": "ann"},
    "action": {"name": "view_bills"},
    "resource": {"type": "customer", "id": "1"},
}
ANN = {"id": "ann", "name": "Ann", "email": "ann@example.org"}


class Made(NamedTuple):
    """An app with what it was made of."""

    app: Flask
    engine: FakeEngine
    token: str

    def call(self, method: str, path: str, *, body: object = None, token: str = "") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        response = self.app.test_client().open(path, method=method, json=body, headers=headers)
        return response.status_code, response.get_json(silent=True)


def make(name: str, folder: Path, *, allow: bool) -> Made:
    """An app with a database, a token and a policy of this name."""
    settings = Settings(f"sqlite:///{folder / name}.db")
    database = connect(settings.database_url)
    upgrade(database)
    database.dispose()
    engine = FakeEngine(lambda _: answer(allow), revision=name)
    callers = [Caller(name, token_sha256(name), frozenset(Scope))]
    return Made(create_app(settings, callers=callers, engine=engine), engine, name)


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Made]:
    made = make("first", tmp_path, allow=True)
    yield made
    close_app(made.app)


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Made]:
    made = make("second", tmp_path, allow=False)
    yield made
    close_app(made.app)


def watches() -> int:
    return [thread.name for thread in threading.enumerate()].count("revision-watch")


# two apps in one process


def test_each_app_has_data_of_its_own(first: Made, second: Made) -> None:
    assert first.call("PUT", "/v1/people/ann", body=ANN) == (201, ANN)
    assert first.call("GET", "/v1/people/ann")[0] == 200
    assert second.call("GET", "/v1/people/ann")[0] == 404


def test_each_app_has_callers_of_its_own(first: Made, second: Made) -> None:
    assert first.call("GET", "/v1/people/ann", token="second")[0] == 401
    assert second.call("GET", "/v1/people/ann", token="first")[0] == 401
    assert second.call("GET", "/v1/people/ann", token="second")[0] == 404


def test_each_app_has_a_policy_and_a_memory_of_its_own(first: Made, second: Made) -> None:
    for _ in range(2):
        for made, allow in ((first, True), (second, False)):
            status, body = made.call("POST", "/v1/decide", body=QUESTION)
            assert (status, body["decision"]) == (200, allow)
            assert body["context"]["policy_revision"] == made.token
    assert (first.engine.asked, second.engine.asked) == (1, 1)


def test_an_app_that_is_closed_leaves_the_other_working(second: Made, tmp_path: Path) -> None:
    before = watches()
    other = make("other", tmp_path, allow=True)
    assert watches() == before + 1
    close_app(other.app)
    assert watches() == before
    second.engine.change_policy(lambda _: answer(allow=True), "third")
    wait_until(lambda: second.call("POST", "/v1/decide", body=QUESTION)[1]["decision"])
    assert second.call("PUT", "/v1/people/ann", body=ANN)[0] == 201


# what an app needs


def test_an_app_without_callers_is_refused_by_the_name_of_the_setting(tmp_path: Path) -> None:
    settings = Settings(f"sqlite:///{tmp_path / 'authz.db'}", opa_url="http://localhost:8181")
    before = watches()
    with pytest.raises(ConfigurationError, match=r"^AUTHZ_CALLERS: is not set; "):
        create_app(settings)
    assert watches() == before


def test_an_app_without_opa_is_refused_by_the_name_of_the_setting(tmp_path: Path) -> None:
    settings = Settings(f"sqlite:///{tmp_path / 'authz.db'}")
    before = watches()
    with pytest.raises(ConfigurationError, match=r"^AUTHZ_OPA_URL: is not set; "):
        create_app(settings, callers=[])
    assert watches() == before


def test_an_app_whose_opa_cannot_be_an_address_is_refused_by_the_name_of_the_setting(tmp_path: Path) -> None:
    settings = Settings(f"sqlite:///{tmp_path / 'authz.db'}", opa_url="localhost:8181")
    with pytest.raises(ConfigurationError, match=r"^AUTHZ_OPA_URL: must be "):
        create_app(settings, callers=[])


def test_the_callers_of_an_app_may_be_in_a_file(tmp_path: Path) -> None:
    callers = tmp_path / "callers.yaml"
    callers.write_text(f"callers: [{{name: tests, token_sha256: '{token_sha256('filed')}', scopes: [decide]}}]\n")
    settings = Settings(f"sqlite:///{tmp_path / 'authz.db'}", callers=callers)
    app = create_app(settings, engine=FakeEngine(lambda _: answer(allow=True)))
    headers = {"Authorization": "Bearer filed"}
    assert app.test_client().post("/v1/decide", json={}, headers=headers).status_code == 400
    close_app(app)


def test_without_a_provider_nothing_is_loaded_that_only_accounts_need() -> None:
    said = "import sys, authz_service.app; print([name for name in sys.modules if name.startswith('authlib')])"
    done = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("changes", "is_in_rounds"),
    [
        ({"journal": Durability.STRICT}, True),
        ({"journal": Durability.BUFFERED}, False),
        ({"journal": Durability.OFF}, False),
        ({"journal": Durability.STRICT, "traces": True}, False),
        ({"journal": Durability.STRICT, "is_finite": False}, False),
        ({"journal": Durability.OFF, "database": "postgresql"}, True),
        ({"journal": Durability.OFF, "database": "postgresql", "traces": True}, False),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_callers_are_decided_for_in_rounds_where_a_disk_or_a_server_is_waited_for_and_no_span_has_to_tell_them_apart(
    changes: dict[str, Any],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_in_rounds: bool,
) -> None:
    made = Mock()
    monkeypatch.setattr(app_module, "Deciding", made)
    domain = Library(is_finite=changes.get("is_finite", True))
    if changes.get("database") == "postgresql":
        url = request.getfixturevalue("on_postgresql").url.render_as_string(hide_password=False)
    else:
        url = f"sqlite:///{tmp_path / 'rounds.db'}"
        engine = connect(url)
        upgrade(engine)
        engine.dispose()
    settings = Settings(url, journal=changes["journal"], traces=changes.get("traces", False))
    close_app(create_app(settings, callers=[], engine=FakeEngine(lambda _: None), domain=domain))
    assert made.call_args.kwargs == {"in_rounds": is_in_rounds}
