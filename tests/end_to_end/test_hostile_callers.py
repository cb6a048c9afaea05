"""Callers who mean harm, against the service as it is started on a machine, with two workers and an issuer's JWKS."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from joserfc.jwk import Key, RSAKey

from authz_service.callers.callers import token_sha256
from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.storage.database import connect, upgrade
from tests.conftest import SMITH_FAMILY, TOKEN
from tests.issuer import Issuer, claims, ec, rsa, served, signed
from tests.processes import wait_until
from tests.services import HOST, START_SECONDS, Service, question, serve

WORKERS = 2
OUT_WITHIN_SECONDS = 1.0
ATTEMPTS = 5
ZONE, ZONE_NEXT, ZONE_THIRD = "token-of-zone-1f9c", "token-of-zone-2e8d", "token-of-zone-3b7a"
OTHER, USAGE, SLOW = "token-of-other-8c2e", "token-of-usage-5d1f", "token-of-slow-7a3b"
PROXY = "127.0.0.9"
"""An address of this machine from which the certificate header is believed."""

CERTIFICATE = b"the DER of a certificate"
USUAL = question("mary.jones", "view_usage", "subscription", "mobile-2002")
BODY = json.dumps(USUAL).encode()
SEARCH = {"subject": {"type": "person", "id": "philip.smith"}, "action": {"name": "view_usage"}}
SEARCH |= {"resource": {"type": "subscription"}}

EC, RSA, RSA_FOR_PS256 = ec("published-ec"), rsa("published-rsa"), rsa("published-ps", alg="PS256")
OF_ANY_RSA = RSAKey.import_key(
    {name: value for name, value in RSA_FOR_PS256.as_dict(private=True).items() if name != "alg"}
)
"""The same key, with nothing that keeps its owner from another algorithm."""
STRANGER = ec("published-ec")
"""A key of somebody else, under the id of one that is published."""


class Hostile(NamedTuple):
    """A running service and who it knows.

    Attributes:
        service: It.
        issuer: Whose access tokens it takes.
        callers: Its callers' file.
        elsewhere: Another JWKS, of which it must never ask.
    """

    service: Service
    issuer: Issuer
    callers: Path
    elsewhere: Issuer


def write_callers(path: Path, *, of_zone: tuple[str, ...] = (ZONE, ZONE_NEXT)) -> None:
    tokens = ", ".join(f"{{sha256: '{token_sha256(token)}'}}" for token in of_zone)
    zone = f"  - {{name: zone, tokens: [{tokens}], scopes: [decide]}}" if of_zone else ""
    written = path.with_suffix(".new")
    written.write_text(f"""\
callers:
  - {{name: tests, token_sha256: "{token_sha256(TOKEN)}", scopes: [decide, administrators, customers, audit]}}
{zone}
  - {{name: other, token_sha256: "{token_sha256(OTHER)}", scopes: [decide]}}
  - {{name: usage, token_sha256: "{token_sha256(USAGE)}", scopes: [decide, administrators], actions: [view_usage]}}
  - {{name: slow, token_sha256: "{token_sha256(SLOW)}", scopes: [decide], limits: {{per_second: 0.01, burst: 7}}}}
  - {{name: narrow-app, scopes: [decide], actions: [view_usage]}}
  - {{name: by-certificate, certificate_sha256: "{hashlib.sha256(CERTIFICATE).hexdigest()}", scopes: [decide]}}
""")
    written.replace(path)


@pytest.fixture(scope="module")
def hostile(opa: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    folder = tmp_path_factory.mktemp("hostile")
    url = f"sqlite:///{folder / 'authz.db'}"
    database = connect(url)
    upgrade(database)
    import_files(database, [SMITH_FAMILY], key_finder(None, database))
    database.dispose()
    callers = folder / "who-may-call.yaml"
    write_callers(callers)
    with served(EC, RSA, RSA_FOR_PS256) as issuer, served(STRANGER) as elsewhere:
        more = {
            **issuer.environ,
            "AUTHZ_CALLERS": str(callers),
            "AUTHZ_WORKERS": str(WORKERS),
            "AUTHZ_CLIENT_CERT_HEADER": "ClientCert",
            "AUTHZ_TRUSTED_PROXIES": PROXY,
        }
        with serve(opa, folder / "service", url, more) as service:
            yield Hostile(service, issuer, callers, elsewhere)


def ask(hostile: Hostile, token: str | None, path: str = "/v1/decide", body: object = None) -> requests.Response:
    """On a connection of its own, which may reach any worker."""
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return requests.post(hostile.service.url + path, json=USUAL if body is None else body, headers=headers, timeout=10)


def segment(value: object) -> str:
    encoded = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(encoded).decode().rstrip("=")


def by_hand(header: dict[str, object], signature: bytes = b"", **changes: object) -> str:
    return f"{segment(header)}.{segment(claims(**changes))}.{segment(signature)}"


def with_public_key_as_secret(encoded: bytes, alg: str = "HS256") -> str:
    unsigned = by_hand({"alg": alg, "kid": RSA.kid, "typ": "at+jwt"}).rpartition(".")[0]
    return f"{unsigned}.{segment(hmac.digest(encoded, unsigned.encode(), f'sha{alg[2:]}'))}"


def resigned(change: Callable[[dict[str, Any]], dict[str, Any]]) -> str:
    """A token of the issuer whose claims were changed afterwards."""
    header, payload, signature = signed(EC, "ES256", scope="decide").split(".")
    decoded = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return f"{header}.{segment(change(decoded))}.{signature}"


def flipped(token: str) -> str:
    head, _, signature = token.rpartition(".")
    return f"{head}.{'B' if signature[0] != 'B' else 'C'}{signature[1:]}"


def in_seconds(seconds: int) -> int:
    """The time in so many seconds, or so many ago, as a claim has it."""
    return int(time.time()) + seconds


JWK = STRANGER.as_dict(private=False)
FORGED: dict[str, Callable[[Hostile], str]] = {
    "forged signature": lambda _: flipped(signed(EC, "ES256")),
    "empty signature": lambda _: signed(EC, "ES256").rpartition(".")[0] + ".",
    "all-zero signature": lambda _: by_hand({"alg": "ES256", "kid": EC.kid, "typ": "at+jwt"}, b"\0" * 64),
    "signature of somebody else": lambda _: signed(STRANGER, "ES256"),
    "claims changed afterwards": lambda _: resigned(lambda said: said | {"scope": "decide administrators"}),
    "expiry changed afterwards": lambda _: resigned(lambda said: said | {"exp": in_seconds(9_999)}),
    "expired": lambda _: signed(EC, "ES256", iat=in_seconds(-900), exp=in_seconds(-60)),
    "not yet valid": lambda _: signed(EC, "ES256", nbf=in_seconds(600), exp=in_seconds(900)),
    "issued in the future": lambda _: signed(EC, "ES256", iat=in_seconds(600), exp=in_seconds(900)),
    "without an end": lambda _: signed(EC, "ES256", exp=...),
    "alg none": lambda _: by_hand({"alg": "none", "kid": EC.kid, "typ": "at+jwt"}),
    "alg nOnE": lambda _: by_hand({"alg": "nOnE", "kid": EC.kid, "typ": "at+jwt"}),
    "alg none with a signature": lambda _: by_hand({"alg": "none", "kid": EC.kid}, b"x" * 64),
    "no alg": lambda _: by_hand({"kid": EC.kid, "typ": "at+jwt"}),
    "HS256 with the public key as PEM": lambda _: with_public_key_as_secret(RSA.as_pem(private=False)),
    "HS256 with the public key as DER": lambda _: with_public_key_as_secret(RSA.as_der(private=False)),
    "HS512 with the public key as JSON": lambda _: with_public_key_as_secret(
        json.dumps(RSA.as_dict(private=False)).encode(), "HS512"
    ),
    "an algorithm that is not on the list": lambda _: signed(RSA, "RS512"),
    "another algorithm than the key is for": lambda _: signed(OF_ANY_RSA, "RS256"),
    "wrong audience": lambda _: signed(EC, "ES256", aud="https://another.example"),
    "no audience": lambda _: signed(EC, "ES256", aud=...),
    "wrong issuer": lambda _: signed(EC, "ES256", iss="https://issuer.example.evil"),
    "missing kid": lambda _: signed(EC, "ES256", {"kid": ...}),
    "kid of another key": lambda _: signed(EC, "ES256", {"kid": RSA.kid}),
    "kid that is a path": lambda _: signed(EC, "ES256", {"kid": "../../../../dev/null"}),
    "own key embedded": lambda _: signed(STRANGER, "ES256", {"jwk": JWK}),
    "own key embedded, no kid": lambda _: signed(STRANGER, "ES256", {"jwk": JWK, "kid": ...}),
    "jku": lambda hostile: signed(STRANGER, "ES256", {"jku": hostile.elsewhere.url}),
    "jku, other kid": lambda hostile: signed(STRANGER, "ES256", {"jku": hostile.elsewhere.url, "kid": "theirs"}),
    "x5u": lambda hostile: signed(STRANGER, "ES256", {"x5u": hostile.elsewhere.url}),
    "x5c": lambda _: signed(STRANGER, "ES256", {"x5c": [base64.b64encode(CERTIFICATE).decode()]}),
    "ID token": lambda _: signed(EC, "ES256", {"typ": "JWT"}, nonce="n"),
    "bound to a key that nobody has shown": lambda _: signed(EC, "ES256", cnf={"jkt": "x"}),
    "encrypted": lambda _: "e30.e30.e30.e30.e30",
    "the digest of a token": lambda _: token_sha256(TOKEN),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_401_and_says_nothing_of_why(hostile: Hostile, name: str) -> None:
    token = FORGED[name](hostile)
    # While a worker fetches the keys it cannot tell, and does not. So often that each worker has been asked for sure.
    wait_until(lambda: all(ask(hostile, token).status_code != HTTPStatus.SERVICE_UNAVAILABLE for _ in range(20)))
    # Twice, as what is remembered must not be another.
    for _ in range(2):
        response = ask(hostile, token)
        assert response.status_code == HTTPStatus.UNAUTHORIZED
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="authz-service", error="invalid_token"'
        assert response.json()["detail"] == "A valid bearer token is needed in the header Authorization."
        assert "Decision-Id" not in response.headers
    assert hostile.elsewhere.asked == 0


@pytest.mark.parametrize(("key", "alg"), [(EC, "ES256"), (RSA, "RS256"), (RSA, "PS256"), (RSA_FOR_PS256, "PS256")])
def test_the_same_token_unforged_is_taken(hostile: Hostile, key: Key, alg: str) -> None:
    assert ask(hostile, signed(key, alg)).json()["decision"] is True


def test_keys_and_addresses_in_a_header_make_a_good_token_no_worse(hostile: Hostile) -> None:
    header = {"jwk": JWK, "jku": hostile.elsewhere.url, "x5u": hostile.elsewhere.url}
    assert ask(hostile, signed(EC, "ES256", header)).status_code == HTTPStatus.OK
    assert hostile.elsewhere.asked == 0


def test_the_issuer_is_not_asked_once_for_each_unknown_key(hostile: Hostile) -> None:
    before = hostile.issuer.asked
    for n in range(100):
        assert ask(hostile, signed(STRANGER, "ES256", {"kid": f"unknown-{n}"})).status_code in {401, 503}
    assert hostile.issuer.asked - before <= 3 * WORKERS


@pytest.mark.parametrize(
    ("scope", "path", "body"),
    [
        ("decide", "/v1/customers/123456789/administrators", {"person": "mary.jones", "channel": "web"}),
        ("audit", "/v1/decide", USUAL),
        ("administrators", "/v1/decide", USUAL),
        ("", "/v1/decide", USUAL),
        ("decide.administrators decide:customers", "/v1/decide", USUAL),
    ],
)
def test_a_token_opens_what_its_scopes_say_and_nothing_else(
    hostile: Hostile, scope: str, path: str, body: dict[str, object]
) -> None:
    response = ask(hostile, signed(EC, "ES256", scope=scope), path, body)
    assert response.status_code == HTTPStatus.FORBIDDEN
    assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]


def test_a_token_does_not_widen_what_a_configured_caller_may(hostile: Hostile) -> None:
    token = signed(EC, "ES256", client_id="narrow-app", scope="decide administrators customers audit")
    assert ask(hostile, token).json()["decision"] is True
    headers = {"Authorization": f"Bearer {token}"}
    for path in ("/v1/people/mary.jones", "/v1/decisions"):
        response = requests.get(hostile.service.url + path, headers=headers, timeout=10)
        assert response.status_code == HTTPStatus.FORBIDDEN
    bills = question("philip.smith", "view_bills", "customer", "123456789")
    assert ask(hostile, token, body=bills).status_code == HTTPStatus.FORBIDDEN


def test_the_page_of_a_search_is_for_the_caller_alone_that_it_was_given_to(hostile: Hostile) -> None:
    def search(caller: str, page: dict[str, object]) -> requests.Response:
        return ask(hostile, caller, "/access/v1/search/resource", {**SEARCH, "page": page})

    first = search(ZONE, {"limit": 1})
    token = first.json()["page"]["next_token"]
    assert token
    for caller in (OTHER, USAGE, TOKEN, signed(EC, "ES256"), signed(EC, "ES256", client_id="zon")):
        assert search(caller, {"token": token}).status_code == HTTPStatus.BAD_REQUEST
    # A caller that is exchanging its token goes on.
    assert search(ZONE_NEXT, {"token": token}).status_code == HTTPStatus.OK


@pytest.mark.parametrize("name", ["access_token", "token", "authorization", "Authorization", "bearer"])
def test_a_token_in_the_address_or_in_a_form_is_none(hostile: Hostile, name: str) -> None:
    url = f"{hostile.service.url}/v1/decide"
    assert requests.post(url, json=USUAL, params={name: TOKEN}, timeout=10).status_code == HTTPStatus.UNAUTHORIZED
    assert requests.post(url, data={name: TOKEN}, timeout=10).status_code == HTTPStatus.UNAUTHORIZED
    assert requests.post(url, json=USUAL, cookies={name: TOKEN}, timeout=10).status_code == HTTPStatus.UNAUTHORIZED


# requests that no client library would send


def spoken(hostile: Hostile, request: bytes) -> bytes:
    """All that is answered on one connection, until the service closes it or says no more."""
    port = int(hostile.service.url.rpartition(":")[2])
    answered = b""
    with socket.create_connection((HOST, port), timeout=10) as connection:
        connection.sendall(request)
        connection.settimeout(1)
        try:
            while received := connection.recv(65_536):
                answered += received
        except TimeoutError:
            pass
    return answered


def head(*lines: str, length: int | None = len(BODY)) -> bytes:
    said = ["POST /v1/decide HTTP/1.1", "Host: authz", "Content-Type: application/json", *lines]
    said += [f"Content-Length: {length}"] if length is not None else []
    return "\r\n".join([*said, "", ""]).encode("latin-1")


RIGHT, WRONG = f"Authorization: Bearer {TOKEN}", "Authorization: Bearer wrong"


@pytest.mark.parametrize("lines", [(RIGHT, WRONG), (WRONG, RIGHT), (RIGHT, RIGHT), (WRONG, RIGHT.lower())])
def test_two_authorization_headers_are_none(hostile: Hostile, lines: tuple[str, str]) -> None:
    answered = spoken(hostile, head(*lines, "Connection: close") + BODY)
    assert answered.startswith(b"HTTP/1.1 401 ")
    assert answered.count(b"HTTP/1.1 ") == 1


def test_one_of_them_alone_is_answered(hostile: Hostile) -> None:
    assert spoken(hostile, head(RIGHT, "Connection: close") + BODY).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "lines",
    [
        ("Authorization: Bearer", f" {TOKEN}"),
        ("X-Before: 1", f"\t{RIGHT}"),
        (f"Authorization : Bearer {TOKEN}",),
        (f"Authorization: Bearer {TOKEN}\0",),
        (f"X-Before: 1\r{RIGHT}",),
        ("Content-Length: 1",),
        ("Content-Length: +1",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked, identity",),
    ],
    ids=repr,
)
def test_what_two_servers_could_read_differently_is_refused_whole(hostile: Hostile, lines: tuple[str, ...]) -> None:
    whole = lines if "Authorization" in "".join(lines) else (RIGHT, *lines)
    answered = spoken(hostile, head(*whole) + BODY)
    assert answered.startswith(b"HTTP/1.1 400 ")
    assert answered.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("order", [1, -1])
def test_with_two_lengths_what_follows_is_no_request_of_its_own(hostile: Hostile, order: int) -> None:
    smuggled = head(RIGHT, "Connection: close") + BODY
    lines = ("Transfer-Encoding: chunked", f"Content-Length: {len(smuggled) + 5}")[::order]
    answered = spoken(hostile, head(WRONG, *lines, length=None) + b"0\r\n\r\n" + smuggled)
    assert answered.count(b"HTTP/1.1 ") == 1
    assert answered[:13] in {b"HTTP/1.1 401 ", b"HTTP/1.1 400 "}


# certificates


def through_proxy(hostile: Hostile, headers: dict[str, str], source: str = PROXY) -> int:
    port = int(hostile.service.url.rpartition(":")[2])
    connection = http.client.HTTPConnection(HOST, port, timeout=10, source_address=(source, 0))
    try:
        connection.request("POST", "/v1/decide", BODY, {"Content-Type": "application/json", **headers})
        return connection.getresponse().status
    finally:
        connection.close()


ENCODED = f":{base64.b64encode(CERTIFICATE).decode()}:"


@pytest.mark.parametrize("shown", [ENCODED, hashlib.sha256(CERTIFICATE).hexdigest().upper()])
def test_a_certificate_is_believed_from_the_proxy_and_from_nobody_else(hostile: Hostile, shown: str) -> None:
    assert through_proxy(hostile, {"ClientCert": shown}) == HTTPStatus.OK
    for source in (HOST, "127.0.0.8"):
        assert through_proxy(hostile, {"ClientCert": shown}, source) == HTTPStatus.UNAUTHORIZED
        for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
            said = {"ClientCert": shown, header: PROXY}
            assert through_proxy(hostile, said, source) == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize(
    "shown",
    ["", "::", ":!:", ENCODED[1:-1], f"{ENCODED}, {ENCODED}", f":{base64.b64encode(b'another').decode()}:", "a" * 64],
)
def test_a_certificate_that_nobody_has_lets_nobody_in(hostile: Hostile, shown: str) -> None:
    assert through_proxy(hostile, {"ClientCert": shown}) == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("alias", ["Client-Cert", "Client_Cert", "ClientCert_", "_ClientCert", "HTTP_ClientCert"])
@pytest.mark.parametrize("of_proxy", ["", "a" * 64])
@pytest.mark.parametrize("order", [1, -1])
def test_no_other_name_of_a_header_passes_for_that_of_the_proxy(
    hostile: Hostile, alias: str, of_proxy: str, order: int
) -> None:
    said = [("ClientCert", of_proxy), (alias, ENCODED)][::order]
    assert through_proxy(hostile, dict(said)) == HTTPStatus.UNAUTHORIZED


def test_a_wrong_token_is_not_made_good_by_a_certificate(hostile: Hostile) -> None:
    said = {"ClientCert": ENCODED, "Authorization": "Bearer wrong"}
    assert through_proxy(hostile, said) == HTTPStatus.UNAUTHORIZED


# what all workers have to agree on


def test_the_limit_of_a_caller_is_one_for_all_workers_together(hostile: Hostile) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(hostile, SLOW), range(60)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(429)) == (7, 53)
    assert all(1 <= int(answer.headers["Retry-After"]) <= 100 for answer in answers if answer.status_code == 429)


def test_an_action_that_is_not_open_is_refused_wherever_it_is_asked_about(hostile: Hostile) -> None:
    bills = question("philip.smith", "view_bills", "customer", "123456789")
    assert ask(hostile, USAGE, body=bills).status_code == HTTPStatus.FORBIDDEN
    response = ask(hostile, USAGE, "/access/v1/evaluations", {"evaluations": [USUAL, bills, USUAL]})
    assert response.status_code == HTTPStatus.OK
    first, refused, last = response.json()["evaluations"]
    assert first["decision"] is last["decision"] is True
    assert refused == {
        "decision": False,
        "context": {"error": {"status": 403, "message": "This caller may not ask about this action."}},
    }
    batch_of_one = {**bills, "evaluations": []}
    assert ask(hostile, USAGE, "/access/v1/evaluations", batch_of_one).status_code == HTTPStatus.FORBIDDEN
    for sought, kind in (("subject", "person"), ("resource", "customer")):
        search = {**bills, sought: {"type": kind}}
        assert ask(hostile, USAGE, f"/access/v1/search/{sought}", search).status_code == HTTPStatus.FORBIDDEN
    what_may = {"subject": bills["subject"], "resource": {"type": "subscription", "id": "mobile-2001"}}
    assert ask(hostile, USAGE, "/access/v1/search/action", what_may).json()["results"] == [{"name": "view_usage"}]
    assert len(ask(hostile, TOKEN, "/access/v1/search/action", what_may).json()["results"]) >= 1
    wish = {"person": "mary.jones", "channel": "web", "current_administrator_informed": True}
    assert ask(hostile, USAGE, "/v1/customers/123456789/administrators", wish).status_code == HTTPStatus.FORBIDDEN


def test_refusals_of_all_workers_are_added_up(hostile: Hostile) -> None:
    def counted() -> float:
        text = requests.get(f"{hostile.service.url}/metrics", timeout=10).text
        name = 'authz_refusals_total{endpoint="decide.evaluation",status="401"} '
        return sum(float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name))

    def is_settled() -> bool:
        first = counted()
        time.sleep(0.5)
        return counted() == first

    # Each worker tells what it has counted within a quarter of a second, also of the tests before.
    wait_until(is_settled)
    before = counted()
    for _ in range(40):
        ask(hostile, None)
    wait_until(lambda: counted() == before + 40)
    assert {counted() for _ in range(8)} == {before + 40}


def test_a_caller_that_is_taken_out_is_out_within_a_second_and_a_new_token_in(hostile: Hostile) -> None:
    last_let_in = 0.0

    def statuses(*tokens: str) -> set[int]:
        def ask_now(token: str) -> tuple[float, int]:
            began = time.monotonic()
            return began, ask(hostile, token).status_code

        nonlocal last_let_in
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask_now, tokens * 24))
        last_let_in = max([last_let_in, *(began for began, status in answers if status == HTTPStatus.OK)])
        return {status for _, status in answers}

    def let_in_for(out: tuple[str, ...], left: tuple[str, ...]) -> float:
        """For how many seconds these were still let in once nobody but the others was in the file."""
        edited = time.monotonic()
        write_callers(hostile.callers, of_zone=left)
        wait_until(lambda: statuses(*out) == {401})
        return last_let_in - edited

    took: list[float] = []
    # Other tests may keep the machine from a worker for a while, and one time tells what it takes by itself.
    while not took or min(took) >= OUT_WITHIN_SECONDS:
        assert len(took) < ATTEMPTS, took
        write_callers(hostile.callers, of_zone=(ZONE, ZONE_NEXT))
        wait_until(lambda: statuses(ZONE, ZONE_NEXT) == {200})
        assert statuses(ZONE_THIRD) == {401}
        kept_open = requests.Session()
        kept_open.headers["Authorization"] = f"Bearer {ZONE}"
        url = f"{hostile.service.url}/v1/decide"
        assert kept_open.post(url, json=USUAL, timeout=10).status_code == HTTPStatus.OK
        one = let_in_for((ZONE,), left=(ZONE_NEXT, ZONE_THIRD))
        assert kept_open.post(url, json=USUAL, timeout=10).status_code == HTTPStatus.UNAUTHORIZED
        kept_open.close()
        wait_until(lambda: statuses(ZONE_NEXT, ZONE_THIRD) == {200})
        took.append(max(one, let_in_for((ZONE_NEXT, ZONE_THIRD), left=())))


def not_in_force(hostile: Hostile) -> set[bool]:
    """Whether the workers tell of an edit that is not in force."""
    answers = [requests.get(f"{hostile.service.url}/readyz", timeout=10).json() for _ in range(12)]
    return {bool(answer["checks"]["callers"]["rejected"]) for answer in answers}


def test_a_broken_edit_is_told_and_leaves_the_callers_as_they_are_also_in_a_new_worker(hostile: Hostile) -> None:
    def taken_over() -> int:
        return hostile.service.stderr.read_text().count('"callers.changed"')

    def is_taken_over(before: int) -> bool:
        # By each worker and by the process that starts them.
        return taken_over() == before + WORKERS + 1

    # Whatever was in it before, these are changes.
    for of_zone in ((ZONE, ZONE_THIRD), (ZONE,)):
        before = taken_over()
        write_callers(hostile.callers, of_zone=of_zone)
        wait_until(partial(is_taken_over, before))
    hostile.callers.write_text("callers: [{name: zone, token: hunter2}]")
    wait_until(lambda: not_in_force(hostile) == {True})
    told = hostile.service.readiness()["callers"]
    logged = hostile.service.stderr.read_text()
    assert (told["ok"], told["rejected"]) == (False, 1)
    assert str(hostile.callers) not in str(told)
    assert "must have the members name and scopes" in logged
    assert "hunter2" not in f"{told} {logged}"
    assert hostile.service.call("GET", "/readyz").status_code == HTTPStatus.OK
    victim = min(hostile.service.workers())

    def answer_all() -> bool:
        # What is under way with a worker that is killed, is lost.
        with suppress(requests.ConnectionError):
            return all(ask(hostile, ZONE).ok for _ in range(24))
        return False

    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(hostile.service.workers() - {victim}) == WORKERS, START_SECONDS)
    wait_until(answer_all, START_SECONDS)
    assert {ask(hostile, ZONE).status_code for _ in range(24)} == {200}
    assert {ask(hostile, OTHER).status_code for _ in range(24)} == {200}
    write_callers(hostile.callers)
    wait_until(lambda: not_in_force(hostile) == {False})


def test_an_edit_that_serve_would_not_start_with_is_told_and_not_in_force(hostile: Hostile) -> None:
    write_callers(hostile.callers, of_zone=(ZONE, "password"))
    wait_until(lambda: not_in_force(hostile) == {True})
    assert hostile.service.readiness()["callers"]["rejected"] == 1
    assert "AUTHZ_CALLERS: zone: has a token that is easily guessed; " in hostile.service.stderr.read_text()
    assert {ask(hostile, "password").status_code for _ in range(12)} == {401}
    write_callers(hostile.callers, of_zone=(ZONE, ZONE_THIRD))
    wait_until(lambda: not_in_force(hostile) == {False})
    hostile.callers.chmod(0o666)
    wait_until(lambda: not_in_force(hostile) == {True})
    assert f"AUTHZ_CALLERS: {hostile.callers} may be changed by everybody" in hostile.service.stderr.read_text()
    write_callers(hostile.callers)
    wait_until(lambda: not_in_force(hostile) == {False})
