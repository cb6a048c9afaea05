"""The issuer of access tokens fails: its tokens alone are not let in, and only while its keys are not known."""

from pathlib import Path
from urllib.parse import urlsplit

import requests

from authz_service.callers.issuer_keys import ASK_AGAIN_SECONDS
from tests.failures.asking import OWN_USAGE, Clock, decided, unready
from tests.issuer import AUDIENCE, ISSUER, ec, served, signed
from tests.ports import free_port
from tests.processes import wait_until
from tests.services import HOST, Service, serve

KEY = ec()


def status_with_access_token(service: Service) -> int:
    headers = {"Authorization": f"Bearer {signed(KEY, 'ES256')}"}
    response = requests.post(f"{service.url}/access/v1/evaluation", json=OWN_USAGE, headers=headers, timeout=10)
    assert response.json().get("decision") is (True if response.ok else None)
    return response.status_code


def test_an_issuer_that_is_down_keeps_off_its_tokens_alone_and_those_not_once_its_keys_are_known(
    opa: Path, database_url: str, tmp_path: Path
) -> None:
    port = free_port()
    url = f"http://{HOST}:{port}/jwks"
    more = {"AUTHZ_JWKS_URL": url, "AUTHZ_JWT_ISSUER": ISSUER, "AUTHZ_JWT_AUDIENCE": AUDIENCE}
    with serve(opa, tmp_path / "service", database_url, more) as service:
        with Clock() as clock:
            assert status_with_access_token(service) == 503
            assert decided(service, OWN_USAGE) is True
        assert clock.took < 2
        assert is_told(service)
        with served(KEY, port=port) as issuer:
            assert urlsplit(issuer.url) == urlsplit(url)
            wait_until(lambda: status_with_access_token(service) == 200, ASK_AGAIN_SECONDS + 5)
            assert unready(service) == set()
        assert status_with_access_token(service) == 200
        assert decided(service, OWN_USAGE) is True


def is_told(service: Service) -> bool:
    """Whether `/readyz` says so, and stays ready."""
    response = service.call("GET", "/readyz")
    told = response.json()["checks"]["callers"]
    assert response.status_code == 200
    return not told["ok"] and "Access tokens cannot be verified" in told["detail"]
