"""AuthZEN metadata (checklist E): from configuration alone."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from flask.testing import FlaskClient

from authz_service.app import close_app, create_app
from authz_service.errors import ConfigurationError
from authz_service.settings import Settings, read_settings
from tests.conftest import Load

At = Callable[[str | None], FlaskClient]


@pytest.fixture
def at(settings: Settings, load: Load) -> Iterator[At]:
    """A client of a service with that public URL."""
    load([])
    with ExitStack() as opened:

        def at(public_url: str | None) -> FlaskClient:
            app = create_app(dataclasses.replace(settings, public_url=public_url), callers=[])
            opened.callback(close_app, app)
            return app.test_client()

        yield at


def test_e1_without_a_public_url_there_is_no_metadata(at: At) -> None:
    assert at(None).get("/.well-known/authzen-configuration").status_code == 404


def test_e4_the_members_are_the_configured_urls_and_open_to_all(at: At) -> None:
    response = at("https://pdp.example.org").get("/.well-known/authzen-configuration")
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.get_json() == {
        "policy_decision_point": "https://pdp.example.org",
        "access_evaluation_endpoint": "https://pdp.example.org/access/v1/evaluation",
        "access_evaluations_endpoint": "https://pdp.example.org/access/v1/evaluations",
        "search_subject_endpoint": "https://pdp.example.org/access/v1/search/subject",
        "search_resource_endpoint": "https://pdp.example.org/access/v1/search/resource",
        "search_action_endpoint": "https://pdp.example.org/access/v1/search/action",
    }


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Forwarded"])
def test_e5_no_header_of_a_caller_changes_it(at: At, header: str) -> None:
    response = at("https://pdp.example.org").get(
        "/.well-known/authzen-configuration", headers={header: "evil.example", "X-Forwarded-Proto": "http"}
    )
    assert "evil.example" not in response.get_data(as_text=True)
    assert response.get_json()["policy_decision_point"] == "https://pdp.example.org"


@pytest.mark.parametrize("url", ["https://PDP.example.org:8443/", "https://pdp.example.org/"])
def test_e5_the_identifier_is_the_configured_one_to_the_byte(at: At, url: str) -> None:
    metadata = at(url).get("/.well-known/authzen-configuration").get_json()
    assert metadata["policy_decision_point"] == url
    assert metadata["access_evaluation_endpoint"] == f"{url.rstrip('/')}/access/v1/evaluation"


def test_e2_the_well_known_path_stands_between_host_and_path(at: At) -> None:
    client = at("https://pdp.example.org/tenant1")
    assert client.get("/.well-known/authzen-configuration").status_code == 404
    metadata = client.get("/.well-known/authzen-configuration/tenant1").get_json()
    assert metadata["access_evaluation_endpoint"] == "https://pdp.example.org/tenant1/access/v1/evaluation"


def test_e8_it_may_be_cached(at: At) -> None:
    response = at("https://pdp.example.org").get("/.well-known/authzen-configuration")
    assert response.headers["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize(
    "url", ["http://pdp.example.org", "pdp.example.org", "https://", "https://a/?b", "https://a/#b"]
)
def test_a_public_url_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="AUTHZ_PUBLIC_URL"):
        read_settings({"AUTHZ_DATABASE_URL": "sqlite://", "AUTHZ_PUBLIC_URL": url})


def test_http_is_for_this_machine_alone() -> None:
    environ = {"AUTHZ_DATABASE_URL": "sqlite://", "AUTHZ_PUBLIC_URL": "http://127.0.0.1:8080"}
    assert read_settings(environ).public_url == "http://127.0.0.1:8080"
