"""Secrets that can be guessed."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from urllib.parse import unquote, urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError
from zxcvbn import zxcvbn

from authz_service.precautions.finding import Finding
from authz_service.settings import Settings
from authz_service.words import Risk

SHORTEST_KEY_CHARACTERS = 32
_MOST_CHARACTERS = 72
_GUESSES_OF_A_KEY = 1e20
_GUESSES_OF_A_PASSWORD = 1e10
_MEND = "set it to the output of: openssl rand -hex 32"


def weak_secrets(settings: Settings) -> Iterator[Finding]:
    """Keys that this service is kept by and passwords that others have given it, where they are easily guessed."""
    keys = _set({"AUTHZ_ACTIVATION_KEY": settings.activation_key, "AUTHZ_JOURNAL_KEY": settings.journal_key})
    for name, key in keys.items():
        if len(key) < SHORTEST_KEY_CHARACTERS:
            yield _fault(f"{name}: is shorter than {SHORTEST_KEY_CHARACTERS} characters; {_MEND}")
        elif guesses(key) < _GUESSES_OF_A_KEY:
            yield _fault(f"{name}: is easily guessed, as it repeats itself or is made of usual words; {_MEND}")
    passwords = _set(
        {
            "AUTHZ_OIDC_CLIENT_SECRET": settings.openid.client_secret if settings.openid else None,
            "AUTHZ_DATABASE_URL": _database_password(settings.database_url),
            "AUTHZ_SMTP_URL": _mail_password(settings.smtp_url),
        }
    )
    for name, password in passwords.items():
        if guesses(password) < _GUESSES_OF_A_PASSWORD:
            what = "is" if name == "AUTHZ_OIDC_CLIENT_SECRET" else "its password is"
            yield Finding(Risk.KEYS, is_fault=False, what=f"{name}: {what} easily guessed; have a longer one given")
    for (one, secret), (other, same) in combinations({**keys, **passwords}.items(), 2):
        if secret == same:
            yield _fault(f"{one}: is the same secret as that of {other}: one stolen is both; have two")


def guesses(secret: str) -> float:
    """How many guesses it takes, by somebody who knows what people choose."""
    # What comes after that many characters can only make it harder.
    found: float = zxcvbn(secret[:_MOST_CHARACTERS])["guesses"]
    return float(found)


def _fault(what: str) -> Finding:
    return Finding(Risk.KEYS, is_fault=True, what=what)


def _set(secrets: Mapping[str, str | None]) -> dict[str, str]:
    return {name: secret for name, secret in secrets.items() if secret}


def _database_password(url: str) -> str | None:
    try:
        return make_url(url).password
    except (ArgumentError, ValueError):
        return None


def _mail_password(url: str | None) -> str | None:
    try:
        return unquote(urlsplit(url or "").password or "")
    except ValueError:
        return None
