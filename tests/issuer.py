"""An issuer of access tokens on this machine: a JWKS that is served, and tokens signed with its keys, or badly."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeyParameters, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from authz_service.settings import TokenIssuer
from tests.serving import serving

ISSUER = "https://issuer.example"
AUDIENCE = "https://authz.example"


def _parameters(kid: str, members: Mapping[str, object]) -> KeyParameters:
    return cast("KeyParameters", {**members, "kid": kid})


def rsa(kid: str = "rsa", **members: object) -> RSAKey:
    return RSAKey.generate_key(2048, _parameters(kid, members))


def ec(kid: str = "ec", **members: object) -> ECKey:
    return ECKey.generate_key("P-256", _parameters(kid, members))


def okp(kid: str = "okp", **members: object) -> OKPKey:
    return OKPKey.generate_key("Ed25519", _parameters(kid, members))


def claims(**changes: object) -> dict[str, Any]:
    """Those of a token that is in order, with others instead; `...` leaves one out."""
    now = int(time.time())
    whole = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "billing-app",
        "client_id": "billing-app",
        "iat": now,
        "exp": now + 300,
        "jti": "1",
        "scope": "decide audit",
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not ...}


def signed(key: Key, alg: str, header: Mapping[str, object] | None = None, /, **changes: object) -> str:
    """A token with that key's signature; `...` leaves a member of the header out."""
    whole = {"alg": alg, "kid": key.kid, "typ": "at+jwt", **(header or {})}
    kept = {name: value for name, value in whole.items() if value is not ...}
    return jwt.encode(kept, claims(**changes), key, registry=_SignsAnything(algorithms=[alg]), default_type=None)


class _SignsAnything(JWSRegistry):
    def check_header(self, header: Mapping[str, object]) -> None:
        """Finds nothing wrong."""


class Issuer:
    """What the JWKS says, and how it is served.

    Attributes:
        keys: Those that are published.
        asked: How often the JWKS was asked for.
        status: What it is answered with.
        body: Instead of the JWKS, where it is not None.
        url: Where it is.
    """

    def __init__(self, *keys: Key) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.status = 200
        self.body: bytes | None = None
        self.url = ""

    @property
    def settings(self) -> TokenIssuer:
        return TokenIssuer(self.url, ISSUER, AUDIENCE)

    @property
    def environ(self) -> dict[str, str]:
        """The same, as the variables of a process."""
        return {"AUTHZ_JWKS_URL": self.url, "AUTHZ_JWT_ISSUER": ISSUER, "AUTHZ_JWT_AUDIENCE": AUDIENCE}

    def jwks(self) -> bytes:
        return json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()


@contextmanager
def served(*keys: Key, port: int = 0) -> Iterator[Issuer]:
    issuer = Issuer(*keys)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            body = issuer.jwks() if issuer.body is None else issuer.body
            self.send_response(issuer.status)
            self.send_header("Content-Type", "application/jwk-set+json")
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    with serving(server) as url:
        issuer.url = f"{url}/jwks"
        yield issuer
