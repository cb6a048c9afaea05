"""A worker fails: it is killed, or has no more memory."""

import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

import requests

from tests.failures.asking import BILLS, OWN_USAGE, decided, is_alive
from tests.processes import is_running, wait_until
from tests.services import START_SECONDS, Service, serve

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


def test_a_worker_that_gets_no_more_memory_decides_nothing_wrong_and_another_takes_its_place(
    opa: Path, database_url: str, tmp_path: Path
) -> None:
    batch = OWN_USAGE | {"evaluations": [{"context": {"n": n}} for n in range(9_000)]}
    with serve(opa, tmp_path / "service", database_url) as service:
        assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)
        [worker] = service.workers()
        pages = int(Path(f"/proc/{worker}/statm").read_text().split()[0])
        told: int | str = 200
        for spare in (32, 16, 8, 4, 2, 1, 0):
            limit = pages * resource.getpagesize() + spare * MEBIBYTE
            resource.prlimit(worker, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
            try:
                answered = service.session.post(f"{service.url}/access/v1/evaluations", json=batch, timeout=40)
            except requests.RequestException:
                told = "a connection that breaks off"
                break
            told = answered.status_code
            if told != 200:
                break
            assert {item["decision"] for item in answered.json()["evaluations"]} == {True}
        assert told in {503, "a connection that breaks off"}
        with suppress(ProcessLookupError):
            resource.prlimit(worker, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: answers(service), START_SECONDS)
        assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)


def answers(service: Service) -> bool:
    with suppress(requests.RequestException):
        return is_alive(service)
    return False
