import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from joserfc.jwk import OctKey, RSAKey

from authz_service.callers.issuer_keys import ASK_AGAIN_SECONDS, FRESH_SECONDS, USABLE_SECONDS, IssuerKeys
from authz_service.errors import IssuerUnavailable
from tests.clock import Clock
from tests.issuer import Issuer, ec, okp, rsa, served


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with served(ec("first")) as started:
        yield started


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> IssuerKeys:
    return IssuerKeys(issuer.url, clock)


def test_keys_are_fetched_at_first_need_and_then_known(keys: IssuerKeys, issuer: Issuer) -> None:
    assert issuer.asked == 0
    for _ in range(5):
        found = keys.find("first")
        assert found
        assert found.thumbprint() == issuer.keys[0].thumbprint()
    assert issuer.asked == 1


def test_a_new_key_is_found_at_once_and_a_withdrawn_one_is_known_as_such_in_time(
    keys: IssuerKeys, issuer: Issuer, clock: Clock
) -> None:
    first = keys.find("first")
    assert first
    issuer.keys = [ec("second")]
    clock.now += ASK_AGAIN_SECONDS + 1
    keys.renew()
    assert keys.holds(first.thumbprint())
    assert keys.find("second")
    assert not keys.holds(first.thumbprint())
    assert keys.find("first") is None


def test_they_are_renewed_when_it_is_time(keys: IssuerKeys, issuer: Issuer, clock: Clock) -> None:
    keys.renew()
    for _ in range(3):
        keys.renew()
    assert issuer.asked == 1
    clock.now += FRESH_SECONDS + 1
    keys.renew()
    assert issuer.asked == 2


def test_unknown_keys_make_it_ask_no_more_often_than_is_good_for_the_issuer(
    keys: IssuerKeys, issuer: Issuer, clock: Clock
) -> None:
    for n in range(50):
        assert keys.find(f"unknown-{n}") is None
        clock.now += ASK_AGAIN_SECONDS / 51
    assert issuer.asked == 1
    clock.now += 1
    assert keys.find("unknown") is None
    assert issuer.asked == 2


def test_while_the_issuer_is_away_known_keys_go_on_for_an_hour_and_no_longer(
    keys: IssuerKeys, issuer: Issuer, clock: Clock
) -> None:
    found = keys.find("first")
    assert found
    issuer.status = 503
    clock.now += USABLE_SECONDS - 1
    keys.renew()
    assert keys.failure == "it answers 503"
    assert keys.find("first")
    assert keys.holds(found.thumbprint())
    with pytest.raises(IssuerUnavailable):
        keys.find("perhaps a new one")
    clock.now += 2
    assert not keys.are_usable
    assert not keys.holds(found.thumbprint())
    with pytest.raises(IssuerUnavailable):
        keys.find("first")
    issuer.status = 200
    clock.now += ASK_AGAIN_SECONDS + 1
    assert keys.find("first")
    assert keys.failure == ""


def test_before_the_first_fetch_nothing_is_verified(keys: IssuerKeys, issuer: Issuer) -> None:
    issuer.status = 500
    assert not keys.are_usable
    with pytest.raises(IssuerUnavailable):
        keys.find("first")


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (404, b"{}", "it answers 404"),
        (302, b"", "it answers 302"),
        (204, b"", "it answers 204"),
        (200, b"<html>", "JSONDecodeError"),
        (200, b"[]", "TypeError"),
        (200, b"{}", "KeyError"),
        (200, b'{"keys": {}}', "its keys are no list"),
        (200, b"\xff", "UnicodeDecodeError"),
        (200, b" " * (256 * 1024) + b'{"keys": []}', "it answers with more than 256 KiB"),
    ],
)
def test_what_is_no_jwks_is_a_failure_and_takes_no_known_key_away(
    keys: IssuerKeys, issuer: Issuer, clock: Clock, status: int, body: bytes, failure: str
) -> None:
    keys.renew()
    issuer.status, issuer.body = status, body
    clock.now += FRESH_SECONDS + 1
    keys.renew()
    assert keys.failure == failure
    assert keys.find("first")


def test_a_jwks_without_keys_takes_them_all_away(keys: IssuerKeys, issuer: Issuer, clock: Clock) -> None:
    keys.renew()
    issuer.keys = []
    clock.now += FRESH_SECONDS + 1
    keys.renew()
    assert keys.failure == ""
    assert keys.find("first") is None


def test_keys_that_verify_no_signature_are_left_out_and_the_others_taken(
    keys: IssuerKeys, issuer: Issuer, recwarn: pytest.WarningsRecorder
) -> None:
    weak = RSAKey.generate_key(1024, {"kid": "weak"}, auto_kid=False)
    listed: list[Any] = [
        OctKey.generate_key(256, {"kid": "shared"}).as_dict(private=True),
        rsa("private").as_dict(private=True),
        rsa("to-encrypt", use="enc").as_dict(private=False),
        ec("to-sign", key_ops=["verify"]).as_dict(private=False) | {"key_ops": ["sign"]},
        weak.as_dict(private=False),
        {"kty": "EC", "kid": "broken", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "RSA", "kid": "empty"},
        {"kty": "unheard of", "kid": "unknown"},
        {name: value for name, value in ec("").as_dict(private=False).items() if name != "kid"},
        "text",
        None,
        rsa("good").as_dict(private=False),
        okp("good-too").as_dict(private=False),
    ]
    issuer.body = json.dumps({"keys": listed}).encode()
    kids = [entry.get("kid") for entry in listed if isinstance(entry, dict)]
    assert [kid for kid in kids if kid and keys.find(kid)] == ["good", "good-too"]


def test_of_very_many_keys_the_first_are_taken(keys: IssuerKeys, issuer: Issuer) -> None:
    published = ec("x").as_dict(private=False)
    issuer.body = json.dumps({"keys": [published | {"kid": str(n)} for n in range(100)]}).encode()
    assert keys.find("63")
    assert keys.find("64") is None


DRIPPING_BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
DRIPPING_HEAD = b"HTTP/1.1 200 OK\r\nX-Endless: "


@pytest.mark.parametrize("is_proxy", [False, True])
@pytest.mark.parametrize(
    ("begun", "failure"), [(b"", "ReadTimeout"), (DRIPPING_HEAD, "ReadTimeout"), (DRIPPING_BODY, "ReadTimeoutError")]
)
def test_an_issuer_that_does_not_get_on_is_given_up_on(
    begun: bytes, failure: str, monkeypatch: pytest.MonkeyPatch, *, is_proxy: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        stop = threading.Event()

        def answer() -> None:
            connection, _ = listening.accept()
            with connection, suppress(ConnectionError):
                connection.sendall(begun)
                while not stop.wait(0.02):
                    if begun:
                        connection.sendall(b" ")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        if is_proxy:
            monkeypatch.setenv("http_proxy", f"http://{address}")
        keys = IssuerKeys(f"http://{'issuer.example' if is_proxy else address}/jwks")
        began = time.monotonic()
        with pytest.raises(IssuerUnavailable):
            keys.find("first")
        assert time.monotonic() - began < 6
        assert keys.failure == failure
        stop.set()
        thread.join()


def test_nobody_waits_for_somebody_else_s_fetch(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = IssuerKeys(issuer.url)
    begun, go_on = threading.Event(), threading.Event()
    fetch: Callable[[], None] = keys._fetch  # noqa: SLF001 - it is to last as long as the test wants

    def slow() -> None:
        begun.set()
        go_on.wait()
        fetch()

    monkeypatch.setattr(keys, "_fetch", slow)
    thread = threading.Thread(target=keys.renew)
    thread.start()
    begun.wait()
    began = time.monotonic()
    with pytest.raises(IssuerUnavailable, match="are being fetched"):
        keys.find("first")
    assert time.monotonic() - began < 1
    go_on.set()
    thread.join()
    assert keys.find("first")
