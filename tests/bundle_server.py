"""A server of files that tells whether they have changed, as those that bundles are fetched from do.

    python bundle_server.py FOLDER PORT

It tells on standard error what it was asked for, which tests read. It needs the standard library only, so that it
starts at once.
"""

import sys
import threading
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        file = Path(self.translate_path(self.path))
        self.etag = f'"{sha256(file.read_bytes()).hexdigest()}"' if file.is_file() else ""
        if self.etag and self.headers.get("If-None-Match") == self.etag:
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.end_headers()
            return
        super().do_GET()

    def end_headers(self) -> None:
        if self.etag:
            self.send_header("ETag", self.etag)
        super().end_headers()


class BundleServer:
    """Serves a folder, and can be down.

    Attributes:
        folder: The folder.
        url: Where it is served.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=folder))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def up(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def down(self) -> None:
        self._server.shutdown()
        self._server.server_close()


if __name__ == "__main__":
    handler = partial(_Handler, directory=sys.argv[1])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), handler).serve_forever()
