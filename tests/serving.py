"""Servers that tests need beside the service."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@contextmanager
def serving(server: HTTPServer) -> Iterator[str]:
    """Where a server is that serves on this machine while the block lasts."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def at_once(app: "WSGIApplication") -> "WSGIApplication":
    """The same app, whose answers are there as a whole before the first byte is written.

    Werkzeug's server leaves the file of an answer open where a browser goes away while it is written.
    """

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        return Response.from_app(app, environ, buffered=True)(environ, start_response)

    return answer
