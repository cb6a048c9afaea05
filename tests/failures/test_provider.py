"""The provider that readers sign in at fails: nobody signs in by it, and whoever calls is answered."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest
import requests

from authz_service.serve import THREADS
from tests.conftest import TOKEN
from tests.failures.asking import BILLS, OWN_USAGE, Clock, decided, is_alive, unready
from tests.ports import free_port
from tests.services import HOST, Service, serve

# What the provider has for one answer, and a place to ask it.
AT_MOST_SECONDS = 8.0
PUBLIC_URL = "http://localhost:1"


@contextmanager
def listening(says: bytes) -> Iterator[int]:
    """A port where connections are taken and these bytes sent, one each half second; nothing else is ever said."""
    done = threading.Event()

    def speak(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            for n in range(len(says)):
                connection.sendall(says[n : n + 1])
                if done.wait(0.5):
                    return
            done.wait()

    def accept(server: socket.socket, threads: ThreadPoolExecutor) -> None:
        with suppress(OSError):
            while True:
                threads.submit(speak, server.accept()[0])

    with ThreadPoolExecutor(40) as threads, closing(socket.create_server((HOST, 0))) as server:
        accepting = threading.Thread(target=accept, args=(server, threads))
        accepting.start()
        try:
            yield server.getsockname()[1]
        finally:
            done.set()
            server.shutdown(socket.SHUT_RDWR)
            accepting.join()


PROVIDERS = {"down": None, "silent": b"", "a byte now and then": b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 50}


@pytest.fixture(params=PROVIDERS)
def service(request: pytest.FixtureRequest, opa: Path, database_url: str, tmp_path: Path) -> Iterator[Service]:
    with ExitStack() as running:
        says = PROVIDERS[request.param]
        port = free_port() if says is None else running.enter_context(listening(says))
        more = {
            "AUTHZ_PUBLIC_URL": PUBLIC_URL,
            "AUTHZ_OIDC_ISSUER": f"http://{HOST}:{port}",
            "AUTHZ_OIDC_CLIENT_ID": "authz",
            "AUTHZ_OIDC_CLIENT_SECRET": "secret",
            "AUTHZ_OIDC_ALLOWED": "groups=compliance",
        }
        yield running.enter_context(serve(opa, tmp_path / "service", database_url, more))


def test_who_wants_to_sign_in_is_told_so_in_seconds_and_callers_are_answered_meanwhile(service: Service) -> None:
    begun = threading.Semaphore(0)

    def sign_in(_: int) -> tuple[int, str, float]:
        begun.release()
        with Clock() as clock:
            there = f"{service.url}/sign-in/provider"
            response = requests.get(there, headers={"Host": PUBLIC_URL.removeprefix("http://")}, timeout=60)
        return response.status_code, response.text, clock.took

    # As many as would hold every thread.
    with ThreadPoolExecutor(THREADS) as people:
        waiting = people.map(sign_in, range(THREADS))
        for _ in range(THREADS):
            begun.acquire()
        time.sleep(0.2)
        with Clock() as clock:
            assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)
            assert is_alive(service)
        assert clock.took < 3
        for status, page, took in waiting:
            assert status == 503
            assert "sign in with a token" in page
            assert took < AT_MOST_SECONDS
    assert unready(service) == set()
    sign_in_with_a_token(service.url)


def sign_in_with_a_token(url: str) -> None:
    with requests.Session() as reader:
        shown = reader.get(f"{url}/sign-in", timeout=10).text
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', shown))
        done = reader.post(f"{url}/sign-in", fields | {"token": TOKEN}, allow_redirects=False, timeout=10)
        assert done.status_code == 303
