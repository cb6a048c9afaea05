import time
from collections.abc import Iterator

import pytest
from joserfc.jwk import Key

from authz_service.callers.access_tokens import LEEWAY_SECONDS, MOST_REMEMBERED, AccessTokens
from authz_service.callers.callers import Caller, Limits, token_sha256
from authz_service.callers.issuer_keys import IssuerKeys
from authz_service.errors import IssuerUnavailable
from authz_service.words import Scope
from tests.clock import Clock
from tests.issuer import AUDIENCE, Issuer, ec, okp, rsa, served, signed

NOBODY: dict[str, Caller] = {}
EC = ec()


@pytest.fixture(scope="module")
def key_of() -> dict[str, Key]:
    return {"RS256": rsa(), "PS256": rsa("pss"), "ES256": EC, "EdDSA": okp(), "Ed25519": okp("named")}


@pytest.fixture
def issuer(key_of: dict[str, Key]) -> Iterator[Issuer]:
    with served(*key_of.values()) as started:
        yield started


@pytest.fixture
def today() -> Clock:
    return Clock(time.time())


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000.0)


@pytest.fixture
def tokens(issuer: Issuer, today: Clock, clock: Clock) -> AccessTokens:
    return AccessTokens(issuer.settings, IssuerKeys(issuer.url, clock), today)


def caller_of(tokens: AccessTokens, token: str, by_name: dict[str, Caller] = NOBODY) -> Caller | None:
    return tokens.caller_of(token, token_sha256(token), by_name)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"])
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_a_token_with_a_signature_of_the_issuer_is_taken(
    tokens: AccessTokens, key_of: dict[str, Key], alg: str
) -> None:
    caller = caller_of(tokens, signed(key_of[alg], alg))
    assert caller
    assert (caller.name, caller.scopes) == ("billing-app", frozenset({Scope.DECIDE, Scope.AUDIT}))
    assert (caller.actions, caller.limits, caller.token_sha256) == (None, None, "")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"client_id": "app", "azp": "other", "sub": "person"}, "app"),
        ({"client_id": ..., "azp": "other", "sub": "person"}, "other"),
        ({"client_id": ..., "sub": "machine"}, "machine"),
    ],
)
def test_a_caller_is_called_as_its_client(tokens: AccessTokens, changes: dict[str, object], name: str) -> None:
    caller = caller_of(tokens, signed(EC, "ES256", **changes))
    assert caller
    assert caller.name == name


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        ("decide", {Scope.DECIDE}),
        ("openid  decide\tcustomers email", {Scope.DECIDE, Scope.CUSTOMERS}),
        ("DECIDE decide:read decides", set()),
        ("", set()),
        (..., set()),
    ],
)
def test_its_scopes_are_those_words_of_the_claim_that_are_known_here(
    tokens: AccessTokens, scope: object, scopes: set[Scope]
) -> None:
    caller = caller_of(tokens, signed(EC, "ES256", scope=scope))
    assert caller
    assert caller.scopes == scopes


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "jwt", ...])
def test_an_access_token_is_taken_by_its_type_and_one_that_says_no_more_than_jwt_too(
    tokens: AccessTokens, typ: object
) -> None:
    assert caller_of(tokens, signed(EC, "ES256", {"typ": typ}))


@pytest.mark.parametrize("aud", [AUDIENCE, [AUDIENCE], ["https://other.example", AUDIENCE]])
def test_the_audience_may_be_one_of_several(tokens: AccessTokens, aud: object) -> None:
    assert caller_of(tokens, signed(EC, "ES256", aud=aud))


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({"typ": "id+jwt"}, {}),
        ({"typ": "logout+jwt"}, {}),
        ({"typ": "dpop+jwt"}, {}),
        ({"typ": ["at+jwt"]}, {}),
        ({"typ": "JWT"}, {"nonce": "n"}),
        ({"typ": ...}, {"at_hash": "h"}),
        ({"kid": ...}, {}),
        ({"kid": "unknown"}, {}),
        ({"kid": ""}, {}),
        ({"kid": 1}, {}),
        ({"crit": ["exp"], "exp": 1}, {}),
        ({"b64": False, "crit": ["b64"]}, {}),
        ({}, {"iss": "https://issuer.example/"}),
        ({}, {"iss": ...}),
        ({}, {"iss": ["https://issuer.example"]}),
        ({}, {"aud": "https://other.example"}),
        ({}, {"aud": []}),
        ({}, {"aud": ...}),
        ({}, {"aud": {"0": AUDIENCE}}),
        ({}, {"exp": ...}),
        ({}, {"exp": "4102444800"}),
        ({}, {"exp": True}),
        ({}, {"exp": float("nan")}),
        ({}, {"exp": float("inf")}),
        ({}, {"exp": 10**400}),
        ({}, {"nbf": 4_102_444_800}),
        ({}, {"iat": 4_102_444_800}),
        ({}, {"client_id": ["a"]}),
        ({}, {"client_id": ""}),
        ({}, {"client_id": "a\nb"}),
        ({}, {"client_id": "a" * 201}),
        ({}, {"client_id": ..., "sub": ...}),
        ({}, {"scope": ["decide"]}),
        ({}, {"cnf": {"x5t#S256": "x"}}),
        ({}, {"junk": "x" * 8_192}),
    ],
    ids=repr,
)
def test_a_token_that_is_not_in_order_is_none(
    tokens: AccessTokens, header: dict[str, object], changes: dict[str, object]
) -> None:
    assert caller_of(tokens, signed(EC, "ES256", header, **changes)) is None
    assert tokens.count == 0


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "a.b.c.d.e", "..\udcff", "{}.{}.{}", "bnVsbA.bnVsbA.", "é.é.é"]
)
def test_what_is_no_jwt_is_none_and_nobody_is_asked_about_it(tokens: AccessTokens, issuer: Issuer, token: str) -> None:
    issuer.status = 503
    assert caller_of(tokens, token) is None
    assert issuer.asked == 0


def test_it_ends_when_it_says_but_for_what_clocks_may_be_apart(tokens: AccessTokens, today: Clock) -> None:
    now = int(today.now)
    ending = signed(EC, "ES256", exp=now + 10)
    assert caller_of(tokens, ending)
    today.now = now + 10 + LEEWAY_SECONDS - 1
    assert caller_of(tokens, ending)
    assert caller_of(tokens, signed(EC, "ES256", exp=now + 10))
    today.now = now + 10 + LEEWAY_SECONDS
    assert caller_of(tokens, ending) is None
    assert tokens.count == 1  # the other, which nobody has sent again
    begins = signed(EC, "ES256", nbf=int(today.now) + LEEWAY_SECONDS, iat=int(today.now), exp=now + 900)
    assert caller_of(tokens, begins)
    assert caller_of(tokens, signed(EC, "ES256", nbf=int(today.now) + LEEWAY_SECONDS + 1, exp=now + 900)) is None


def test_a_verified_token_is_looked_up_and_not_verified_again(
    tokens: AccessTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signed(EC, "ES256")
    caller = caller_of(tokens, token)
    monkeypatch.setattr(tokens, "_verified", lambda _: pytest.fail("It is verified again."))
    assert caller_of(tokens, token) is caller


def test_it_is_forgotten_when_its_key_is_withdrawn_or_another_has_its_id(
    tokens: AccessTokens, issuer: Issuer, clock: Clock
) -> None:
    token = signed(EC, "ES256")
    for keys in ([], [ec()]):
        before, issuer.keys = issuer.keys, []
        issuer.keys = before
        clock.now += 1_000
        assert caller_of(tokens, token)
        issuer.keys = list(keys)
        clock.now += 400
        tokens._keys.renew()  # noqa: SLF001 - as the watch of the entrance does
        assert caller_of(tokens, token) is None
        assert tokens.count == 0
        issuer.keys = before


def test_while_the_issuer_is_away_it_goes_on_for_an_hour_and_then_cannot_be_told(
    tokens: AccessTokens, issuer: Issuer, clock: Clock
) -> None:
    token = signed(EC, "ES256")
    assert caller_of(tokens, token)
    issuer.status = 503
    clock.now += 3_599
    assert caller_of(tokens, token)
    assert caller_of(tokens, signed(EC, "ES256", jti="another"))
    clock.now += 2
    for each in (token, signed(EC, "ES256", jti="a third")):
        with pytest.raises(IssuerUnavailable):
            caller_of(tokens, each)


def test_no_more_are_remembered_than_there_is_room_for_and_those_in_use_stay(
    tokens: AccessTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_REMEMBERED == 10_000
    monkeypatch.setattr("authz_service.callers.access_tokens.MOST_REMEMBERED", 3)
    used, *others = [signed(EC, "ES256", jti=str(n)) for n in range(5)]
    for token in others:
        assert caller_of(tokens, used)
        assert caller_of(tokens, token)
    assert tokens.count == 3
    monkeypatch.setattr(tokens, "_verified", lambda _: pytest.fail("It was forgotten."))
    assert caller_of(tokens, used)


def test_a_configured_caller_of_that_name_narrows_what_the_token_says_and_never_widens_it(
    tokens: AccessTokens,
) -> None:
    limits = Limits(5, 5)
    configured = Caller("billing-app", "", frozenset({Scope.DECIDE, Scope.CUSTOMERS}), frozenset({"fly"}), limits)
    token = signed(EC, "ES256", scope="decide audit")
    caller = caller_of(tokens, token, {"billing-app": configured})
    assert caller
    narrowed = (frozenset({Scope.DECIDE}), frozenset({"fly"}), limits)
    assert (caller.scopes, caller.actions, caller.limits) == narrowed
    wider = caller_of(tokens, token, {"another": configured})
    assert wider
    assert wider.scopes == {Scope.DECIDE, Scope.AUDIT}
