"""The connection to OPA: opa-python-client, over TCP or a Unix socket."""

import socket
from typing import Any
from urllib.parse import urlsplit

import requests
from opa_client.opa import OpaClient
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.util.retry import Retry

from authz_service.errors import ConfigurationError

_POOL_SIZE = 32
_SCHEMES = ("unix", "http", "https")


class Client(OpaClient):  # type: ignore[misc]  # the library ships no types
    """opa-python-client with what a service needs of its connection.

    The environment's proxies and netrc stay out of it, connections are bounded and kept, and nothing is retried
    behind the caller's back. A `unix:///path` is reached through that socket.

    Raises:
        ConfigurationError: The URL is none that OPA can be reached at.
    """

    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES or not (parts.path if parts.scheme == "unix" else parts.hostname):
            raise ConfigurationError("AUTHZ_OPA_URL: must be unix:///path/to/socket or http://host:port.")
        self._socket_path = parts.path if parts.scheme == "unix" else None
        super().__init__(
            host=parts.hostname or "localhost",
            port=parts.port or 8181,
            ssl=parts.scheme == "https",
            timeout=timeout,
        )

    def _init_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        retries = Retry(total=0)
        adapter = (
            HTTPAdapter(pool_maxsize=_POOL_SIZE, pool_block=True, max_retries=retries)
            if self._socket_path is None
            else _UnixSocketAdapter(self._socket_path, retries)
        )
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session


class _UnixSocketConnection(HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout if isinstance(self.timeout, float | int) else None)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.close()
            raise


class _UnixSocketPool(HTTPConnectionPool):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", maxsize=_POOL_SIZE, block=True)
        self._path = path

    def _new_conn(self) -> _UnixSocketConnection:
        return _UnixSocketConnection(self._path, 1.0)


class _UnixSocketAdapter(HTTPAdapter):
    def __init__(self, path: str, retries: Retry) -> None:
        self._pool = _UnixSocketPool(path)
        super().__init__(max_retries=retries)

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:  # noqa: ANN401 - as inherited
        return self._pool

    def close(self) -> None:
        self._pool.close()
        super().close()
