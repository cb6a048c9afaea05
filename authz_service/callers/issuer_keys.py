"""The public keys of whoever issues access tokens, as its JWKS says."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import requests
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from urllib3.exceptions import HTTPError

from authz_service.errors import IssuerUnavailable
from authz_service.in_time import wait_no_longer

log = structlog.get_logger()

FRESH_SECONDS = 300.0
"""After so long, keys are fetched again, so that a withdrawn one is known as such."""
USABLE_SECONDS = 3_600.0
"""So long keys are good for that cannot be fetched again."""
ASK_AGAIN_SECONDS = 10.0
"""So long nobody is asked again, however many keys are unknown."""

_CONNECT_SECONDS, _ANSWER_SECONDS = 2.0, 4.0
_MOST_BYTES = 256 * 1024
_MOST_KEYS = 64
_CHUNK_BYTES = 16 * 1024
_SMALLEST_RSA_BITS = 2048

Key = RSAKey | ECKey | OKPKey


class _Keys(NamedTuple):
    """What the JWKS said at one time.

    Attributes:
        by_id: The keys by their `kid`.
        thumbprints: Theirs (RFC 7638): another key under the same `kid` is another one.
        fetched_at: When, on the clock.
    """

    by_id: Mapping[str, Key]
    thumbprints: frozenset[str]
    fetched_at: float


class IssuerKeys:
    """Knows keys for a bounded time, and fetches them no more often than is good for the issuer.

    Args:
        url: Where its JWKS is.
        clock: What time it is, in seconds.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._keys = _Keys({}, frozenset(), float("-inf"))
        self._asked_at = float("-inf")
        self._failure = ""
        self._fetching = threading.Lock()

    @property
    def count(self) -> int:
        """How many are known."""
        return len(self._keys.by_id)

    @property
    def failure(self) -> str:
        """Why the last fetch has failed; empty where it has not."""
        return self._failure

    @property
    def are_usable(self) -> bool:
        """Whether tokens can be verified with them now."""
        return self._clock() - self._keys.fetched_at <= USABLE_SECONDS

    def holds(self, thumbprint: str) -> bool:
        """Whether that key is one of them, and they are good."""
        return thumbprint in self._keys.thumbprints and self.are_usable

    def find(self, kid: str) -> Key | None:
        """The key with that id; None where the issuer has none.

        Raises:
            IssuerUnavailable: Whether it has one cannot be told now.
        """
        known = self._keys.by_id.get(kid)
        if known is None or not self.are_usable:
            self._ask()
            known = self._keys.by_id.get(kid)
        if not self.are_usable or (known is None and self._failure):
            raise IssuerUnavailable("Access tokens cannot be verified now: their issuer's keys cannot be fetched.")
        return known

    def renew(self) -> None:
        """Fetches the keys where it is time to."""
        if self._clock() - self._keys.fetched_at > FRESH_SECONDS:
            with suppress(IssuerUnavailable):  # somebody else is about it
                self._ask()

    def _ask(self) -> None:
        """Fetches them, unless that was tried just now.

        Raises:
            IssuerUnavailable: Somebody else is fetching them; nobody waits for that, so that no thread is taken up.
        """
        if not self._fetching.acquire(blocking=False):
            raise IssuerUnavailable("Access tokens cannot be verified now: their issuer's keys are being fetched.")
        try:
            if self._clock() - self._asked_at > ASK_AGAIN_SECONDS:
                self._fetch()
        finally:
            self._fetching.release()

    def _fetch(self) -> None:
        self._asked_at = self._clock()
        try:
            keys = _read_keys(_get(self._url))
        except (requests.RequestException, HTTPError, ValueError, LookupError, TypeError) as error:
            failure = str(error) if isinstance(error, _NoKeys) else type(error).__name__
            log.warning("issuer_keys.not_fetched", reason=failure, url=self._url)
            self._failure = failure
            return
        if keys.keys() != self._keys.by_id.keys():
            log.info("issuer_keys.changed", keys=len(keys))
        self._keys = _Keys(keys, frozenset(key.thumbprint() for key in keys.values()), self._clock())
        self._failure = ""


class _NoKeys(ValueError):
    """The message is for the operator."""


def _get(url: str) -> bytes:
    """The body, if it comes whole, soon and from there."""
    headers = {"Accept": "application/jwk-set+json, application/json"}
    timeout = (_CONNECT_SECONDS, _ANSWER_SECONDS)
    with requests.Session() as session:
        wait_no_longer(session)
        with session.get(url, timeout=timeout, headers=headers, stream=True, allow_redirects=False) as response:
            if response.status_code != requests.codes.ok:
                raise _NoKeys(f"it answers {response.status_code}")
            body = b""
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise _NoKeys(f"it answers with more than {_MOST_BYTES // 1024} KiB")
    return body


def _read_keys(body: bytes) -> dict[str, Key]:
    listed = json.loads(body)["keys"]
    if not isinstance(listed, list):
        raise _NoKeys("its keys are no list")
    found: dict[str, Key] = {}
    for published in listed[:_MOST_KEYS]:
        key = _read_key(published) if isinstance(published, dict) else None
        if key is not None:
            # Of two with an id, the first is the one.
            found.setdefault(published["kid"], key)
    return found


def _read_key(published: Mapping[str, Any]) -> Key | None:
    """A key that verifies signatures; None for any other, which is no reason not to take the rest."""
    kid, operations = published.get("kid"), published.get("key_ops", ["verify"])
    if not (isinstance(kid, str) and kid and published.get("use", "sig") == "sig" and "verify" in operations):
        return None
    kinds: Mapping[object, type[Key]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    kind = kinds.get(published.get("kty"))
    # What a JWKS should not have: it is not ours to hold.
    if kind is None or "d" in published:
        return None
    try:
        key = kind.import_key(dict(published))
        key.thumbprint()
    except (JoseError, ValueError, TypeError, LookupError):
        return None
    is_weak = isinstance(key, RSAKey) and key.public_key.key_size < _SMALLEST_RSA_BITS
    return None if is_weak else key
