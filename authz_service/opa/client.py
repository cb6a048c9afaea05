"""The connection to OPA: opa-python-client, over TCP or a Unix socket."""

import re
import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import requests
from opa_client.opa import OpaClient
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.util.retry import Retry

from authz_service.errors import ConfigurationError
from authz_service.in_time import InTime, InTimeAdapter

_POOL_SIZE = 32
_DEFAULT_PORT = 8181
_LAST_PORT = 65535
_URL = re.compile(
    r"unix://(?P<socket>/[^?#]+)"
    r"|(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[\w.-]+)(:(?P<port>\d{1,5}))?/?",
    re.ASCII | re.IGNORECASE,
)


class Client(OpaClient):  # type: ignore[misc]  # the library ships no types
    """opa-python-client with what a service needs of its connection.

    The environment's proxies and netrc stay out of it, connections are bounded and kept, and nothing is
    retried or asked elsewhere behind the caller's back. A `unix:///path` is reached through that socket.

    Raises:
        ConfigurationError: The URL is none that OPA can be reached at.
    """

    def __init__(self, url: str, timeout: float) -> None:
        place = _URL.fullmatch(url)
        port = int(place["port"] or _DEFAULT_PORT) if place else 0
        if place is None or not 0 < port <= _LAST_PORT:
            raise ConfigurationError("AUTHZ_OPA_URL: must be unix:///path/to/socket or http://host:port.")
        self._socket_path = place["socket"]
        is_https = (place["scheme"] or "").lower() == "https"
        super().__init__(host=place["host"] or "localhost", port=port, ssl=is_https, timeout=timeout)

    def sends(self, headers: Callable[[], Mapping[str, str]]) -> None:
        """Has these sent with every request."""

        def add(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers.update(headers())
            return request

        self._session.auth = add

    def lists_policies(self) -> bool:
        """Whether it answers whoever asks for its policies; the library asks at an address that OPA redirects."""
        answer = self._session.get(f"{self.root_url}/policies", timeout=self.timeout)
        return bool(answer.status_code == HTTPStatus.OK)

    def _init_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.max_redirects = 0
        retries = Retry(total=0)
        adapter = (
            InTimeAdapter(pool_maxsize=_POOL_SIZE, pool_block=True, max_retries=retries)
            if self._socket_path is None
            else _UnixSocketAdapter(self._socket_path, retries)
        )
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session


class _UnixSocketConnection(InTime):
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
