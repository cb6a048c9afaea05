import hashlib
import re
import time

from authz_service.callers.callers import Caller, Callers, new_token, token_sha256
from authz_service.words import Scope

DIGEST = token_sha256("token")
OTHER_DIGEST = token_sha256("another token")


def test_what_is_kept_of_a_token_is_its_sha_256() -> None:
    assert token_sha256("token") == hashlib.sha256(b"token").hexdigest()
    assert token_sha256("naïve") == hashlib.sha256("naïve".encode()).hexdigest()


def test_a_caller_is_known_by_the_whole_token_only() -> None:
    caller = Caller("zone", DIGEST, frozenset({Scope.DECIDE}))
    callers = Callers([caller, Caller("other", OTHER_DIGEST, frozenset(Scope))])
    assert callers.caller_of("token") is caller
    for wrong in ("", "Token", "toke", "token ", DIGEST, "\udcff"):
        assert callers.caller_of(wrong) is None


def test_new_tokens_are_long_differ_and_need_no_quotes() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43,}", token) for token in tokens)


def test_a_token_is_good_until_it_ends_and_not_longer() -> None:
    now = time.time()
    callers = Callers(
        [
            Caller("old", DIGEST, frozenset(Scope), expires=now - 0.001),
            Caller("new", OTHER_DIGEST, frozenset(Scope), expires=now + 3_600),
        ]
    )
    assert callers.caller_of("token") is None
    assert callers.configured("token") is None
    found = callers.caller_of("another token")
    assert found == callers.configured("another token")
    assert found is not None
    assert found.name == "new"


def test_a_new_list_is_in_force_at_once_and_whole() -> None:
    callers = Callers([Caller("zone", DIGEST, frozenset(Scope))])
    before = callers.by_token
    callers.replace([Caller("zone", OTHER_DIGEST, frozenset(Scope)), Caller("shown", "", frozenset(Scope), None, None)])
    assert callers.caller_of("token") is None
    assert callers.caller_of("another token") is not None
    assert callers.by_token is not before
    assert [caller.name for caller in callers.by_token.values()] == ["zone"]


def test_a_certificate_is_no_token_and_a_token_no_certificate() -> None:
    caller = Caller("zone", "", frozenset(Scope), certificate_sha256=DIGEST)
    callers = Callers([caller, Caller("other", OTHER_DIGEST, frozenset(Scope))])
    assert callers.with_certificate(DIGEST) is caller
    assert callers.with_certificate(OTHER_DIGEST) is None
    assert callers.with_certificate("") is None
    assert callers.caller_of("token") is None
    assert callers.caller_of("") is None


def test_who_may_ask_about_some_actions_may_not_about_others() -> None:
    caller = Caller("zone", DIGEST, frozenset(Scope), frozenset({"view_usage"}))
    assert caller.may_ask_about("view_usage")
    assert not caller.may_ask_about("view_bills")
    assert caller._replace(actions=None).may_ask_about("view_bills")
