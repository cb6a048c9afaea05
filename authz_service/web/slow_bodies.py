"""Ends requests whose bodies come too slowly.

A thread that waits for a body answers nobody else, the server knows no deadline for one, and nothing in Python ends the
wait. So the client is no longer listened to: its body ends there, the thread is free, and the answer is a 408.
"""

import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog
from werkzeug.exceptions import RequestTimeout

from authz_service.watch import Watch

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = structlog.get_logger()

BODY_SECONDS = 10
"""How long a body may take to come, from where it is begun to be read."""

TOO_SLOW = f"The body, or another from the same address, has not come within {BODY_SECONDS} seconds."
"""What the answer says."""

_LOOK_EVERY_SECONDS = 0.5
_OVERDUE, _ENDED = "authz_service.body_overdue", "authz_service.body_ended"
# Of the `struct tcp_info` of Linux, how long ago something was last sent, and received, in milliseconds.
_AGES = struct.Struct("=44xI4xI")
# From the head of a request to the reading of its body, and on to the line that tells a client to go on.
_AT_ONCE_SECONDS = 0.1
_INTERNET = (socket.AF_INET, socket.AF_INET6)


_Reading: TypeAlias = "tuple[WSGIEnvironment, float]"
"""A request, and when its body was begun to be read. Plain, as there is one for each decision."""


class SlowBodies:
    """Reads bodies, with a thread that looks after those that do not come. On Linux; elsewhere they are waited for.

    The server does not tell which connection a request came by. It is one with that client which has been sent nothing
    since the body was begun to be read; most likely that whose last byte came just then. If the body is still waited
    for after that has ended, so do the others from that address: what a client that makes this service wait for several
    bodies has asked besides, and where a proxy hands bodies on as they come, what others have asked through it. Their
    answer is a 408 as well.
    """

    def __init__(self) -> None:
        self._readings: dict[int, _Reading] = {}
        self._watch = Watch(self._end_overdue, interval=_LOOK_EVERY_SECONDS, name="slow-bodies")

    def start(self) -> None:
        if sys.platform == "linux":
            self._watch.start()

    def stop(self) -> None:
        self._watch.stop()

    def read(self, environ: "WSGIEnvironment", body: Any, size: int, since: float) -> bytes:  # noqa: ANN401 - what the server has
        """So much of the body, or less where it ends before.

        Args:
            environ: The request.
            body: What is read from.
            size: In bytes.
            since: When the body was begun to be read, by `time.monotonic`.

        Raises:
            RequestTimeout: It does not come.
        """
        thread = threading.get_ident()
        self._readings[thread] = environ, since
        try:
            data: bytes = body.read(size)
        finally:
            del self._readings[thread]
        if len(data) < size and _ENDED in environ:
            raise RequestTimeout
        return data

    def look_after(self, environ: "WSGIEnvironment") -> None:
        """Has whoever reads this body later not wait for longer either."""
        environ["wsgi.input"] = _Body(self, environ)

    def _end_overdue(self) -> None:
        began_before = time.monotonic() - BODY_SECONDS
        readings = list(self._readings.values())
        for environ, since in readings:
            if since >= began_before:
                continue
            for other, _ in readings:
                # It may be whose connection is ended.
                if other.get("REMOTE_ADDR") == environ.get("REMOTE_ADDR"):
                    other[_ENDED] = True
            # Without a file handle left it cannot be looked, and is the next time.
            with suppress(OSError):
                _stop_listening(environ, since)


class _Body:
    """The body of a request as Werkzeug reads it."""

    def __init__(self, bodies: SlowBodies, environ: "WSGIEnvironment") -> None:
        self._bodies = bodies
        self._environ = environ
        self._body = environ["wsgi.input"]
        self._since = 0.0

    def read(self, size: int) -> bytes:
        self._since = self._since or time.monotonic()
        return self._bodies.read(self._environ, self._body, size, self._since)


def _stop_listening(environ: "WSGIEnvironment", since: float) -> None:
    waited = time.monotonic() - since
    client, port = environ.get("REMOTE_ADDR"), environ.get("SERVER_PORT")
    is_second_time = _OVERDUE in environ
    environ[_OVERDUE] = True
    for connection in _connections():
        # The client may have gone meanwhile.
        with connection, suppress(OSError):
            if connection.getpeername()[0] != client or str(connection.getsockname()[1]) != port:
                continue
            sent, received = _ages(connection)
            is_unanswered = sent > waited - _AT_ONCE_SECONDS
            if is_unanswered and (is_second_time or abs(received - waited) < _AT_ONCE_SECONDS):
                connection.shutdown(socket.SHUT_RD)
    if not is_second_time:
        log.warning("request.body_too_slow", path=environ["PATH_INFO"], waited_seconds=round(waited, 1))


def _ages(connection: socket.socket) -> tuple[float, float]:
    """For how many seconds nothing has been sent, and received."""
    sent, received = _AGES.unpack(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _AGES.size))
    return sent / 1000, received / 1000


def _connections() -> Iterator[socket.socket]:
    """Every Internet socket of this process, each to be closed by whoever takes it."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names of numbers, not paths
        with suppress(OSError):
            descriptor = os.dup(int(name))
            try:
                found = socket.socket(fileno=descriptor)
            except OSError:
                os.close(descriptor)
                continue
            if found.family in _INTERNET:
                yield found
            else:
                found.close()
