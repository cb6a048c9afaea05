"""The service as processes, started as on a machine and ended whatever happens."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import requests

from authz_service.callers.callers import token_sha256
from authz_service.words import Scope
from tests.conftest import ROOT, TOKEN
from tests.ports import free_port
from tests.processes import is_running, processes_below, wait_until, workers_below

COMMAND = [sys.executable, "-c", "from authz_service.cli import main; main()"]
HOST = "127.0.0.1"
START_SECONDS = 60.0
# A letter that is on its way to a mail server which says nothing is given up after 20.
GONE_WITHIN_SECONDS = 40.0


def question(person: str, action: str, kind: str, identifier: str) -> dict[str, Any]:
    return {
        "subject": {"type": "person", "id": person},
        "action": {"name": action},
        "resource": {"type": kind, "id": identifier},
    }


class Service(NamedTuple):
    """A running service: its first process, what it writes, and how it is called."""

    process: "subprocess.Popen[bytes]"
    url: str
    stdout: Path
    stderr: Path
    session: requests.Session

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        return self.session.request(method, self.url + path, json=body, timeout=10)

    def decide(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        response = self.call("POST", "/access/v1/evaluation", asked)
        assert response.status_code == 200, response.text
        decided: dict[str, Any] = response.json()
        return decided

    def readiness(self) -> dict[str, Any]:
        checks: dict[str, Any] = self.call("GET", "/readyz").json()["checks"]
        return checks

    def processes(self, named: str = "") -> set[int]:
        """Those that it has started and that have this in their command line."""
        below = processes_below(self.process.pid).items()
        return {pid for pid, command in below if named in command}

    def workers(self) -> set[int]:
        return workers_below(self.process.pid)

    def opa(self) -> int:
        [pid] = self.processes("opa.sock")
        return pid


def environment(opa: Path, more: Mapping[str, str]) -> dict[str, str]:
    """That of the tests, without settings but for those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AUTHZ_", "OTEL_"))}
    return {**kept, "AUTHZ_OPA_BIN": str(opa), **more}


@contextmanager
def started(
    arguments: list[str],
    environ: Mapping[str, str],
    folder: Path,
    ready: Callable[[Path, Path], bool],
    url: str,
    group: int | None = None,
) -> Iterator[Service]:
    """A service that is ready, in a group where one is given; whatever it leaves behind ends with it."""
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "stdout", folder / "stderr"
    with written[0].open("wb") as stdout, written[1].open("wb") as stderr:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=environ,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            group=group,
        )
    with process, requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        try:
            wait_until(lambda: ready(*written) or process.poll() is not None, START_SECONDS)
            assert process.poll() is None, written[1].read_text()
            yield Service(process, url, *written, session)
        finally:
            below = processes_below(process.pid)
            process.terminate()
            try:
                process.wait(GONE_WITHIN_SECONDS)
            finally:
                process.kill()
                for pid in filter(is_running, below):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)


@contextmanager
def demo(
    opa: Path, folder: Path, *, policies: Path, data: Path | None = None, more: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """A demo with its state in a folder; started there again, it finds that state."""
    port = free_port()
    arguments = ["demo", "--port", str(port), "--token", TOKEN, "--policies", str(policies)]
    arguments += ["--state", str(folder / "state")]
    arguments += ["--data", str(data)] if data else []

    def ready(stdout: Path, _: Path) -> bool:
        return stdout.read_text().endswith("Ctrl-C ends it.\n")

    with started(arguments, environment(opa, more or {}), folder, ready, f"http://{HOST}:{port}") as service:
        yield service


@contextmanager
def serve(
    opa: Path,
    folder: Path,
    database_url: str,
    more: Mapping[str, str] | None = None,
    port: int | None = None,
    group: int | None = None,
) -> Iterator[Service]:
    """A `serve` on a database that is there; the token of the tests has every scope."""
    folder.mkdir(parents=True, exist_ok=True)
    callers, port = folder / "callers.yaml", port or free_port()
    digest = token_sha256(TOKEN)
    callers.touch(mode=0o600)
    callers.write_text(f"callers: [{{name: tests, token_sha256: '{digest}', scopes: [{', '.join(Scope)}]}}]\n")
    environ = environment(opa, {"AUTHZ_DATABASE_URL": database_url, "AUTHZ_CALLERS": str(callers), **(more or {})})

    def ready(_: Path, stderr: Path) -> bool:
        return f"Ready at http://{HOST}:{port}" in stderr.read_text()

    with started(["serve", "--port", str(port)], environ, folder, ready, f"http://{HOST}:{port}", group) as service:
        yield service
