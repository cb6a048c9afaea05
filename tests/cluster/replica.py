"""A replica of the service with its sidecar, and what each of the two says of itself."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.cluster.program import Program
from tests.conftest import ROOT, TOKEN
from tests.processes import wait_until
from tests.sidecars import CONFIG, at_socket, words_of_sidecar, write_config

READY_WITHIN_SECONDS = 120.0
_COMMAND = [sys.executable, "-c", "from authz_service.cli import main; main()"]
# The page has OPA look every minute or two, which nobody wants to wait for.
_POLLING = {"min_delay_seconds": 1, "max_delay_seconds": 2}


class Replica:
    """`authz-service serve` and its OPA.

    Args:
        name: Its name, and that of its folder on the bundle server.
        folder: Where it keeps its journal, and its sidecar what it has fetched.
        opa: The program.
        public_key: What bundles are signed with.
        bundles_url: Where they are fetched.
        ports: That of the service, and that where the sidecar tells its numbers.
        settings: Its settings, but where its OPA and its journal are.

    Attributes:
        url: Where the service is.
        opa_url: Where the sidecar is, a socket.
        opa_numbers: The address at which the sidecar tells its numbers.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        opa: Path,
        public_key: Path,
        bundles_url: str,
        ports: tuple[int, int],
        settings: Mapping[str, str],
    ) -> None:
        self.name = name
        self.journal = folder / "journal"
        of_service, of_opa = ports
        self.url, self.opa_numbers = f"http://127.0.0.1:{of_service}", f"127.0.0.1:{of_opa}"
        for part in ("service", "opa"):
            (folder / part).mkdir(parents=True, mode=0o700)
        socket = folder / "opa" / "opa.sock"
        self.opa_url = f"unix://{socket}"
        write_config(folder / "opa", _config(bundles_url, name))
        self.sidecar = Program(words_of_sidecar(opa, public_key, at_socket(socket, of_opa)), {}, folder / "opa")
        environ = {**settings, "AUTHZ_OPA_URL": self.opa_url, "AUTHZ_JOURNAL_FOLDER": str(self.journal)}
        self.service = Program([*_COMMAND, "serve", "--port", str(of_service)], environ, folder / "service")
        self.run_code_of(ROOT)

    def run_code_of(self, checkout: Path) -> None:
        """Has the service be that of another folder when it is started next."""
        self.checkout = checkout
        self.service.environ = {**self.service.environ, "PYTHONPATH": str(checkout)}

    def readiness(self) -> dict[str, Any]:
        """What `/readyz` says; nothing where nobody answers."""
        try:
            said: dict[str, Any] = self._get("/readyz").json()
        except requests.RequestException:
            return {}
        return said

    def is_ready(self) -> bool:
        return self.readiness().get("status") == "ready"

    def wait_until_ready(self) -> None:
        wait_until(self.is_ready, READY_WITHIN_SECONDS)

    def revision(self) -> str:
        """That of the policy that its answers are by."""
        return str(self.readiness().get("checks", {}).get("policy", {}).get("revision", ""))

    def metrics(self) -> str:
        return self._get("/metrics").text

    def status_page(self) -> str:
        """`/status`, as somebody reads it who has signed in."""
        with requests.Session() as session:
            session.trust_env = False
            form_key = re.search(
                r'name="form_key" value="([^"]+)"', session.get(f"{self.url}/sign-in", timeout=60).text
            )
            assert form_key
            session.post(f"{self.url}/sign-in", {"form_key": form_key[1], "token": TOKEN, "next": ""}, timeout=60)
            return session.get(f"{self.url}/status", timeout=60).text

    def _get(self, path: str) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(f"{self.url}{path}", timeout=30)


def _config(bundles_url: str, name: str) -> str:
    config = yaml.safe_load(CONFIG)
    config["services"]["policies"]["url"] = bundles_url
    config["bundles"]["authz"] |= {"resource": f"{name}/bundle.tar.gz", "polling": _POLLING}
    return yaml.safe_dump(config)
