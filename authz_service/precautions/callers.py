"""Callers whose token anybody may try."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib import import_module

from authz_service.callers.callers import Caller
from authz_service.precautions.finding import Finding
from authz_service.words import Risk

_EXAMPLES = ("", "TOKEN", "token", "$TOKEN", "your-token", "my-token", "example", "demo", "test", "my-service")
_FEWEST_DIGITS = 10


def guessable_callers(callers: Sequence[Caller]) -> Iterator[Finding]:
    """Those whose digest is that of a word that many choose, of nothing at all, or none that was ever computed."""
    if not callers:
        return
    known = _digests_of_common_words()
    for caller in callers:
        own = {_digest(f"{caller.name}{end}") for end in ("", "\n")}
        if caller.token_sha256 in known or caller.token_sha256 in own:
            what = "has a token that is easily guessed"
        elif caller.token_sha256 and _is_regular(caller.token_sha256):
            what = "has an example where the SHA-256 of a token should be"
        else:
            continue
        mend = "make one with: openssl rand -hex 32, and its digest with: printf %s TOKEN | sha256sum"
        yield Finding(Risk.CALLERS, is_fault=True, what=f"AUTHZ_CALLERS: {caller.name}: {what}; {mend}")


def _is_regular(digest: str) -> bool:
    """Whether it has few of the sixteen digits or repeats itself, which no digest has ever been seen to do."""
    return len(set(digest)) < _FEWEST_DIGITS or digest in (digest * 2)[1:-1]


def _digests_of_common_words() -> set[str]:
    # They take memory, which a worker does without until the callers' file is edited.
    passwords = import_module("zxcvbn.frequency_lists").FREQUENCY_LISTS["passwords"]
    words = [*_EXAMPLES, *passwords]
    return {_digest(f"{word}{end}") for word in words for end in ("", "\n")}


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
