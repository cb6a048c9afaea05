"""OAuth 2.0 access tokens that are JWTs (RFC 9068), verified with the keys that their issuer publishes."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from joserfc import jws, jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError

from authz_service.callers.callers import Caller
from authz_service.callers.issuer_keys import IssuerKeys, Key
from authz_service.settings import TokenIssuer
from authz_service.words import Scope

if TYPE_CHECKING:
    from joserfc._rfc7515.model import JWSAlgModel

LEEWAY_SECONDS = 30
"""How far the clocks of issuer and service may be apart."""

MOST_REMEMBERED = 10_000

_ALGORITHMS = frozenset({"RS256", "PS256", "ES256", "EdDSA", "Ed25519"})
"""Signatures with a private key alone: what is made with a shared secret, or with none, is not among them."""

_TYPE = "at+jwt"
_PLAIN_TYPE = "jwt"
_OF_AN_ID_TOKEN = ("nonce", "at_hash", "c_hash", "s_hash")
_NAMED_BY = ("client_id", "azp", "sub")
_LONGEST = 8 * 1024
_LONGEST_NAME = 200
_PARTS = 3


class _Remembered(NamedTuple):
    """A token that was verified.

    Attributes:
        caller: Whose it is.
        thumbprint: Of the key that it was verified with.
        by_name: The configured callers that it was read beside.
    """

    caller: Caller
    thumbprint: str
    by_name: Mapping[str, Caller]


class _NotTaken(Exception):
    """The token is none that is taken here."""


class _Registry(jws.JWSRegistry):
    """Takes these algorithms and no others, and ignores members of the header that it does not know (RFC 7515)."""

    max_header_length = 4 * 1024

    def __init__(self) -> None:
        super().__init__(algorithms=_ALGORITHMS, strict_check_header=False)

    def get_alg(self, name: str) -> "JWSAlgModel":
        if name not in _ALGORITHMS:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


class AccessTokens:
    """Knows callers by access tokens. A verified token is remembered by its digest until it ends.

    Args:
        issuer: Whose tokens are taken.
        keys: Its keys.
        now: What time it is, in seconds since 1970.
    """

    def __init__(self, issuer: TokenIssuer, keys: IssuerKeys, now: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._now = now
        self._registry = _Registry()
        self._wanted = jwt.JWTClaimsRegistry(
            now=lambda: int(now()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer.issuer},
            aud={"essential": True, "value": issuer.audience},
            exp={"essential": True},
        )
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()
        self._changing = threading.Lock()

    @property
    def count(self) -> int:
        """How many are remembered."""
        return len(self._remembered)

    def caller_of(self, token: str, digest: str, by_name: Mapping[str, Caller]) -> Caller | None:
        """The caller with that token, or None.

        Args:
            token: As it was sent.
            digest: Its SHA-256.
            by_name: The callers that are configured: one that has the name narrows what the token says.

        Raises:
            IssuerUnavailable: The key that it would be verified with cannot be had.
        """
        remembered = self._remembered.get(digest)
        if remembered is not None:
            caller, thumbprint, beside = remembered
            if caller.expires > self._now() and beside is by_name and self._keys.holds(thumbprint):
                with suppress(KeyError):  # another thread may just have forgotten it
                    self._remembered.move_to_end(digest)
                return caller
            self._forget(digest)
        if token.count(".") != _PARTS - 1 or len(token) > _LONGEST:
            return None
        try:
            claims, key = self._verified(token)
            caller = _caller(claims, by_name)
        except (_NotTaken, JoseError, ValueError, TypeError, OverflowError, RecursionError):
            return None
        self._remember(digest, _Remembered(caller, key.thumbprint(), by_name))
        return caller

    def _verified(self, token: str) -> tuple[Mapping[str, Any], Key]:
        used: list[Key] = []

        def find(signature: Any) -> Key:  # noqa: ANN401 - of joserfc, which gives it no public name
            key = self._key_for(signature.headers())
            used.append(key)
            return key

        found = jwt.decode(token, find, registry=self._registry)
        self._wanted.validate(found.claims)
        kind = _type_of(found.header)
        if "cnf" in found.claims or (kind != _TYPE and any(name in found.claims for name in _OF_AN_ID_TOKEN)):
            raise _NotTaken
        return found.claims, used[0]

    def _key_for(self, header: Mapping[str, Any]) -> Key:
        """The issuer's own key with the id in the header: no key, certificate or address in it is looked at."""
        kid = header.get("kid")
        # First what needs no key, so that nobody is asked for one in vain; of the algorithm that is known here.
        if not isinstance(kid, str) or _type_of(header) not in {_TYPE, _PLAIN_TYPE}:
            raise _NotTaken
        key = self._keys.find(kid)
        if key is None:
            raise _NotTaken
        return key

    def _remember(self, digest: str, remembered: _Remembered) -> None:
        with self._changing:
            self._remembered[digest] = remembered
            while len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)

    def _forget(self, digest: str) -> None:
        with self._changing:
            self._remembered.pop(digest, None)


def _type_of(header: Mapping[str, Any]) -> str:
    """The `typ` without what RFC 7515 lets be left out; that of a plain JWT where there is none."""
    return str(header.get("typ", _PLAIN_TYPE)).lower().removeprefix("application/")


def _caller(claims: Mapping[str, Any], by_name: Mapping[str, Caller]) -> Caller:
    name = next((claims[claim] for claim in _NAMED_BY if claim in claims), None)
    scope = claims.get("scope", "")
    if not isinstance(name, str) or not isinstance(scope, str):
        raise _NotTaken
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise _NotTaken
    words = frozenset(scope.split())
    scopes = frozenset(one for one in Scope if one in words)
    expires = float(claims["exp"]) + LEEWAY_SECONDS
    configured = by_name.get(name)
    if configured is None:
        return Caller(name, "", scopes, expires=expires)
    return Caller(name, "", scopes & configured.scopes, configured.actions, configured.limits, expires)
