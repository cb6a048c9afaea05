"""The network between a service and a server, which can be cut."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.services import HOST

_MOST_CONNECTIONS = 64


class Road:
    """Leads from a port to a Unix socket.

    Args:
        there: The Unix socket.
    """

    def __init__(self, there: Path) -> None:
        self._there = there
        self._open = threading.Event()
        self._open.set()
        self._ends: list[socket.socket] = []
        self._server = socket.create_server((HOST, 0))
        self.port: int = self._server.getsockname()[1]

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Nothing arrives and nobody is told, while the block lasts; what was sent arrives afterwards."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    def lead(self, threads: ThreadPoolExecutor) -> None:
        """Takes connections until `end`."""
        with suppress(OSError):
            while True:
                here = self._server.accept()[0]
                there = socket.socket(socket.AF_UNIX)
                self._ends += [here, there]
                try:
                    there.connect(str(self._there))
                except OSError:
                    here.shutdown(socket.SHUT_RDWR)
                    continue
                threads.submit(self._carry, here, there)
                threads.submit(self._carry, there, here)

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while sent := source.recv(65536):
                self._open.wait()
                target.sendall(sent)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Breaks off all connections."""
        self._server.shutdown(socket.SHUT_RDWR)
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._server.close()


@contextmanager
def road(there: Path) -> Iterator[Road]:
    """A road while the block lasts."""
    made = Road(there)
    with ThreadPoolExecutor(2 * _MOST_CONNECTIONS) as threads:
        leading = threading.Thread(target=made.lead, args=(threads,))
        leading.start()
        try:
            yield made
        finally:
            made.end()
            leading.join()
