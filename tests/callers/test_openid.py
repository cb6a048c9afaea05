"""Nobody is signed in by what a provider has not said of just this sign-in, at just this service, just now."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from authz_service.callers.openid import Begun, Provider, is_safe
from authz_service.errors import (
    NotAllowed,
    NotSignedIn,
    ProviderUnavailable,
    SignInDeclined,
    SignInExpired,
    SignInNotHeld,
)
from authz_service.settings import OpenId
from tests.serving import serving

BACK = "http://127.0.0.1/sign-in/back"
SECRET = "a-secret-of-more-than-thirty-two-characters"
KEY, OTHER_KEY = RSAKey.generate_key(2048, {"kid": "1"}), RSAKey.generate_key(2048, {"kid": "1"})
LATER_KEY = ECKey.generate_key("P-256", {"kid": "2"})

Change = Callable[[dict[str, Any]], object]


class Fake(ThreadingHTTPServer):
    """Answers what a test wants it to.

    Attributes:
        answers: The status and the document by path.
        asked: The paths that were asked for, with what was sent.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        discovery = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_response_iss_parameter_supported": True,
        }
        self.answers: dict[str, tuple[int, Any]] = {
            "/.well-known/openid-configuration": (200, discovery),
            "/jwks": (200, {"keys": [KEY.as_dict(private=False)]}),
        }

    @property
    def discovery(self) -> dict[str, Any]:
        found: dict[str, Any] = self.answers["/.well-known/openid-configuration"][1]
        return found

    def says(self, begun: Begun, change: Change = lambda _: None, sign: Callable[[Any], str] | None = None) -> None:
        """Has the token endpoint give an ID token for that sign-in."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": "rita",
            "aud": "authz",
            "iat": now,
            "exp": now + 300,
            "nonce": begun.nonce,
            "groups": ["staff", "compliance"],
        }
        change(claims)
        signed = sign(claims) if sign else jwt.encode({"alg": "RS256", "kid": "1"}, claims, KEY)
        self.answers["/token"] = (200, {"access_token": "a", "token_type": "Bearer", "id_token": signed})


class _Handler(BaseHTTPRequestHandler):
    server: Fake

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        length = int(self.headers.get("Content-Length", 0))
        self.server.asked.append((path, parse_qs(self.rfile.read(length).decode())))
        status, document = self.server.answers.get(path, (404, {}))
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def fake() -> Iterator[Fake]:
    server = Fake()
    with serving(server):
        yield server


@pytest.fixture
def provider(fake: Fake) -> Provider:
    return Provider(OpenId(fake.issuer, "authz", SECRET, "groups", "compliance"), BACK)


def answer(fake: Fake, begun: Begun) -> dict[str, str]:
    return {"state": begun.state, "code": "code", "iss": fake.issuer}


def test_who_signs_in_is_told_by_the_subject(fake: Fake, provider: Provider) -> None:
    _, begun = provider.begin()
    fake.says(begun)
    assert provider.end(answer(fake, begun), begun) == "rita"


def test_the_code_is_asked_for_and_given_with_what_proves_whose_it_is(fake: Fake, provider: Provider) -> None:
    address, begun = provider.begin()
    asked = parse_qs(urlsplit(address).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [BACK]
    assert (asked["state"], asked["nonce"]) == ([begun.state], [begun.nonce])
    assert begun.verifier not in address
    fake.says(begun)
    provider.end(answer(fake, begun), begun)
    [given] = [sent for path, sent in fake.asked if path == "/token"]
    assert given["code_verifier"] == [begun.verifier]
    assert given["redirect_uri"] == [BACK]


def test_each_sign_in_has_secrets_of_its_own(provider: Provider) -> None:
    (_, first), (_, second) = provider.begin(), provider.begin()
    assert len({*first, *second}) == 6


FORGED: dict[str, Change] = {
    "of another issuer": lambda claims: claims.update(iss="https://elsewhere.example"),
    "of no issuer": lambda claims: claims.pop("iss"),
    "for another service": lambda claims: claims.update(aud="another"),
    "for another service, got by this one": lambda claims: claims.update(aud="another", azp="authz"),
    "for nobody": lambda claims: claims.pop("aud"),
    "for two, got by the other": lambda claims: claims.update(aud=["authz", "another"], azp="another"),
    "of another sign-in": lambda claims: claims.update(nonce="another"),
    "of no sign-in": lambda claims: claims.pop("nonce"),
    "too old": lambda claims: claims.update(exp=int(time.time()) - 120),
    "without end": lambda claims: claims.pop("exp"),
    "of the future": lambda claims: claims.update(iat=int(time.time()) + 600),
    "of nobody": lambda claims: claims.pop("sub"),
    "of a number": lambda claims: claims.update(sub=7),
    "for another access token": lambda claims: claims.update(at_hash="AAAA"),
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_an_id_token_signs_nobody_in_that_is(fake: Fake, provider: Provider, change: Change) -> None:
    _, begun = provider.begin()
    fake.says(begun, change)
    with pytest.raises(SignInNotHeld):
        provider.end(answer(fake, begun), begun)


def by_hand(header: dict[str, str], claims: dict[str, Any], secret: bytes | None) -> str:
    """A token that no library would make: unsigned, or signed with what is no secret."""

    def encoded(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    said = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    return f"{said}.{encoded(hmac.digest(secret, said.encode(), hashlib.sha256)) if secret else ''}"


SIGNED: dict[str, Callable[[Any], str]] = {
    "nobody": lambda claims: by_hand({"alg": "none"}, claims, None),
    "the client secret": lambda claims: jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET)),
    "the public key as a secret": lambda claims: by_hand(
        {"alg": "HS256", "kid": "1"}, claims, KEY.as_pem(private=False)
    ),
    "another key of that name": lambda claims: jwt.encode({"alg": "RS256", "kid": "1"}, claims, OTHER_KEY),
    "a key of another name": lambda claims: jwt.encode({"alg": "ES256", "kid": "2"}, claims, LATER_KEY),
    "what is no token": lambda _: "a.b.c",
}


@pytest.mark.parametrize("sign", SIGNED.values(), ids=SIGNED)
def test_an_id_token_signs_nobody_in_that_is_signed_by(
    fake: Fake, provider: Provider, sign: Callable[[Any], str]
) -> None:
    _, begun = provider.begin()
    fake.says(begun, sign=sign)
    with pytest.raises(SignInNotHeld):
        provider.end(answer(fake, begun), begun)


def test_a_key_that_the_provider_takes_later_is_fetched(fake: Fake, provider: Provider) -> None:
    _, begun = provider.begin()
    fake.says(begun)
    provider.end(answer(fake, begun), begun)
    fake.answers["/jwks"] = (200, {"keys": [KEY.as_dict(private=False), LATER_KEY.as_dict(private=False)]})
    fake.says(begun, sign=SIGNED["a key of another name"])
    assert provider.end(answer(fake, begun), begun) == "rita"
    assert [path for path, _ in fake.asked].count("/jwks") == 2


@pytest.mark.parametrize("groups", [["compliance"], "compliance", ["a", "compliance"]])
def test_the_claim_that_lets_somebody_read_may_be_a_value_or_a_list(
    fake: Fake, provider: Provider, groups: object
) -> None:
    _, begun = provider.begin()
    fake.says(begun, lambda claims: claims.update(groups=groups))
    assert provider.end(answer(fake, begun), begun) == "rita"


@pytest.mark.parametrize("groups", [None, [], ["staff"], "non-compliance", ["Compliance"], {"compliance": True}, True])
def test_who_is_known_and_not_among_those_who_may_read_is_refused_by_name(
    fake: Fake, provider: Provider, groups: object
) -> None:
    _, begun = provider.begin()
    fake.says(begun, lambda claims: claims.update(groups=groups))
    with pytest.raises(NotAllowed) as refusal:
        provider.end(answer(fake, begun), begun)
    assert refusal.value.subject == "rita"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"state": "another"}, SignInNotHeld),
        ({"state": ""}, SignInNotHeld),
        ({"iss": "https://elsewhere.example"}, SignInNotHeld),
        ({"iss": None}, SignInNotHeld),
        ({"code": None}, SignInNotHeld),
        ({"error": "access_denied", "code": None}, SignInDeclined),
        ({"error": "access_denied", "state": "another"}, SignInNotHeld),
    ],
)
def test_an_answer_is_of_this_sign_in_and_this_provider(
    fake: Fake, provider: Provider, change: dict[str, str | None], refusal: type[NotSignedIn]
) -> None:
    _, begun = provider.begin()
    fake.says(begun)
    changed = {name: value for name, value in {**answer(fake, begun), **change}.items() if value is not None}
    with pytest.raises(refusal):
        provider.end(changed, begun)
    assert "/token" not in [path for path, _ in fake.asked]


@pytest.mark.parametrize(
    ("token", "refusal"),
    [
        ((400, {"error": "invalid_grant"}), SignInExpired),
        ((401, {"error": "invalid_client"}), ProviderUnavailable),
        ((500, {"error": "server_error"}), ProviderUnavailable),
        ((200, b"<html>"), ProviderUnavailable),
        ((200, []), ProviderUnavailable),
        ((302, {}), NotSignedIn),
        ((200, {"access_token": "a", "token_type": "Bearer"}), SignInNotHeld),
    ],
)
def test_what_the_token_endpoint_says_instead_is_told_apart(
    fake: Fake, provider: Provider, token: tuple[int, Any], refusal: type[NotSignedIn]
) -> None:
    _, begun = provider.begin()
    fake.answers["/token"] = token
    with pytest.raises(refusal):
        provider.end(answer(fake, begun), begun)


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update(issuer="https://elsewhere.example"),
        lambda document: document.pop("issuer"),
        lambda document: document.update(token_endpoint="http://elsewhere.example/token"),
        lambda document: document.update(authorization_endpoint="javascript:alert(1)"),
        lambda document: document.pop("jwks_uri"),
    ],
)
def test_a_discovery_document_that_cannot_be_right_is_refused(fake: Fake, provider: Provider, change: Change) -> None:
    change(fake.discovery)
    with pytest.raises(ProviderUnavailable):
        provider.begin()


@pytest.mark.parametrize("document", [(404, {}), (200, b"<html>"), (200, [])])
def test_without_a_discovery_document_nobody_is_sent_anywhere_and_later_it_is_asked_for_again(
    fake: Fake, provider: Provider, document: tuple[int, Any]
) -> None:
    before = fake.answers["/.well-known/openid-configuration"]
    fake.answers["/.well-known/openid-configuration"] = document
    with pytest.raises(ProviderUnavailable):
        provider.begin()
    fake.answers["/.well-known/openid-configuration"] = before
    assert provider.begin()[0].startswith(f"{fake.issuer}/auth?")


@pytest.mark.parametrize("keys", [(500, {}), (200, {}), (200, {"keys": [{"kty": "RSA"}]}), (200, {"keys": 1})])
def test_keys_that_cannot_be_read_are_the_provider_s_fault(
    fake: Fake, provider: Provider, keys: tuple[int, Any]
) -> None:
    _, begun = provider.begin()
    fake.says(begun)
    fake.answers["/jwks"] = keys
    with pytest.raises(ProviderUnavailable):
        provider.end(answer(fake, begun), begun)


def test_a_key_of_a_kind_that_is_not_known_hinders_no_other(fake: Fake, provider: Provider) -> None:
    fake.answers["/jwks"] = (200, {"keys": [{"kty": "AKP", "alg": "ML-DSA-44"}, KEY.as_dict(private=False)]})
    _, begun = provider.begin()
    fake.says(begun)
    assert provider.end(answer(fake, begun), begun) == "rita"


def test_no_message_has_in_it_what_came_from_outside(fake: Fake, provider: Provider) -> None:
    _, begun = provider.begin()
    fake.answers["/token"] = (400, {"error": "hunter2", "error_description": "hunter2"})
    with pytest.raises(NotSignedIn) as refusal:
        provider.end(answer(fake, begun), begun)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "so"),
    [
        ("https://login.example.org/auth", True),
        ("http://localhost:8080", True),
        ("http://login.example.org", False),
        ("ftp://localhost", False),
        ("https://", False),
        (None, False),
    ],
)
def test_what_is_sent_goes_by_https_or_stays_on_this_machine(url: object, *, so: bool) -> None:
    assert is_safe(url) is so
