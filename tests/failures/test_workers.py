"""A worker fails: it is killed, or has no more memory."""

import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

import requests

from tests.failures.asking import BILLS, OWN_USAGE, decided, is_alive
from tests.processes import is_running, wait_until
from tests.services import START_SECONDS, serve

MEBIBYTE = 1024 * 1024


def test_a_service_whose_worker_is_killed_again_as_soon_as_it_is_back_ends_and_leaves_nothing_behind(
    opa: Path, database_url: str, tmp_path: Path
) -> None:
    """Whoever has started it sees that, and starts it again."""
    with serve(opa, tmp_path / "service", database_url) as service:
        below = service.processes()
        while service.process.poll() is None:
            for worker in service.workers():
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
            with suppress(AssertionError):
                wait_until(lambda: service.process.poll() is not None, 0.5)
        assert service.process.returncode == 1
        wait_until(lambda: not any(map(is_running, below)))


def test_a_worker_that_gets_no_more_memory_decides_nothing_wrong_and_everything_when_there_is_some(
    opa: Path, database_url: str, tmp_path: Path
) -> None:
    with serve(opa, tmp_path / "service", database_url) as service:
        assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)
        [worker] = service.workers()
        before = resource.prlimit(worker, resource.RLIMIT_AS)
        pages = int(Path(f"/proc/{worker}/statm").read_text().split()[0])
        batch = OWN_USAGE | {"evaluations": [{"context": {"n": n}} for n in range(9_000)]}
        told = []
        for spare in (0, 1, 2, 4, 8):
            resource.prlimit(worker, resource.RLIMIT_AS, (pages * resource.getpagesize() + spare * MEBIBYTE, before[1]))
            try:
                with suppress(requests.ConnectionError):
                    answered = service.session.post(f"{service.url}/access/v1/evaluations", json=batch, timeout=40)
                    told.append(answered.status_code)
                    if answered.status_code == 200:
                        assert {item["decision"] for item in answered.json()["evaluations"]} == {True}
            finally:
                with suppress(ProcessLookupError):
                    resource.prlimit(worker, resource.RLIMIT_AS, before)
        assert 503 in told
        assert set(told) <= {200, 503}
        wait_until(lambda: is_alive(service), START_SECONDS)
        assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)
