"""A client that stalls: it holds no thread for ever, and whoever else asks is answered."""

import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
import requests

from authz_service.serve import HEAD_BYTES, HEAD_SECONDS, THREADS
from authz_service.web.slow_bodies import BODY_SECONDS, TOO_SLOW
from tests.conftest import SMITH_FAMILY, TOKEN
from tests.services import HOST, Service, demo, question

OWN_USAGE = question("mary.jones", "view_usage", "subscription", "mobile-2002")
ADDRESSES = ["/v1/decide", "/access/v1/evaluations", "/v1/customers/123456789/administrators", "/v1/options/x"]
# Before the head is read, the body is in the way: sizes, chunks, and a client that waits to be told to go on.
LENGTH = "Content-Length: 1000"
CHUNKED = "Transfer-Encoding: chunked"
ASKS = "Expect: 100-continue"

Connect = Callable[[], socket.socket]


@pytest.fixture(scope="module")
def service(opa: Path, policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with demo(opa, tmp_path_factory.mktemp("demo"), policies=policies, data=SMITH_FAMILY) as service:
        yield service


@pytest.fixture
def connect(service: Service) -> Iterator[Connect]:
    with ExitStack() as opened:

        def connect() -> socket.socket:
            connection = socket.create_connection((HOST, int(service.url.rpartition(":")[2])))
            connection.settimeout(HEAD_SECONDS + BODY_SECONDS)
            return opened.enter_context(closing(connection))

        yield connect


def head(address: str, *more: str) -> bytes:
    method = "PUT" if "options" in address else "POST"
    lines = [f"{method} {address} HTTP/1.1", f"Host: {HOST}", f"Authorization: Bearer {TOKEN}"]
    return "\r\n".join([*lines, "Content-Type: application/json", *more, "", ""]).encode()


def heard(connection: socket.socket) -> bytes:
    """All that is answered, until the connection ends."""
    parts = []
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_as_many_as_there_are_threads_are_refused_and_others_are_answered_then(
    service: Service, connect: Connect
) -> None:
    began = time.monotonic()
    silent, trickling = [connect() for _ in ADDRESSES], [connect() for _ in ADDRESSES]
    assert len(silent) + len(trickling) == THREADS
    ways = [(LENGTH,), (CHUNKED,), (LENGTH, ASKS), (CHUNKED, ASKS)]
    for connection, address, how in zip(silent, ADDRESSES, ways, strict=True):
        connection.sendall(head(address, *how))
    for connection, address in zip(trickling, ADDRESSES, strict=True):
        connection.sendall(head(address, LENGTH) + b"{")
    time.sleep(1)
    other = connect()
    other.settimeout(0)
    other.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answered_after = None
    while answered_after is None:
        for connection in trickling:
            with suppress(OSError):
                connection.sendall(b" ")
        time.sleep(0.25)
        with suppress(BlockingIOError):
            assert other.recv(65536).startswith(b"HTTP/1.1 200 ")
            answered_after = time.monotonic() - began
        assert time.monotonic() - began < 2 * BODY_SECONDS
    assert BODY_SECONDS <= answered_after < BODY_SECONDS + 3
    answers = [heard(connection).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n") for connection in [*silent, *trickling]]
    # Of those that trickle, one may end with another, and before its own time is over.
    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
    assert all(b"application/problem+json" in answer for answer in answers)
    assert all(TOO_SLOW.encode() in answer for answer in answers)
    assert service.decide(OWN_USAGE)["decision"] is True
    assert service.stderr.read_text().count("request.body_too_slow") >= len(silent)


def test_forms_of_people_who_have_not_signed_in_leave_threads_to_others(service: Service, connect: Connect) -> None:
    cookie = requests.get(f"{service.url}/sign-in", timeout=10).headers["Set-Cookie"].partition(";")[0]
    lines = ["POST /sign-in HTTP/1.1", f"Host: {HOST}", f"Cookie: {cookie}", "Content-Length: 1000"]
    form = "\r\n".join([*lines, "Content-Type: application/x-www-form-urlencoded", "", ""]).encode()
    connections = [connect() for _ in range(2 * THREADS)]
    for connection in connections:
        connection.sendall(form)
    began = time.monotonic()
    assert service.decide(OWN_USAGE)["decision"] is True
    assert time.monotonic() - began < BODY_SECONDS / 2
    statuses = Counter(heard(connection)[9:12] for connection in connections)
    # Two of them waited for.
    assert statuses == {b"408": 2, b"503": 2 * THREADS - 2}


def test_a_body_that_takes_its_time_and_comes_is_answered(connect: Connect) -> None:
    body = b'{"subject": {"type": "person", "id": "mary.jones"}, "action": {"name": "view_usage"},'
    rest = b'"resource": {"type": "subscription", "id": "mobile-2002"}}'
    connection = connect()
    connection.sendall(head("/v1/decide", f"Content-Length: {len(body + rest)}", "Connection: close") + body)
    time.sleep(2)
    connection.sendall(rest)
    assert b'{"decision":true,' in heard(connection)


def test_a_connection_that_is_used_meanwhile_is_not_ended_for_the_body_of_another(
    connect: Connect,
) -> None:
    used = connect()
    body = json.dumps(OWN_USAGE).encode()
    asked = head("/v1/decide", f"Content-Length: {len(body)}") + body
    connect().sendall(head("/v1/decide", LENGTH))
    began = time.monotonic()
    while time.monotonic() - began < BODY_SECONDS + 1.5:
        used.sendall(asked)
        assert used.recv(65536).startswith(b"HTTP/1.1 200 ")
        time.sleep(0.5)


def test_a_head_that_does_not_come_to_an_end_or_at_all_ends_the_connection(connect: Connect) -> None:
    silent, begun, trickling = connect(), connect(), connect()
    began = time.monotonic()
    for connection in (begun, trickling):
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
    trickled = 0
    with suppress(BrokenPipeError, ConnectionResetError):
        while time.monotonic() - began < HEAD_SECONDS + 5:
            trickling.sendall(b"X-Trickled: 1\r\n")
            trickled += 1
            time.sleep(1)
    assert trickled >= HEAD_SECONDS - 1
    assert time.monotonic() - began < HEAD_SECONDS + 4
    assert (heard(silent), heard(begun), heard(trickling)) == (b"", b"", b"")


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([f"X-Long: {'x' * 2 * HEAD_BYTES}"], 431),
        ([f"X-{n}: x" for n in range(101)], 431),
    ],
)
def test_a_head_that_is_too_large_is_refused(service: Service, connect: Connect, lines: list[str], status: int) -> None:
    connection = connect()
    with suppress(ConnectionResetError, BrokenPipeError):
        connection.sendall(head("/v1/decide", *lines, "Content-Length: 0"))
    assert heard(connection).startswith(f"HTTP/1.1 {status} ".encode())
    assert service.decide(OWN_USAGE)["decision"] is True


def test_an_address_that_is_too_long_is_refused(connect: Connect) -> None:
    connection = connect()
    with suppress(ConnectionResetError, BrokenPipeError):
        connection.sendall(f"GET /{'x' * 66_000} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert heard(connection).startswith((b"HTTP/1.1 414 ", b"HTTP/1.1 431 "))


def test_a_body_that_is_too_large_is_refused_before_it_has_come(connect: Connect) -> None:
    declared, chunked = connect(), connect()
    declared.sendall(head("/v1/decide", "Content-Length: 99999999999"))
    assert declared.recv(65536).startswith(b"HTTP/1.1 413 ")
    chunked.sendall(head("/v1/decide", CHUNKED))
    with suppress(ConnectionResetError, BrokenPipeError):
        for _ in range(1024):
            chunked.sendall(b"1000\r\n" + b" " * 0x1000 + b"\r\n")
    assert heard(chunked).startswith(b"HTTP/1.1 413 ")
