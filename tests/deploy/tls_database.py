"""PostgreSQL behind TLS, which that of the tests was built without."""

import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import NamedTuple

# What a client of PostgreSQL asks first if it wants TLS.
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


class TlsEnd(NamedTuple):
    """Where it is reached.

    Attributes:
        port: The port.
        complaints: What clients have said as they broke off, in the words of OpenSSL.
    """

    port: int
    complaints: list[str]


@contextmanager
def behind_tls(there: Path, context: ssl.SSLContext) -> Iterator[TlsEnd]:
    """Has the server of a Unix socket answer by TLS alone at a port, while the block lasts."""
    complaints: list[str] = []

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            if self.request.recv(len(_SSL_REQUEST), socket.MSG_WAITALL) != _SSL_REQUEST:
                return
            self.request.sendall(b"S")
            try:
                with context.wrap_socket(self.request, server_side=True) as client:
                    _carry(client, there)
            except ssl.SSLError as error:
                complaints.append(str(error.reason))

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield TlsEnd(server.server_address[1], complaints)
        finally:
            server.shutdown()
            serving.join()


def _carry(client: ssl.SSLSocket, there: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, selectors.DefaultSelector() as ready:
        server.connect(str(there))
        ready.register(client, selectors.EVENT_READ, (client, server))
        ready.register(server, selectors.EVENT_READ, (server, client))
        while True:
            for key, _ in ready.select():
                source, target = key.data
                sent = source.recv(65536)
                # What of a record is decrypted already is not waited for.
                while sent and source is client and client.pending():
                    sent += client.recv(65536)
                if not sent:
                    return
                target.sendall(sent)
