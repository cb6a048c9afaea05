"""HTTP connections on which an answer has to be whole in time: one that comes byte by byte is none."""

import http.client
import io
import socket
import time

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class _Received(io.RawIOBase):
    """What comes by a socket, all of it within the time that the socket has for any part of it."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        # It also keeps the socket open until all is read.
        self._raw = sock.makefile("rb", buffering=0)
        self._patience = sock.gettimeout()
        self._deadline = None if self._patience is None else time.monotonic() + self._patience

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]  # what BufferedReader gives
        if self._deadline is None:
            return self._raw.readinto(buffer)
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        try:
            return self._raw.readinto(buffer)
        finally:
            self._socket.settimeout(self._patience)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: object, **named: object) -> None:
        super().__init__(sock, *arguments, **named)  # type: ignore[arg-type]  # as inherited
        self.fp.close()
        self.fp = io.BufferedReader(_Received(sock))


class InTime(HTTPConnection):
    response_class = _Response


class _InTimeTls(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = InTime


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _InTimeTls


_POOLS = {"http": _Pool, "https": _TlsPool}


class InTimeAdapter(HTTPAdapter):
    """For TCP, by a proxy of the environment too."""

    def init_poolmanager(self, *arguments: object, **named: object) -> None:
        super().init_poolmanager(*arguments, **named)  # type: ignore[arg-type]  # as inherited
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **named: object) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(proxy, **named)
        manager.pool_classes_by_scheme = _POOLS
        return manager


def wait_no_longer(session: requests.Session) -> None:
    """Has what is asked answered as a whole within its time-out."""
    for scheme in ("https://", "http://"):
        session.mount(scheme, InTimeAdapter())
