from typing import Any

import pytest

from authz_service.precautions.roads import is_loopback, open_roads
from authz_service.settings import Settings
from authz_service.words import Risk


def told(**settings: Any) -> list[str]:  # noqa: ANN401 - of any setting
    found = list(open_roads(Settings(**{"database_url": "sqlite:///authz.db", **settings})))
    assert {finding.risk for finding in found} <= {Risk.TLS}
    assert all("hidden" not in finding.what for finding in found)
    return [f"{'fault' if finding.is_fault else 'warning'} of {finding.what.partition(':')[0]}" for finding in found]


@pytest.mark.parametrize(
    "url", ["http://localhost:8181", "http://127.0.0.1:8181", "http://[::1]:8181", "http://127.8.9.1"]
)
def test_an_opa_at_a_port_of_this_machine_is_a_warning_that_names_a_socket(url: str) -> None:
    assert told(opa_url=url) == ["warning of AUTHZ_OPA_URL"]
    [finding] = open_roads(Settings("sqlite:///authz.db", opa_url=url))
    assert finding.what.endswith("a socket in a folder for one user is safer: unix:///…")


@pytest.mark.parametrize("url", ["unix:///run/opa.sock", "https://opa.example.org", "https://localhost:8181", None])
def test_an_opa_at_a_socket_or_over_tls_is_right(url: str | None) -> None:
    assert told(opa_url=url) == []


@pytest.mark.parametrize(
    "url", ["http://opa:8181", "HTTP://10.0.0.1", "http://opa.localhost.example.org", "http://[fe80::1]"]
)
def test_an_opa_elsewhere_without_tls_is_a_fault(url: str) -> None:
    assert told(opa_url=url) == ["fault of AUTHZ_OPA_URL"]


@pytest.mark.parametrize(
    ("url", "findings"),
    [
        ("smtp://user:hidden@mail.example.org", ["warning of AUTHZ_SMTP_URL"]),
        ("smtp://user:hidden@localhost", []),
        ("smtp://mail.example.org", []),
        ("smtp+starttls://user:hidden@mail.example.org", []),
        ("smtps://user:hidden@mail.example.org", []),
        ("smtp://user:hid/den@h", []),
    ],
)
def test_a_password_that_goes_to_a_mail_server_in_the_clear_is_a_warning(url: str, findings: list[str]) -> None:
    assert told(smtp_url=url) == findings


@pytest.mark.parametrize(
    ("url", "findings"),
    [
        ("postgresql+psycopg://u:hidden@db.example.org/authz", ["warning of AUTHZ_DATABASE_URL"]),
        ("postgresql+psycopg://u:hidden@db.example.org/authz?sslmode=prefer", ["warning of AUTHZ_DATABASE_URL"]),
        ("postgresql+psycopg://u:hidden@/authz?host=db.example.org", ["warning of AUTHZ_DATABASE_URL"]),
        ("postgresql+psycopg://u:hidden@db.example.org/authz?sslmode=verify-full", []),
        ("postgresql+psycopg://u:hidden@localhost/authz", []),
        ("postgresql+psycopg://u:hidden@/authz?host=/run/postgresql", []),
        ("postgresql+psycopg://u@h:hidden/db", []),
    ],
)
def test_a_database_elsewhere_that_need_not_use_tls_is_a_warning(url: str, findings: list[str]) -> None:
    assert told(database_url=url) == findings


def test_the_warning_says_how_tls_is_insisted_on_and_whom_it_trusts_then() -> None:
    [finding] = open_roads(Settings("postgresql+psycopg://u@db.example.org/authz"))
    assert "?sslmode=verify-full&sslrootcert=FILE" in finding.what


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.255.0.1", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104 - nothing is bound
        ("::", False),
        ("opa", False),
        ("localhost.example.org", False),
    ],
)
def test_this_machine_is_told_from_others(host: str, *, is_here: bool) -> None:
    assert is_loopback(host) is is_here
