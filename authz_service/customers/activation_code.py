"""Activation codes: kept as a keyed digest only, so that the database gives none away. Source: ELIG-1."""

import datetime as dt
import functools
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from authz_service.errors import ConfigurationError
from authz_service.storage.database import sqlite_file
from authz_service.storage.secret_file import kept_secret, new_secret

FindKey = Callable[[], bytes]
"""Finds the key when a code is really kept or compared; raises ConfigurationError where there is none."""

_SHORTEST_KEY_CHARACTERS = 32
_KEY_BYTES = 32


def digest(key: bytes, customer_number: str, code: str, date: dt.date) -> str:
    """HMAC-SHA-256 in hex. A code is good for its customer number and its date only."""
    message = json.dumps([customer_number, code, date.isoformat()])
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()


def matches(key: bytes, kept: str, customer_number: str, code: str, date: dt.date) -> bool:
    """Whether the digest kept is that of this code and date, found out in constant time."""
    return hmac.compare_digest(kept, digest(key, customer_number, code, date))


def key_finder(setting: str | None, engine: Engine) -> FindKey:
    """How to find the key: the setting, else a file beside a SQLite database, made at first use.

    Args:
        setting: What `AUTHZ_ACTIVATION_KEY` holds, None or empty where it is not set.
        engine: The database whose codes the key is for.
    """

    @functools.cache
    def find_key() -> bytes:
        if setting:
            return _key_from_setting(setting)
        if engine.dialect.name != "sqlite":
            raise ConfigurationError(
                "AUTHZ_ACTIVATION_KEY is not set and activation codes are kept under it; set it, the same for"
                " every process on this database, to the output of: openssl rand -hex 32"
            )
        database = sqlite_file(engine)
        return _process_key() if database is None else _key_beside(database)

    return find_key


def _key_from_setting(setting: str) -> bytes:
    if len(setting) < _SHORTEST_KEY_CHARACTERS:
        raise ConfigurationError(
            f"AUTHZ_ACTIVATION_KEY is shorter than {_SHORTEST_KEY_CHARACTERS} characters; set it to the"
            " output of: openssl rand -hex 32"
        )
    return setting.encode()


@functools.cache
def _process_key() -> bytes:
    return secrets.token_bytes(_KEY_BYTES)


def _key_beside(database: Path) -> bytes:
    path = database.with_name(f"{database.name}.key")
    try:
        # The text, not the bytes it stands for: moved into the setting, it is the same key.
        return _key_from_setting(kept_secret(path, new_secret).strip())
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the key of the activation codes, {path}, cannot be read or made; mend it, or set AUTHZ_ACTIVATION_KEY"
        ) from error
