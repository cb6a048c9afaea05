from hashlib import sha256

import pytest

from authz_service.callers.callers import Caller, new_token, token_sha256
from authz_service.precautions.callers import guessable_callers
from authz_service.words import Risk, Scope


def caller(digest: str, name: str = "my-service") -> Caller:
    return Caller(name, digest, frozenset({Scope.DECIDE}))


def test_whose_token_a_machine_has_made_is_not_told_of() -> None:
    assert list(guessable_callers([caller(token_sha256(new_token())) for _ in range(50)])) == []


@pytest.mark.parametrize(
    "token",
    ["", "\n", "TOKEN", "TOKEN\n", "token", "password", "letmein", "qwerty\n", "your-token", "billing", "billing\n"],
)
def test_the_digest_of_nothing_or_of_a_word_that_many_choose_is_a_fault(token: str) -> None:
    right = caller(token_sha256(new_token()), "right")
    [found] = guessable_callers([right, caller(sha256(token.encode()).hexdigest(), "billing")])
    assert (found.risk, found.is_fault) == (Risk.CALLERS, True)
    assert found.what.startswith("AUTHZ_CALLERS: billing: has a token that is easily guessed; make one with: ")


@pytest.mark.parametrize("digest", ["0" * 64, "0123456789abcdef" * 4, "deadbeef" * 8, "ab" * 32, "f" * 63 + "0"])
def test_what_is_no_digest_but_an_example_is_a_fault(digest: str) -> None:
    [found] = guessable_callers([caller(digest)])
    assert (found.risk, found.is_fault) == (Risk.CALLERS, True)
    assert "has an example where the SHA-256 of a token should be" in found.what
    assert digest not in found.what


def test_where_nobody_may_call_nothing_is_told() -> None:
    assert list(guessable_callers([])) == []
