"""What is fuzzed, and what has to hold whatever is sent.

A target is one function with one thing drawn: `make fuzz` gives it a share of a million cases, `make check` a few
hundred.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import urlencode

from hypothesis import strategies as st
from joserfc.jwk import ECKey

from authz_service import strict_json
from authz_service.callers.access_tokens import LEEWAY_SECONDS, AccessTokens
from authz_service.callers.callers import Caller, Callers, token_sha256
from authz_service.callers.callers_file import read_callers
from authz_service.callers.entrance import bearer_token
from authz_service.callers.issuer_keys import IssuerKeys
from authz_service.customers.file_reading import read_files
from authz_service.errors import ConfigurationError
from authz_service.settings import TokenIssuer
from authz_service.web.page_tokens import NotAToken, Place
from authz_service.words import Scope
from tests.conftest import TOKEN
from tests.fuzz.served import CANARY, Answer, Served
from tests.fuzz.values import ACTIONS, PEOPLE, anything, changed, entities, questions, spoilt, texts_of
from tests.issuer import AUDIENCE, ISSUER, claims, ec, signed
from tests.reference import Asked, Wished, expected, take_over

SINGLE = "/access/v1/evaluation"
MANY = "/access/v1/evaluations"
DIGEST = "0123456789abcdef" * 4


class Target(NamedTuple):
    """Attributes: `cases`, what is drawn; `check`, what raises AssertionError where something does not hold."""

    cases: st.SearchStrategy[Any]
    check: Callable[[Served, Any], None]


# what holds for every answer


def told(answer: Answer) -> Answer:
    """It is no crash, and if it says what is wrong, then without what the caller has sent."""
    assert answer.status < 500, answer.data
    if answer.status >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert CANARY.encode() not in answer.data
        assert "decision" not in answer.json()
    return answer


def keeps_to_itself(sentence: str) -> None:
    """What is wrong is told without what was sent."""
    assert sentence
    assert CANARY not in sentence
    assert DIGEST[:16] not in sentence


def permits(served: Served, body: Mapping[str, Any]) -> bool:
    """What the reference says of a question; False of what is none."""
    try:
        subject, action, resource = body["subject"], body["action"], body["resource"]
        option = (action.get("properties") or {}).get("option")
        channel = (body.get("context") or {}).get("channel")
        asked = Asked(subject["id"], action["name"], resource["type"], resource["id"], option, channel)
        is_person = subject["type"] == "person"
    except (KeyError, TypeError, AttributeError):
        return False
    texts = (asked.person, asked.action, asked.kind, asked.name)
    return is_person and all(isinstance(text, str) for text in texts) and expected(served.world, asked).allow


# decisions


def decide_one(served: Served, data: bytes) -> None:
    answer = told(served.call("POST", SINGLE, data))
    assert answer.status in {200, 400}
    if answer.status == 200:
        assert answer.json()["decision"] is permits(served, json.loads(data))
        assert answer.data == served.call("POST", "/v1/decide", data).data


def decide_many(served: Served, data: bytes) -> None:
    answer = told(served.call("POST", MANY, data))
    assert answer.status in {200, 400}
    if answer.status == 400:
        return
    body = json.loads(data)
    items = body.get("evaluations")
    if not items:
        assert answer.json()["decision"] is permits(served, body)
        return
    defaults = {part: body[part] for part in ("subject", "action", "resource", "context") if part in body}
    answers = answer.json()["evaluations"]
    assert len(answers) <= len(items)
    for item, one in zip(items, answers, strict=False):
        if "error" in one["context"]:
            assert one["decision"] is False
            assert CANARY not in one["context"]["error"]["message"]
        else:
            assert one["decision"] is permits(served, defaults | item)
    if (body.get("options") or {}).get("evaluations_semantic", "execute_all") in {"execute_all", None}:
        assert len(answers) == len(items)


_batches = st.fixed_dictionaries(
    {"evaluations": st.lists(questions() | questions().map(lambda q: {"action": q["action"]}), max_size=4)},
    optional={
        "subject": questions().map(lambda q: q["subject"]),
        "action": questions().map(lambda q: q["action"]),
        "resource": entities(),
        "context": st.just({"channel": "web"}),
        "options": st.sampled_from(
            [{"evaluations_semantic": s} for s in ("execute_all", "deny_on_first_deny", "permit_on_first_permit", "x")]
        ),
    },
)


# searches


def search(served: Served, case: tuple[str, bytes]) -> None:
    sought, data = case
    answer = told(served.call("POST", f"/access/v1/search/{sought}", data))
    assert answer.status in {200, 400}
    if answer.status == 400:
        return
    body, found = json.loads(data), answer.json()
    assert found["page"]["count"] == len(found["results"])
    for result in found["results"]:
        assert permits(served, body | {sought: result})
    if found["page"]["next_token"]:
        page = (body.get("page") or {}) | {"token": found["page"]["next_token"]}
        further = told(served.call("POST", f"/access/v1/search/{sought}", json.dumps(body | {"page": page}).encode()))
        assert further.status == 200
        assert not [result for result in further.json()["results"] if result in found["results"]]


_pages = st.fixed_dictionaries(
    {}, optional={"limit": st.integers(-1, 3) | anything, "token": st.text(max_size=20) | anything}
)
_searches = st.builds(
    lambda body, page: body | ({} if page is None else {"page": page}), questions(), st.none() | _pages
)


# taking over


def become_administrator(served: Served, case: tuple[str, bytes]) -> None:
    number, data = case
    answer = told(served.call("POST", f"/v1/customers/{number}/administrators", data))
    assert answer.status in {201, 400, 403, 404}
    if answer.status == 400:
        return
    body = json.loads(data)
    activation = body.get("activation")
    given = "not_given" if activation is None else "wrong"
    if activation == {"code": "C0DE", "date": "2026-11-02"}:
        given = "right"
    is_informed = body.get("current_administrator_informed", False)
    outcome = take_over(served.world, Wished(number, body["person"], body["channel"], is_informed, given))
    assert answer.status == (201 if outcome.is_done else 403 if outcome.is_found else 404)
    if outcome.is_done:
        assert tuple(answer.json()["became_users"]) == outcome.became_users
    if outcome.is_done or given == "wrong":
        served.begin_anew()


_wishes = st.fixed_dictionaries(
    {"person": st.sampled_from(PEOPLE), "channel": st.sampled_from(["web", "web", "app", "fax"])},
    optional={
        "current_administrator_informed": st.booleans(),
        "activation": st.sampled_from(
            [
                {"code": "C0DE", "date": "2026-11-02"},
                {"code": "c0de", "date": "2026-11-02"},
                {"code": CANARY, "date": "2026-11-31"},
                None,
            ]
        ),
    },
)


# JSON and files


def read_json(_: Served, data: bytes) -> None:
    try:
        value = strict_json.loads(data)
    except strict_json.NotJson as error:
        keeps_to_itself(str(error))
        return
    assert value == json.loads(data)
    json.dumps(value, ensure_ascii=False).encode()


def load_file(_: Served, case: tuple[str, bytes]) -> None:
    suffix, data = case
    with TemporaryDirectory(prefix="authz-fuzz-") as folder:
        file = Path(folder) / f"customers{suffix}"
        file.write_bytes(data)
        batches = list(read_files([file], lambda: b"key"))
        again = list(read_files([file], lambda: b"key"))
    assert batches == again
    for batch in batches:
        for fault in batch.faults:
            assert fault.what
            assert CANARY not in fault.what
            assert 0 <= fault.line <= data.count(b"\n") + data.count(b"\r") + 2
        for rows in batch.rows.values():
            for row in rows:
                json.dumps(row, ensure_ascii=False).encode()  # nothing that no database takes


_people = st.fixed_dictionaries(
    {"id": st.sampled_from(PEOPLE), "name": st.text(max_size=8), "email": st.sampled_from(["a@example.org", CANARY])},
    optional={"language": st.sampled_from(["en", "nl", CANARY]), "other_provider_numbers": st.just(["+32480000009"])},
)
_options = st.fixed_dictionaries(
    {
        "id": st.sampled_from(PEOPLE),
        "name": st.text(max_size=8),
        "for": st.sampled_from(["mobile", "tv", CANARY]),
        "price": st.sampled_from(["0.00", "5", "-1", CANARY]) | anything,
    }
)
_customers = st.fixed_dictionaries(
    {"number": st.sampled_from(["1001", "x", CANARY]), "name": st.text(max_size=8)},
    optional={
        "kind": st.sampled_from(["residential", "business", CANARY]),
        "activation": st.just({"code": "K7QF", "date": "2026-11-02"}),
        "members": st.lists(
            st.fixed_dictionaries({"person": st.sampled_from(PEOPLE), "role": st.sampled_from(["user", CANARY])}),
            max_size=2,
        ),
        "subscriptions": st.lists(
            st.fixed_dictionaries(
                {"id": st.sampled_from(["m", CANARY]), "kind": st.sampled_from(["mobile", "tv", CANARY])},
                optional={"number": st.just("+32470000001"), "holder": st.sampled_from(PEOPLE)},
            ),
            max_size=2,
        ),
    },
)
_records = st.one_of(
    _people.map(lambda value: {"person": value}),
    _options.map(lambda value: {"option": value}),
    _customers.map(lambda value: {"customer": value}),
)
_lines = st.lists(_records | changed(_records), max_size=3).map(
    lambda records: b"\n".join(json.dumps(record).encode() for record in records)
)
# YAML is a superset of JSON; what only YAML has is put between.
_contents = st.fixed_dictionaries(
    {}, optional={"people": st.lists(_people, max_size=2), "options": st.lists(_options, max_size=2),
                  "customers": st.lists(_customers, max_size=2)}
)  # fmt: skip
_yaml_tricks = st.sampled_from(
    [b"&a ", b"*a", b"<<: ", b"!!python/object:os.system ", b"? ", b"- ", b"\n---\n", b"|\n", b"%YAML 9\n", b"\t", b"#"]
)


@st.composite
def _yaml(draw: st.DrawFn) -> bytes:
    data = json.dumps(draw(_contents | changed(_contents)), indent=draw(st.sampled_from([None, 1]))).encode()
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(_yaml_tricks) + data[at:]
    return data


_files = st.one_of(
    st.tuples(st.just(".ndjson"), _lines | spoilt(_lines)),
    st.tuples(st.just(".yaml"), _yaml() | spoilt(_yaml())),
)


# who calls


_CALLERS = Callers([Caller("fuzz", token_sha256(TOKEN), frozenset(Scope))])


def find_caller(served: Served, header: str) -> None:
    """Who has sent `TOKEN`, and nobody else."""
    caller = _CALLERS.caller_of(bearer_token(header))
    assert (caller is not None) is (header[:7].lower() == "bearer " and header[7:].strip() == TOKEN)
    if header.isascii() and header.isprintable():
        answer = served.call("POST", SINGLE, b"{}", token=header)
        assert told(answer).status == (400 if caller else 401)


_headers = st.one_of(
    st.text(max_size=30),
    st.builds("{} {}".format, st.sampled_from(["Bearer", "bearer", "BEARER", "Basic", "Bearer "]), st.just(TOKEN)),
    st.builds(lambda n, c: f"Bearer {TOKEN[:n]}{c}{TOKEN[n:]}", st.integers(0, len(TOKEN)), st.text(max_size=2)),
)


class _PublishedKeys(IssuerKeys):
    """Those of an issuer that need not be fetched."""

    def __init__(self, key: ECKey) -> None:
        self._key = key

    def holds(self, thumbprint: str) -> bool:
        return thumbprint == self._key.thumbprint()

    def find(self, kid: str) -> ECKey | None:
        return self._key if kid == self._key.kid else None


_KEY = ec()
_ACCESS_TOKENS = AccessTokens(TokenIssuer("", ISSUER, AUDIENCE), _PublishedKeys(_KEY))


def verify_access_token(_: Served, case: tuple[dict[str, Any], dict[str, Any], int, str]) -> None:
    """What is taken is what the issuer has signed, for this service and for now; and it opens what it says at most."""
    changes, header, at, other = case
    token = signed(_KEY, "ES256", header, **changes)
    caller = _ACCESS_TOKENS.caller_of(token, token_sha256(token), {})
    if caller is not None:
        said = claims(**changes)
        assert said["iss"] == ISSUER
        assert AUDIENCE in ([said["aud"]] if isinstance(said["aud"], str) else said["aud"])
        assert said["exp"] > time.time() - LEEWAY_SECONDS - 1
        assert caller.name == said["client_id"]
        assert caller.scopes <= set(said["scope"].split())
        assert header.get("kid", _KEY.kid) == _KEY.kid
    spoiled = token[:at] + other + token[at + 1 :]
    # The last letter of Base64 has bits that mean nothing.
    assert _ACCESS_TOKENS.caller_of(spoiled, token_sha256(spoiled), {}) in (None, caller)


_moments = st.integers(-100, 100).map(lambda seconds: int(time.time()) + seconds)
_access_tokens = st.tuples(
    st.fixed_dictionaries(
        {},
        optional={
            "iss": st.sampled_from([ISSUER, ISSUER + "/", CANARY]) | anything,
            "aud": st.sampled_from([AUDIENCE, [AUDIENCE, "other"], [], CANARY]) | anything,
            "exp": _moments | anything,
            "nbf": _moments | anything,
            "client_id": st.sampled_from(["shop", CANARY, ""]) | anything,
            "scope": st.sampled_from(["decide", "decide audit", "", "DECIDE", CANARY]) | anything,
        },
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "kid": st.sampled_from([_KEY.kid, "other", CANARY]),
            "typ": st.sampled_from(["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "dpop+jwt"]),
            "jwk": st.just(_KEY.as_dict()),
            "jku": st.just("https://127.0.0.1/keys"),
        },
    ),
    st.integers(0, 400),
    st.sampled_from(["A", "B", "", ".", "=", "é", CANARY]),
)


def read_callers_file(_: Served, data: bytes) -> None:
    with TemporaryDirectory(prefix="authz-fuzz-") as folder:
        file = Path(folder) / "callers.yaml"
        file.write_bytes(data)
        try:
            callers = read_callers(file)
        except ConfigurationError as error:
            keeps_to_itself(str(error))
            return
    assert callers
    for caller in callers:
        assert caller.name
        assert caller.scopes
        assert {len(caller.token_sha256), len(caller.certificate_sha256)} <= {0, 64}


_digests = st.sampled_from([DIGEST, DIGEST.upper(), CANARY]) | anything
_tokens = st.fixed_dictionaries({"sha256": _digests}, optional={"expires": st.sampled_from(["2027-01-01", CANARY])})
_limits = st.dictionaries(st.sampled_from(["per_second", "burst", "concurrent", CANARY]), anything, max_size=3)
_caller = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["shop", CANARY, ""]) | anything,
        "scopes": st.lists(st.sampled_from([*Scope, CANARY]), max_size=3) | anything,
    },
    optional={
        "token_sha256": _digests,
        "tokens": st.lists(_tokens, max_size=2) | anything,
        "certificate_sha256": _digests,
        "actions": st.lists(st.sampled_from(ACTIONS), max_size=2) | anything,
        "limits": _limits | anything,
    },
)
_callers_files = st.one_of(
    st.lists(_caller | changed(_caller), max_size=3).map(lambda listed: json.dumps({"callers": listed}).encode()),
    spoilt(st.lists(_caller, max_size=2).map(lambda listed: json.dumps({"callers": listed}).encode())),
    st.sampled_from(
        [b"2026-13-45", b"callers: [2026-99-99]", b"? [a]\n: b", b"{{a: b}: c}", b"a: &a [*a]", b"!!int x"]
    ),
)


# tokens of pages, and cursors


def open_page_token(served: Served, case: tuple[Place, bytes, int, bytes]) -> None:
    place, bound_to, at, other = case
    token = served.tokens.seal(place, bound_to)
    assert served.tokens.open(token, bound_to) == place
    spoiled = token[:at] + other.decode("latin-1") + token[at + 1 :]
    try:
        opened = served.tokens.open(spoiled, bound_to)
    except NotAToken:
        return
    # The last letter of Base64 has bits that mean nothing.
    assert opened == place


def list_decisions(served: Served, query: dict[str, str]) -> None:
    answer = told(served.call("GET", "/v1/decisions", query=urlencode(query)))
    assert answer.status in {200, 400}
    if answer.status == 200 and "limit" in query:
        assert 1 <= int(query["limit"]) <= 1000


def read_decision(served: Served, decision_id: str) -> None:
    for rest in ("", "/proof"):
        assert told(served.call("GET", f"/v1/decisions/{decision_id}{rest}")).status in {400, 404, 405}


_ulid = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=25, max_size=27)
_cursor = st.one_of(_ulid, st.builds("{}.{}".format, _ulid, st.integers(-1, 10**12)), st.text(max_size=30))
_time = st.one_of(
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-11-27", "now", CANARY]),
)
_queries = st.fixed_dictionaries(
    {},
    optional={
        "subject": st.text(max_size=10),
        "customer": st.sampled_from(["1001", "~x", CANARY]),
        "action": st.sampled_from(ACTIONS),
        "decision": st.sampled_from(["true", "false", "True", CANARY]),
        "from": _time,
        "to": _time,
        "limit": st.builds("{}{}".format, st.sampled_from(["", "0" * 8, "0" * 5000]), st.integers(-1, 10**30))
        | st.text(max_size=5),
        "cursor": _cursor,
        "other": st.just(CANARY),
    },
)

_numbers = st.sampled_from(["1001", "1001", "1002", "1002", "999"])
TARGETS: dict[str, Target] = {
    "one decision": Target(texts_of(questions()), decide_one),
    "many decisions": Target(texts_of(_batches), decide_many),
    "searches": Target(st.tuples(st.sampled_from(["subject", "resource", "action"]), texts_of(_searches)), search),
    "taking over": Target(st.tuples(_numbers, texts_of(_wishes)), become_administrator),
    "JSON": Target(texts_of(anything) | st.binary(max_size=40), read_json),
    "customer files": Target(_files, load_file),
    "tokens of callers": Target(_headers, find_caller),
    "access tokens": Target(_access_tokens, verify_access_token),
    "the file of callers": Target(_callers_files, read_callers_file),
    "tokens of pages": Target(
        st.tuples(
            st.builds(Place, st.text(max_size=12), st.none() | st.integers(0, 1000)),
            st.binary(max_size=8),
            st.integers(0, 80),
            st.binary(max_size=2),
        ),
        open_page_token,
    ),
    "questions to the journal": Target(_queries, list_decisions),
    "ids of decisions": Target(_cursor.map(lambda text: text.replace("?", "")), read_decision),
}
"""Every target by its name."""
