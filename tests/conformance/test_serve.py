"""The scenarios as a process of their own: it answers, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
import requests

from authz_service.errors import ConfigurationError
from tests.conformance import served as module
from tests.conformance.asking import Service
from tests.conformance.served import served
from tests.conftest import ROOT
from tests.processes import is_running, processes_below, wait_until

COMMAND = [sys.executable, "-m", "tests.conformance.serve"]
GONE_WITHIN_SECONDS = 15.0


def test_it_says_when_it_is_ready_answers_and_ends_with_all_that_it_started(free_port: Callable[[], int]) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [*COMMAND, "--port", str(port), "--token", "secret"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == f"Ready at {url}\n"
            below = processes_below(process.pid)
            assert any("opa" in command for command in below.values())
            assert requests.get(f"{url}/readyz", timeout=10).status_code == 200
            metadata = requests.get(f"{url}/.well-known/authzen-configuration", timeout=10).json()
            assert metadata["policy_decision_point"] == url
            asked = {
                "subject": {"type": "user", "id": "alice"},
                "action": {"name": "read"},
                "resource": {"type": "record", "id": "record-1"},
            }
            bearer = {"Authorization": "Bearer secret"}
            decided = requests.post(f"{url}/access/v1/evaluation", json=asked, headers=bearer, timeout=10)
            assert decided.json() == {"decision": True}
            process.send_signal(signal.SIGTERM)
            assert process.wait(GONE_WITHIN_SECONDS) == 0
            assert process.stdout.read() == ""
        finally:
            process.kill()
    wait_until(lambda: not any(map(is_running, below)), GONE_WITHIN_SECONDS)


def test_a_served_block_ends_with_its_service() -> None:
    with served() as service:
        below = processes_below(os.getpid())
        [process] = [pid for pid, command in below.items() if service.address.rpartition(":")[2] in command]
        below = {process: "", **processes_below(process)}
        assert len(below) > 2
    wait_until(lambda: not any(map(is_running, below)), GONE_WITHIN_SECONDS)


def test_a_service_that_does_not_start_is_told_with_what_it_said(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "free_port", lambda: int(service.address.rpartition(":")[2]))
    with pytest.raises(ConfigurationError, match=r"does not start:\n127\.0\.0\.1:\d+ cannot be listened on"), served():
        pass


def test_its_help_has_examples() -> None:
    shown = subprocess.run([*COMMAND, "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "Examples:\n    python -m tests.conformance.serve --port 8090 --token SECRET\n" in shown
