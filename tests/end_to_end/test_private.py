"""What the service makes is for its own user alone, and a demo is for this machine alone."""

import json
import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import SMITH_FAMILY
from tests.processes import wait_until
from tests.services import Service, demo, question, serve

_LISTENING = "0A"


@contextmanager
def no_umask() -> Iterator[None]:
    """Where nothing is kept from others by default."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def use(service: Service) -> None:
    """Has it write whatever it writes."""
    for _ in range(3):
        service.decide(question("mary.jones", "view_usage", "subscription", "mobile-2002"))
    service.call("POST", "/v1/decide", {"subject": 1})
    wish = {"person": "mary.jones", "channel": "web", "current_administrator_informed": True}
    service.call("POST", "/v1/customers/123456789/administrators", wish)
    service.call("PUT", "/v1/people/new.comer", {"id": "new.comer", "name": "New", "email": "new@example.org"})
    wait_until(lambda: service.readiness()["journal"]["behind_bytes"] == 0)


def loose(folder: Path) -> list[str]:
    """Those below a folder that others may do anything with, with their modes."""
    found = ((path, stat.S_IMODE(path.stat().st_mode)) for path in sorted(folder.rglob("*")))
    return [f"{mode:o} {path}" for path, mode in found if mode & 0o077]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder with a short name, as that of a socket in it may have no more than 107 characters."""
    with TemporaryDirectory(prefix="authz-") as folder:
        yield Path(folder)


@pytest.mark.parametrize("word", ["demo", "serve"])
def test_files_are_0600_and_folders_0700_whatever_the_umask_is(
    opa: Path, policies: Path, tmp_path: Path, temporary: Path, word: str
) -> None:
    more = {"TMPDIR": str(temporary), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with no_umask():
        if word == "demo":
            running = demo(opa, tmp_path / "run", policies=policies, data=SMITH_FAMILY, more=more)
        else:
            more |= {"AUTHZ_JOURNAL_FOLDER": str(tmp_path / "run" / "state" / "deep" / "journal")}
            for folder in ("run", "run/state"):
                (tmp_path / folder).mkdir(mode=0o700)
            running = serve(opa, tmp_path / "run", f"sqlite:///{tmp_path}/run/state/authz.db", more)
        with running as service:
            use(service)
            made = {path.name for folder in (tmp_path, temporary) for path in folder.rglob("*")}
            assert made >= {"authz.db", "authz.db-wal", "pseudonyms.key", "signing.pem", "opa.log", "opa.sock", "lock"}
            assert any(name.endswith(".journal") for name in made)
            assert loose(tmp_path / "run" / "state") == []
            assert loose(temporary) == []
            assert loose(tmp_path / "cache") == []


def test_a_risk_that_is_allowed_is_told_at_each_start(opa: Path, tmp_path: Path) -> None:
    (tmp_path / "authz.db").touch()
    (tmp_path / "authz.db").chmod(0o644)
    more = {"AUTHZ_ALLOW_INSECURE": "files"}
    for start in ("first", "second"):
        with serve(opa, tmp_path / start, f"sqlite:///{tmp_path}/authz.db", more) as service:
            assert service.readiness()["database"]["ok"]
            logged = [json.loads(line) for line in service.stderr.read_text().splitlines() if "insecure" in line]
        assert {(entry["event"], entry["by"]) for entry in logged} == {
            ("insecure.allowed", "AUTHZ_ALLOW_INSECURE=files")
        }
        assert any(f"{tmp_path}/authz.db may be read by everybody on this machine" in entry["what"] for entry in logged)


def test_a_demo_listens_on_this_machine_alone(opa: Path, policies: Path, tmp_path: Path) -> None:
    with demo(opa, tmp_path, policies=policies) as service:
        port = int(service.url.rpartition(":")[2])
        assert addresses_listening_at(port) == {"127.0.0.1"}


def addresses_listening_at(port: int) -> set[str]:
    """Source: proc_pid_net(5)."""
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, at = local.partition(":")
            if state == _LISTENING and int(at, 16) == port:
                words = [int(address[n : n + 8], 16) for n in range(0, len(address), 8)]
                found.add(socket.inet_ntop(family, struct.pack(f"={len(words)}I", *words)))
    return found
