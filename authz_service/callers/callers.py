"""Who may call: callers by what they show, a token or a certificate of which the SHA-256 is kept."""

import hashlib
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from authz_service.words import Scope

_TOKEN_BYTES = 32
NEVER = float("inf")


class Limits(NamedTuple):
    """How much a caller may ask of this machine.

    Attributes:
        per_second: Requests a second on average; None for any number.
        burst: Requests that may come at once.
        concurrent: Requests that a worker answers at the same time; None for any number.
    """

    per_second: float | None = None
    burst: int = 1
    concurrent: int | None = None


class Caller(NamedTuple):
    """A caller, as one of the things that it may show tells.

    Attributes:
        name: What it is called here and in the journal.
        token_sha256: The SHA-256 of its token; empty where it shows something else.
        scopes: What it may use.
        actions: The actions that it may ask about; None for all.
        limits: How much it may ask; None for any amount.
        expires: When the token ends, in seconds since 1970.
        certificate_sha256: The SHA-256 of its client certificate; empty where it shows something else.
    """

    name: str
    token_sha256: str
    scopes: frozenset[Scope]
    actions: frozenset[str] | None = None
    limits: Limits | None = None
    expires: float = NEVER
    certificate_sha256: str = ""

    @property
    def is_expired(self) -> bool:
        return self.expires <= time.time()

    def may_ask_about(self, action: str) -> bool:
        return self.actions is None or action in self.actions


class _Known(NamedTuple):
    """One list of callers. A changed list is another of these, so that no request sees half of each."""

    by_token: Mapping[str, Caller]
    by_certificate: Mapping[str, Caller]
    by_name: Mapping[str, Caller]


class Tokens(Protocol):
    """Knows callers by tokens that somebody else has issued."""

    def caller_of(self, token: str, digest: str, by_name: Mapping[str, Caller]) -> Caller | None:
        """The caller with that token, or None.

        Args:
            token: As it was sent.
            digest: Its SHA-256.
            by_name: The callers that are configured: one that has the name narrows what the token says.

        Raises:
            Unavailable: It cannot be told whether the token is valid.
        """


class Callers:
    """Tells whose token it is.

    A digest is looked up, never a token compared: what the time of a look-up depends on is the SHA-256 of what was
    sent, of which nobody can choose a prefix, so that it says nothing about a token that is right.
    """

    def __init__(self, callers: Iterable[Caller], issued: Tokens | None = None) -> None:
        self._issued = issued
        self._known = _known(callers)

    @property
    def by_token(self) -> Mapping[str, Caller]:
        """The callers by the SHA-256 of their tokens: another mapping after each change."""
        return self._known.by_token

    def replace(self, callers: Iterable[Caller]) -> None:
        """Has these callers from now on, and no others."""
        self._known = _known(callers)

    def caller_of(self, token: str) -> Caller | None:
        """The caller with that token, or None.

        Raises:
            Unavailable: It cannot be told.
        """
        digest = token_sha256(token)
        known = self._known
        caller = known.by_token.get(digest)
        if caller is not None:
            # Asked first without the clock, as most tokens do not end and each decision comes through here.
            return caller if caller.expires == NEVER or not caller.is_expired else None
        return None if self._issued is None else self._issued.caller_of(token, digest, known.by_name)

    def configured(self, token: str) -> Caller | None:
        """The caller of the callers' file with that token, or None."""
        caller = self._known.by_token.get(token_sha256(token))
        return None if caller is None or caller.is_expired else caller

    def with_certificate(self, certificate_sha256: str) -> Caller | None:
        """The caller with that client certificate, or None."""
        return self._known.by_certificate.get(certificate_sha256)


def token_sha256(token: str) -> str:
    """What is kept of a token: its SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def new_token() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)


def _known(callers: Iterable[Caller]) -> _Known:
    listed = list(callers)
    return _Known(
        {caller.token_sha256: caller for caller in listed if caller.token_sha256},
        {caller.certificate_sha256: caller for caller in listed if caller.certificate_sha256},
        # Reversed, as of several with a name the first is the one.
        {caller.name: caller for caller in reversed(listed)},
    )
