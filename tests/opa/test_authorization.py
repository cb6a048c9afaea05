"""The supervised OPA answers the service's question, and nothing else to anybody."""

import http.client
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from authz_service.errors import PolicyEngineMisbehaved
from authz_service.opa import child
from authz_service.opa.bundle import build_bundle
from authz_service.opa.command import SERVER
from authz_service.opa.engine import OpaEngine
from authz_service.opa.supervisor import SupervisedOpa
from tests.processes import wait_until

ASK = "/v1/data/authz_service/ask"
STRICT = f"{ASK}?strict-builtin-errors=true"
QUESTION = json.dumps({"input": {"documents": []}})


class Said(NamedTuple):
    """What OPA says to one request."""

    status: int
    body: str


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def request(url: str, method: str, target: str, body: str = "", **headers: str) -> Said:
    with closing(_Connection(url.removeprefix("unix://"))) as connection:
        connection.request(method, target, body or None, headers)
        response = connection.getresponse()
        return Said(response.status, response.read().decode())


@pytest.fixture(scope="module")
def url(opa: Path, policies: Path) -> Iterator[str]:
    with SupervisedOpa(opa, policies) as supervised:
        yield supervised.url


@pytest.mark.parametrize("target", [STRICT, f"{ASK}?provenance=true"])
def test_the_services_question_is_answered(url: str, target: str) -> None:
    said = request(url, "POST", target, QUESTION)
    assert said.status == 200
    assert json.loads(said.body)["result"]["answers"] == []


def test_opa_says_that_it_is_well(url: str) -> None:
    assert request(url, "GET", "/health").status == 200


MODULE = 'package authz_service\n\nask := {"revision": "mine", "answers": []}\n'
QUERY = json.dumps({"query": "data.authz_service.build.revision = x"})
PATCH = json.dumps([{"op": "replace", "path": "/revision", "value": "mine"}])


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        # what would change the policy or its data
        ("PUT", "/v1/policies/authz_service/ask.rego", MODULE),
        (
            "PUT",
            "/v1/policies/authorization/system/authz/authorization.rego",
            "package system.authz\n\nallow := true\n",
        ),
        ("DELETE", "/v1/policies/authz_service/ask.rego", ""),
        ("PUT", "/v1/data/authz_service/build", '{"revision": "mine"}'),
        ("PATCH", "/v1/data/authz_service/build", PATCH),
        ("DELETE", "/v1/data/authz_service/build", ""),
        ("PUT", STRICT, "{}"),
        ("PATCH", STRICT, PATCH),
        ("DELETE", STRICT, ""),
        # what would tell of it
        ("GET", "/v1/policies", ""),
        ("GET", "/v1/policies/authz_service/ask.rego", ""),
        ("GET", "/v1/data", ""),
        ("POST", "/v1/data", QUESTION),
        ("GET", "/v1/data/authz", ""),
        ("POST", "/v1/data/authz/decision/answer", '{"input": {}}'),
        ("GET", "/v1/data/authz_service/build/revision", ""),
        ("POST", "/v1/data/system/authz/allow", '{"input": {}}'),
        ("POST", "/v0/data/authz_service/ask", "{}"),
        ("POST", "/", "{}"),
        ("GET", "/", ""),
        ("GET", "/v1/config", ""),
        ("GET", "/v1/status", ""),
        ("GET", "/metrics", ""),
        ("GET", "/v1/cli/info", ""),
        ("GET", "/debug/pprof/", ""),
        # what would evaluate something else
        ("GET", "/v1/query?q=data", ""),
        ("POST", "/v1/query", QUERY),
        ("POST", "/v1/compile", QUERY),
        ("POST", "/v1/compile/authz_service/ask", QUESTION),
        # the question, asked otherwise
        ("GET", STRICT, ""),
        ("HEAD", STRICT, ""),
        ("OPTIONS", STRICT, ""),
        ("TRACE", STRICT, ""),
        ("POST", ASK, QUESTION),
        ("POST", f"{STRICT}&explain=full", QUESTION),
        ("POST", f"{STRICT}&strict-builtin-errors=false", QUESTION),
        ("POST", f"{ASK}?strict-builtin-errors=false", QUESTION),
        ("POST", f"{ASK}?metrics=true", QUESTION),
        ("POST", f"{ASK}?instrument=true", QUESTION),
        # its path, written otherwise
        ("POST", f"{ASK}/?strict-builtin-errors=true", QUESTION),
        ("POST", f"{ASK}/revision?strict-builtin-errors=true", QUESTION),
        ("POST", "/v1/data/authz_service%2Fask?strict-builtin-errors=true", QUESTION),
        ("POST", "/v1%2Fdata/authz_service/ask?strict-builtin-errors=true", QUESTION),
        ("POST", "/v1/data/authz_service/%2e%2e/authz?strict-builtin-errors=true", QUESTION),
        ("POST", "/v1/data/authz_service/../authz?strict-builtin-errors=true", QUESTION),
        ("POST", "/v1/data/authz_service/ask/..?strict-builtin-errors=true", QUESTION),
        ("POST", "/v1/data/authz_service/ask%00?strict-builtin-errors=true", QUESTION),
        ("POST", "/v1/data/AUTHZ_SERVICE/ask?strict-builtin-errors=true", QUESTION),
        ("POST", "//v1/data/authz_service/ask?strict-builtin-errors=true", QUESTION),
        # health is no way in either
        ("GET", "/health/../v1/data", ""),
        ("GET", "/health%2F..%2Fv1%2Fdata", ""),
        ("GET", "/health/live", ""),
        ("POST", "/health", ""),
    ],
)
def test_everything_else_is_refused_and_changes_nothing(url: str, method: str, target: str, body: str) -> None:
    before = request(url, "POST", STRICT, QUESTION)
    said = request(url, method, target, body)
    # Where a path is not as it is to be, OPA names the one that is, and answers nothing.
    assert said.status in {401, 405, 301, 307}, said
    assert "result" not in said.body
    assert request(url, "POST", STRICT, QUESTION) == before


def test_a_header_names_no_other_method(url: str) -> None:
    named = {"X-HTTP-Method-Override": "POST"}
    assert request(url, "GET", STRICT, QUESTION, **named).status == 401


def test_an_opa_that_was_killed_answers_no_more_than_before(opa: Path, policies: Path) -> None:
    with SupervisedOpa(opa, policies) as supervised, closing(OpaEngine(supervised.url)) as engine:
        engine.ask(())
        assert supervised.pid
        os.kill(supervised.pid, 9)
        engine.ask(())
        assert request(supervised.url, "GET", "/v1/data").status == 401


def test_an_opa_that_refuses_the_question_is_told_as_such(opa: Path, policies: Path, tmp_path: Path) -> None:
    build_bundle(opa, policies, tmp_path / "bundle.tar.gz")
    (tmp_path / "closed.rego").write_text("package system.authz\n\nallow := false\n")
    config = {"bundles": {"authz": {"resource": f"file://{tmp_path / 'bundle.tar.gz'}"}}}
    (tmp_path / "sidecar.json").write_text(json.dumps(config))
    path = tmp_path / "opa.sock"
    listening: list[str | Path] = ["--addr", f"unix://{path}", "--authorization", "basic"]
    command: list[str | Path] = [opa, *SERVER, *listening, "--config-file", "sidecar.json", "closed.rego"]
    with subprocess.Popen(command, cwd=tmp_path, env={}, stderr=subprocess.DEVNULL) as sidecar:
        try:
            wait_until(path.exists)
            with (
                closing(OpaEngine(f"unix://{path}")) as engine,
                pytest.raises(PolicyEngineMisbehaved, match=r"system\.authz"),
            ):
                engine.ask(())
        finally:
            sidecar.kill()


def test_who_may_ask_is_decided_by_rules_that_are_in_style_and_strict(opa: Path) -> None:
    rules = Path(child.__file__).with_name("authorization.rego")
    subprocess.run([opa, "check", "--strict", rules], check=True)
    subprocess.run([opa, "fmt", "--fail", "--list", rules], check=True)
