"""The official release of OPA is taken only with the right digest; a server here plays the publisher."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.serving import serving
from tools.opa_release import (
    NotAvailable,
    WrongDigest,
    asset_name,
    check_digest,
    fetch_release,
    pinned_digests,
)
from tools.work import SetupFailed

PROGRAM = b"#!/bin/sh\necho hello\n" * 50_000
DIGEST = hashlib.sha256(PROGRAM).hexdigest()
OTHER = "0" * 64


@dataclass
class Publisher:
    """What is served, by path, and where; `promised_bytes` is a length that is announced and not kept."""

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    promised_bytes: int = 0


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = played.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            promised = played.promised_bytes if self.path == "/opa" else 0
            self.send_header("Content-Length", str(promised or len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        played = Publisher(f"http://127.0.0.1:{server.server_port}/opa")
        played.files = {"/opa": PROGRAM, "/opa.sha256": f"{DIGEST}  opa\n".encode()}
        with serving(server):
            yield played


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "opa"


def test_a_release_with_its_published_digest_is_taken(publisher: Publisher, target: Path) -> None:
    fetch_release(target, publisher.address, {})
    assert target.read_bytes() == PROGRAM
    assert os.access(target, os.X_OK)


def test_a_release_with_its_published_and_its_pinned_digest_is_taken(publisher: Publisher, target: Path) -> None:
    fetch_release(target, publisher.address, {"opa": DIGEST})
    assert target.read_bytes() == PROGRAM


def test_a_release_that_is_not_what_was_published_stops_the_set_up(publisher: Publisher, target: Path) -> None:
    publisher.files["/opa"] = PROGRAM.replace(b"hello", b"HELLO", 1)
    with pytest.raises(WrongDigest, match=f"the one published is {DIGEST}"):
        fetch_release(target, publisher.address, {})


def test_a_publisher_that_changed_its_mind_stops_the_set_up(publisher: Publisher, target: Path) -> None:
    with pytest.raises(WrongDigest, match=re.escape(f"the one pinned in tools/opa/digests.txt is {OTHER}")):
        fetch_release(target, publisher.address, {"opa": OTHER})


@pytest.mark.parametrize("file", ["/opa", "/opa.sha256"])
def test_a_release_without_one_of_its_files_is_not_available(publisher: Publisher, target: Path, file: str) -> None:
    del publisher.files[file]
    with pytest.raises(NotAvailable, match="404"):
        fetch_release(target, publisher.address, {})


def test_a_page_in_place_of_the_digest_is_not_the_publisher(publisher: Publisher, target: Path) -> None:
    publisher.files["/opa.sha256"] = b"<html>Please log in"
    with pytest.raises(NotAvailable, match="is not a digest"):
        fetch_release(target, publisher.address, {})


def test_a_download_that_breaks_off_is_not_available(publisher: Publisher, target: Path) -> None:
    publisher.promised_bytes = len(PROGRAM) + 1
    with pytest.raises(NotAvailable, match=r"broke off|IncompleteRead"):
        fetch_release(target, publisher.address, {})


def test_a_server_that_is_not_there_is_not_available(target: Path) -> None:
    with pytest.raises(NotAvailable, match="cannot be reached"):
        fetch_release(target, "http://127.0.0.1:9/opa", {})


def test_a_digest_may_be_published_without_being_pinned() -> None:
    check_digest("opa", DIGEST, DIGEST, None)


def test_a_pinned_digest_does_not_excuse_another_published_one() -> None:
    with pytest.raises(WrongDigest):
        check_digest("opa", DIGEST, OTHER, DIGEST)


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "x86_64", "opa_linux_amd64"),
        ("Linux", "aarch64", "opa_linux_arm64"),
        ("Darwin", "x86_64", "opa_darwin_amd64"),
        ("Darwin", "arm64", "opa_darwin_arm64"),
    ],
)
def test_a_release_has_the_name_of_its_platform(system: str, machine: str, name: str) -> None:
    assert asset_name(system, machine) == name


@pytest.mark.parametrize(("system", "machine"), [("Linux", "riscv64"), ("FreeBSD", "x86_64")])
def test_another_platform_has_no_release(system: str, machine: str) -> None:
    with pytest.raises(NotAvailable, match=f"none for {system} on {machine}"):
        asset_name(system, machine)


def test_digests_are_pinned_as_sha256sum_prints_them() -> None:
    text = f"# of the release\n\n{DIGEST}  opa_linux_amd64\n{OTHER}  opa_linux_arm64  # compared\n"
    assert pinned_digests(text) == {"opa_linux_amd64": DIGEST, "opa_linux_arm64": OTHER}


@pytest.mark.parametrize(
    "line",
    [
        f"{DIGEST.upper()}  opa_linux_amd64",
        f"{DIGEST[:-1]}  opa_linux_amd64",
        f"sha256:{DIGEST}  opa_linux_amd64",
        f"{DIGEST} opa linux",
        DIGEST,
    ],
)
def test_a_pin_that_could_never_match_is_refused(line: str) -> None:
    with pytest.raises(SetupFailed, match=r"tools/opa/digests\.txt: `.*` has to be 64 hexadecimal digits"):
        pinned_digests(line)


def test_the_committed_digests_can_be_read() -> None:
    text = (Path(__file__).parents[2] / "tools" / "opa" / "digests.txt").read_text()
    assert set(pinned_digests(text)) <= {
        asset_name(system, machine) for system in ("Linux", "Darwin") for machine in ("x86_64", "arm64")
    }
