"""The tokens by which a search is continued: sealed, and good for that search of that caller only."""

import base64
import binascii
import functools
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_PURPOSE = b"search page tokens"
_NONCE_BYTES = 12


class NotAToken(Exception):
    """It was not made here, or for another search or caller."""


class Place(NamedTuple):
    """Where a search is continued.

    Attributes:
        after: The candidate before; empty at the beginning.
        limit: The limit asked for in the first request; None where there was none.
    """

    after: str
    limit: int | None


class PageTokens:
    """Seals and opens tokens. Sealed, as the candidate before may be one that the caller was not told of.

    Args:
        find_key: Finds the secret that the key is derived from, the same in every process of the service.
    """

    def __init__(self, find_key: Callable[[], bytes]) -> None:
        self._cipher = functools.cache(lambda: AESGCM(hmac.digest(find_key(), _PURPOSE, hashlib.sha256)))

    def seal(self, place: Place, search: bytes) -> str:
        """The token for that place in that search."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher().encrypt(nonce, json.dumps(place).encode(), search)
        return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def open(self, token: str, search: bytes) -> Place:
        """The place that the token was made for.

        Raises:
            NotAToken: It was not made by `seal` for that search.
        """
        try:
            data = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
            return Place(*json.loads(self._cipher().decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], search)))
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise NotAToken from error
