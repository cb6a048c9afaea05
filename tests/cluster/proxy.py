"""HAProxy before the replicas: it asks each whether it is ready, and asks another what one has left unanswered."""

import csv
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.program import Program

_CONFIG = """\
global
    stats socket {folder}/haproxy.sock mode 600 level admin
    stats timeout 10m

defaults
    mode http
    balance roundrobin
    timeout connect 2s
    timeout client 60s
    timeout server 30s
    timeout queue 5s
    timeout check 10s
    retries 3
    option redispatch 1

frontend service
    bind 127.0.0.1:{port}
    use_backend decisions if {{ path_beg /access/v1/ }} or {{ path /v1/decide }}
    default_backend changes

# To decide changes nothing, so what a replica that is gone has left unanswered is asked of another. What is answered
# with an error is not: HAProxy would ask the same one again.
backend decisions
    retry-on conn-failure empty-response junk-response response-timeout
    option httpchk GET /readyz
    default-server check inter 500ms fall 2 rise 1
{checked}

# What changes something is sent once: whether it was done cannot be known when its answer is lost.
backend changes
    retry-on conn-failure
    http-reuse never
{tracked}
"""


class Proxy:
    """HAProxy, and what it is told and asked while it runs.

    Args:
        folder: Where its configuration and its socket are.
        port: Where it listens.
        replicas: The port of each replica, by name.
    """

    def __init__(self, folder: Path, port: int, replicas: Mapping[str, int]) -> None:
        folder.mkdir()
        self.url = f"http://127.0.0.1:{port}"
        self.config = folder / "haproxy.cfg"
        self._socket = folder / "haproxy.sock"
        at = {name: f"    server {name} 127.0.0.1:{port}" for name, port in replicas.items()}
        checked = "\n".join(at.values())
        tracked = "\n".join(f"{line} track decisions/{name}" for name, line in at.items())
        self.config.write_text(_CONFIG.format(folder=folder, port=port, checked=checked, tracked=tracked))
        # Debian has it where only root looks.
        haproxy = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
        assert haproxy, "HAProxy is not installed: apt-get install haproxy"
        self.program = Program([haproxy, "-db", "-f", str(self.config)], {}, folder)

    def sends_to(self, name: str) -> bool:
        """Whether it sends requests to a replica."""
        return self._of(name)["status"] == "UP"

    def drain(self, name: str) -> None:
        """Has it send nothing more to a replica."""
        self._tell(f"set server decisions/{name} state drain")

    def undrain(self, name: str) -> None:
        self._tell(f"set server decisions/{name} state ready")

    def is_idle(self, name: str) -> bool:
        """Whether no request is at a replica."""
        return all(self._of(name, backend)["scur"] == "0" for backend in ("decisions", "changes"))

    def retries(self) -> int:
        """How often it has asked another replica, or the same again, which HAProxy counts apart."""
        of_backends = [row for row in self._rows() if row["svname"] == "BACKEND"]
        return sum(int(row["wredis"]) + int(row["wretr"]) for row in of_backends)

    def _of(self, name: str, backend: str = "decisions") -> dict[str, str]:
        [row] = [row for row in self._rows() if (row["# pxname"], row["svname"]) == (backend, name)]
        return row

    def _rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(self._tell("show stat").strip().splitlines()))

    def _tell(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._socket))
            connection.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()
