"""A real OPA behind a proxy that spoils what it answers."""

import http.client
import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.processes import wait_until
from tests.services import HOST
from tests.serving import serving

Spoil = Callable[["Handler", int, bytes], None]
"""Sends what it makes of OPA's status and body."""


@contextmanager
def sidecar(opa: Path, bundle: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A real OPA on a port that has loaded a bundle, while the block lasts."""
    command = [str(opa), "run", "--server", "--addr", f"http://{HOST}:{port}", "--skip-version-check"]
    with subprocess.Popen(
        [*command, "--bundle", str(bundle)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_until(lambda: _listens(port))
            yield process
        finally:
            process.kill()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


class Handler(BaseHTTPRequestHandler):
    server: "Proxy"
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        opa = http.client.HTTPConnection(HOST, self.server.opa_port, timeout=10)
        opa.request("POST", self.path, asked, {"Content-Type": "application/json"})
        answered = opa.getresponse()
        body = answered.read()
        opa.close()
        self.server.spoil(self, answered.status, body)

    def send(self, status: int, body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, opa_port: int) -> None:
        super().__init__((HOST, 0), Handler)
        self.opa_port = opa_port
        self.spoil: Spoil = honest
        self.closing = threading.Event()

    def handle_error(self, *_: object) -> None:
        """The service has gone, as it no longer waits."""


@contextmanager
def proxy(opa_port: int) -> Iterator[tuple[Proxy, str]]:
    server = Proxy(opa_port)
    with serving(server) as url:
        yield server, url
        server.closing.set()


def honest(handler: Handler, status: int, body: bytes) -> None:
    handler.send(status, body)


def altered(alter: Callable[[Any], Any]) -> Spoil:
    """What OPA says, with something else in it."""

    def spoil(handler: Handler, status: int, body: bytes) -> None:
        handler.send(status, json.dumps(alter(json.loads(body))).encode())

    return spoil


def each_answer(change: dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]]) -> Spoil:
    def alter(said: dict[str, Any]) -> dict[str, Any]:
        answers = said["result"]["answers"]
        said["result"]["answers"] = [change(one) if callable(change) else one | change for one in answers]
        return said

    return altered(alter)


def with_status(code: int) -> Spoil:
    return lambda handler, _, body: handler.send(code, body)


def cut(handler: Handler, status: int, body: bytes) -> None:
    handler.send(status, body[: len(body) // 2], len(body))
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def half_but_whole(handler: Handler, status: int, body: bytes) -> None:
    handler.send(status, body[: len(body) // 2])


def silent(handler: Handler, _: int, __: bytes) -> None:
    handler.server.closing.wait(30)


def drop(handler: Handler, _: int, __: bytes) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def trickle(handler: Handler, status: int, body: bytes) -> None:
    """A byte a half second: never silent, and never done."""
    handler.send(status, b"", len(body))
    for n in range(len(body)):
        handler.wfile.write(body[n : n + 1])
        handler.wfile.flush()
        if handler.server.closing.wait(0.5):
            return


def trickle_head(handler: Handler, _: int, __: bytes) -> None:
    for letter in b"HTTP/1.1 200 OK\r\n" + b"X-Trickled: 1\r\n" * 100:
        handler.wfile.write(bytes([letter]))
        handler.wfile.flush()
        if handler.server.closing.wait(0.5):
            return
