"""The sidecar of docs/how-to/publish-a-policy.md verifies, answers the service, and refuses everybody else."""

import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from authz_service.errors import Unavailable
from authz_service.opa.bundle import build_bundle
from authz_service.opa.engine import OpaEngine
from authz_service.opa.signing import read_private_key
from tests.processes import wait_until
from tests.sidecars import CONFIG, at_port, words_of_sidecar, write_config
from tests.signing import P_256, KeyPair, key_pair


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def key(tmp_path: Path) -> KeyPair:
    return key_pair(tmp_path, "public", P_256)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the URL at which it can be fetched."""
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def sidecar(opa: Path, folder: Path, key: KeyPair, config: str, port: int) -> Iterator[str]:
    write_config(folder, config)
    words = words_of_sidecar(opa, key.public, at_port(port))
    with subprocess.Popen(words, cwd=folder, env={}, stderr=subprocess.DEVNULL) as running:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            running.kill()


def revision_of(url: str) -> str:
    with closing(OpaEngine(url, timeout=1)) as engine:
        try:
            return engine.ask(()).revision
        except Unavailable:
            return ""


def from_file(served: tuple[Path, str]) -> str:
    without = re.sub(
        r"^services:\n.*\n|^(persistence_directory|status):.*\n|^    (service|persist):.*\n",
        "",
        CONFIG,
        flags=re.MULTILINE,
    )
    return without.replace("resource: bundle.tar.gz", f'resource: "file://{served[0] / "bundle.tar.gz"}"')


def fetched(served: tuple[Path, str]) -> str:
    return CONFIG.replace("https://policies.example.org", served[1])


@pytest.mark.parametrize("config", [fetched, from_file])
def test_it_answers_the_service_by_a_signed_bundle_and_nobody_else(
    opa: Path,
    policies: Path,
    tmp_path: Path,
    key: KeyPair,
    served: tuple[Path, str],
    free_port: Callable[[], int],
    config: Callable[[tuple[Path, str]], str],
) -> None:
    revision = build_bundle(opa, policies, served[0] / "bundle.tar.gz", signing=read_private_key(key.private))
    with sidecar(opa, tmp_path, key, config(served), free_port()) as url:
        wait_until(lambda: revision_of(url) == revision)
        wait_until(lambda: requests.get(f"{url}/health?bundles", timeout=5).status_code == 200)
        for path in ("/v1/data", "/v1/policies", "/v1/config", "/metrics", "/v1/query?q=data"):
            assert requests.get(f"{url}{path}", timeout=5).status_code == 401
        assert requests.put(f"{url}/v1/policies/mine", data="package mine", timeout=5).status_code == 401
        assert revision_of(url) == revision


@pytest.mark.parametrize("config", [fetched, from_file])
def test_it_takes_no_bundle_that_is_not_signed(
    opa: Path,
    policies: Path,
    tmp_path: Path,
    key: KeyPair,
    served: tuple[Path, str],
    free_port: Callable[[], int],
    config: Callable[[tuple[Path, str]], str],
) -> None:
    build_bundle(opa, policies, served[0] / "bundle.tar.gz")
    with sidecar(opa, tmp_path, key, config(served), free_port()) as url:
        wait_until(lambda: is_up(url))
        wait_until(lambda: requests.get(f"{url}/health?bundles", timeout=5).status_code == 500)
        assert revision_of(url) == ""


def is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=1).ok
    except requests.RequestException:
        return False
