"""The three searches over the Smith family."""

import itertools
import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from authz_service.callers.callers import Caller, token_sha256
from authz_service.decision.searches import MOST_ON_A_PAGE
from authz_service.words import Scope
from tests.conftest import BEARER, TOKEN
from tests.fakes.engine import FakeEngine, answer
from tests.web.asking import CANARY, ULID, changed, problem
from tests.web.conftest import MakeClient

PERSON = {"type": "person"}
PHILIP, MARY = {"type": "person", "id": "philip.smith"}, {"type": "person", "id": "mary.jones"}
VIEW_USAGE = {"name": "view_usage"}
CUSTOMER, HER_MOBILE = {"type": "customer", "id": "123456789"}, {"type": "subscription", "id": "mobile-2002"}
HER_FREE_OPTION = {"name": "activate_option", "properties": {"option": "voicemail-to-text"}}
SUBJECTS = {"subject": PERSON, "action": VIEW_USAGE, "resource": HER_MOBILE}
RESOURCES = {"subject": PHILIP, "action": VIEW_USAGE, "resource": {"type": "subscription"}}
ACTIONS = {"subject": MARY, "resource": HER_MOBILE}
ALL_OF_PHILIP = ["internet-1001", "mobile-2001", "mobile-2002", "mobile-2003", "tv-1002"]
SEARCHES = [("subject", SUBJECTS), ("resource", RESOURCES), ("action", ACTIONS)]


def search(client: FlaskClient, sought: str, asked: dict[str, Any], **more: object) -> dict[str, Any]:
    response = client.post(f"/access/v1/search/{sought}", json=asked | more)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.get_json()
    return body


def found(body: dict[str, Any]) -> list[str]:
    return [result.get("id", result.get("name")) for result in body["results"]]


@pytest.mark.parametrize(
    ("sought", "asked", "expected"),
    [
        ("subject", SUBJECTS, ["mary.jones", "philip.smith"]),
        ("subject", changed(SUBJECTS, "action", {"name": "view_bills"}) | {"resource": CUSTOMER}, ["philip.smith"]),
        ("subject", SUBJECTS | {"action": {"name": "fly"}}, []),
        ("subject", SUBJECTS | {"action": HER_FREE_OPTION}, ["mary.jones", "philip.smith"]),
        ("subject", SUBJECTS | {"resource": {"type": "subscription", "id": "no-such"}}, []),
        ("subject", SUBJECTS | {"subject": {"type": "spaceship"}}, []),
        ("resource", RESOURCES, ALL_OF_PHILIP),
        ("resource", RESOURCES | {"subject": MARY}, ["mobile-2002"]),
        ("resource", RESOURCES | {"subject": MARY, "action": HER_FREE_OPTION}, ["mobile-2002"]),
        ("resource", RESOURCES | {"action": {"name": "view_bills"}, "resource": {"type": "customer"}}, ["123456789"]),
        ("resource", RESOURCES | {"subject": {"type": "person", "id": "nobody"}}, []),
        ("resource", RESOURCES | {"resource": {"type": "planet"}}, []),
        ("action", ACTIONS, ["view_usage"]),
        ("action", {"subject": MARY, "resource": CUSTOMER}, ["become_administrator", "view_role"]),
        ("action", {"subject": PHILIP, "resource": {"type": "planet", "id": "1"}}, []),
    ],
)
def test_a_search_finds_all_that_the_policy_allows(
    smiths: FlaskClient, sought: str, asked: dict[str, Any], expected: list[str]
) -> None:
    assert found(search(smiths, sought, asked)) == expected


@pytest.mark.parametrize(
    ("sought", "asked", "results"),
    [
        ("subject", SUBJECTS, [{"type": "person", "id": "mary.jones"}, {"type": "person", "id": "philip.smith"}]),
        ("resource", RESOURCES | {"subject": MARY}, [{"type": "subscription", "id": "mobile-2002"}]),
        ("action", ACTIONS, [{"name": "view_usage"}]),
    ],
)
def test_the_page_comes_first_and_a_result_has_its_type_and_id_alone(
    smiths: FlaskClient, sought: str, asked: dict[str, Any], results: list[dict[str, str]]
) -> None:
    response = smiths.post(f"/access/v1/search/{sought}", json=asked)
    wanted = {"page": {"next_token": "", "count": len(results)}, "results": results}
    assert response.text == json.dumps(wanted, separators=(",", ":"))


@pytest.mark.parametrize(("sought", "asked"), SEARCHES)
def test_each_search_has_a_decision_id_of_its_own(smiths: FlaskClient, sought: str, asked: dict[str, Any]) -> None:
    ids = [smiths.post(f"/access/v1/search/{sought}", json=asked).headers["Decision-Id"] for _ in range(2)]
    assert len(set(ids)) == 2
    assert all(re.fullmatch(ULID, made) for made in ids)


@pytest.mark.parametrize(("sought", "asked"), SEARCHES)
@pytest.mark.parametrize("limit", [1, 2, 2.0, 3, 4, 5, 6, MOST_ON_A_PAGE, 10**18])
def test_following_the_tokens_finds_the_same_at_every_page_size(
    smiths: FlaskClient, sought: str, asked: dict[str, Any], limit: float
) -> None:
    whole = search(smiths, sought, asked)["results"]
    body = search(smiths, sought, asked, page={"limit": limit})
    results = body["results"]
    while token := body["page"]["next_token"]:
        assert body["page"]["count"] == len(body["results"]) == limit
        body = search(smiths, sought, asked, page={"limit": limit, "token": token})
        results += body["results"]
    assert results == whole


def first_token(client: FlaskClient, page: dict[str, Any] | None = None) -> str:
    token: str = search(client, "resource", RESOURCES, page={"limit": 2} | (page or {}))["page"]["next_token"]
    assert token
    return token


def test_the_next_page_may_leave_the_limit_out(smiths: FlaskClient) -> None:
    token = first_token(smiths)
    assert found(search(smiths, "resource", RESOURCES, page={"token": token})) == ALL_OF_PHILIP[2:4]


def test_a_token_gives_the_same_page_each_time(smiths: FlaskClient) -> None:
    page = {"token": first_token(smiths)}
    assert found(search(smiths, "resource", RESOURCES, page=page)) == found(
        search(smiths, "resource", RESOURCES, page=page)
    )


def test_the_order_of_members_and_what_is_ignored_may_change_from_page_to_page(smiths: FlaskClient) -> None:
    page = {"token": first_token(smiths)}
    turned = dict(reversed(list(RESOURCES.items()))) | {"resource": {"id": "any", "type": "subscription"}, "more": 1}
    assert found(search(smiths, "resource", turned, page=page)) == ALL_OF_PHILIP[2:4]


def test_an_empty_token_and_one_of_null_begin_anew(smiths: FlaskClient) -> None:
    for token in ("", None):
        assert found(search(smiths, "resource", RESOURCES, page={"token": token, "limit": 1})) == ALL_OF_PHILIP[:1]


def test_a_limit_of_zero_says_whether_there_is_anything_and_its_token_takes_any_limit(smiths: FlaskClient) -> None:
    body = search(smiths, "resource", RESOURCES, page={"limit": 0})
    token = body["page"]["next_token"]
    assert (body["results"], body["page"]["count"], bool(token)) == ([], 0, True)
    assert found(search(smiths, "resource", RESOURCES, page={"token": token, "limit": 3})) == ALL_OF_PHILIP[:3]
    assert found(search(smiths, "resource", RESOURCES, page={"token": token})) == ALL_OF_PHILIP
    nobody = RESOURCES | {"subject": {"type": "person", "id": "nobody"}}
    assert search(smiths, "resource", nobody, page={"limit": 0})["page"]["next_token"] == ""


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("subject.id", "mary.jones"),
        ("subject.type", "robot"),
        ("subject.properties", {"a": 1}),
        ("action.name", "activate_option"),
        ("action.properties", {"option": "voicemail-to-text"}),
        ("resource.type", "customer"),
        ("context", {"channel": "web"}),
        ("page.properties", {"sort": "id"}),
    ],
)
def test_a_token_of_another_question_is_refused_and_named(smiths: FlaskClient, path: str, value: object) -> None:
    page = {"token": first_token(smiths)}
    other = changed(RESOURCES | {"page": page}, path, value)
    body = problem(smiths.post("/access/v1/search/resource", json=other), 400)
    assert [error["member"] for error in body["errors"]] == ["page.token"]


def test_a_token_of_another_endpoint_is_refused(smiths: FlaskClient) -> None:
    page = {"token": first_token(smiths)}
    for sought in ("subject", "action"):
        asked = RESOURCES | {"resource": HER_MOBILE, "page": page}
        problem(smiths.post(f"/access/v1/search/{sought}", json=asked), 400)


def test_a_token_of_another_limit_is_refused_and_the_limit_named(smiths: FlaskClient) -> None:
    token = first_token(smiths)
    for limit in (0, 1, 3, 10**18):
        asked = RESOURCES | {"page": {"token": token, "limit": limit}}
        body = problem(smiths.post("/access/v1/search/resource", json=asked), 400)
        assert [error["member"] for error in body["errors"]] == ["page.limit"]


def broken(token: str) -> list[str]:
    turned = [token[:n] + ("A" if token[n] != "A" else "B") + token[n + 1 :] for n in range(0, len(token) - 1, 7)]
    return [*turned, token[:-4], token + token, "x", CANARY, " ", "\0", "é", "💥", "=" * 40, "A" * 5_000]


def test_a_token_that_was_not_made_here_is_refused_and_never_told(smiths: FlaskClient) -> None:
    for token in broken(first_token(smiths)):
        asked = RESOURCES | {"page": {"token": token}}
        body = problem(smiths.post("/access/v1/search/resource", json=asked), 400)
        assert [error["member"] for error in body["errors"]] == ["page.token"], token


def test_a_token_tells_nothing_of_the_place_that_it_stands_for(smiths: FlaskClient) -> None:
    tokens = {first_token(smiths) for _ in range(3)}
    assert len(tokens) == 3
    assert not any("mobile" in token for token in tokens)


def test_a_token_is_good_for_its_caller_alone(client: FlaskClient, make_client: MakeClient) -> None:
    token = first_token(client)
    assert found(search(make_client(), "resource", RESOURCES, page={"token": token}))
    other = make_client(caller=Caller("another", token_sha256(TOKEN), frozenset(Scope)))
    asked = RESOURCES | {"page": {"token": token}}
    problem(other.post("/access/v1/search/resource", json=asked, headers=BEARER), 400)


@pytest.mark.parametrize(
    ("page", "members"),
    [
        ([], ["page"]),
        ("1", ["page"]),
        ({"limit": -1}, ["page.limit"]),
        ({"limit": 1.5}, ["page.limit"]),
        ({"limit": "1"}, ["page.limit"]),
        ({"limit": True}, ["page.limit"]),
        ({"limit": [CANARY], "token": 5, "properties": []}, ["page.token", "page.limit", "page.properties"]),
    ],
)
@pytest.mark.parametrize(("sought", "asked"), SEARCHES)
def test_a_page_of_a_wrong_type_is_refused_with_every_member_named(
    smiths: FlaskClient, sought: str, asked: dict[str, Any], page: object, members: list[str]
) -> None:
    body = problem(smiths.post(f"/access/v1/search/{sought}", json=asked | {"page": page}), 400)
    assert [error["member"] for error in body["errors"]] == members


@pytest.mark.parametrize(
    ("sought", "asked", "member"),
    [
        (sought, asked, member)
        for sought, asked in SEARCHES
        for member in (
            "subject",
            "action",
            "resource",
            "subject.type",
            "subject.id",
            "action.name",
            "resource.type",
            "resource.id",
        )
        if member.split(".")[0] in asked and member != f"{sought}.id"
    ],
)
@pytest.mark.parametrize("value", [..., None, 5, [], True])
def test_what_a_search_needs_is_refused_and_named_where_it_is_missing(
    smiths: FlaskClient, sought: str, asked: dict[str, Any], member: str, value: object
) -> None:
    body = problem(smiths.post(f"/access/v1/search/{sought}", json=changed(asked, member, value)), 400)
    assert [error["member"] for error in body["errors"]] == [member]


@pytest.mark.parametrize("ignored", ["nobody", 5, None, [], {}])
def test_the_id_of_what_is_sought_is_ignored_whatever_it_is(smiths: FlaskClient, ignored: object) -> None:
    for sought, asked in SEARCHES[:2]:
        plain = search(smiths, sought, asked)
        assert search(smiths, sought, changed(asked, f"{sought}.id", ignored)) == plain
    for action in ({"name": "view_bills"}, ignored):
        assert search(smiths, "action", ACTIONS, action=action) == search(smiths, "action", ACTIONS)


def test_properties_of_what_is_sought_change_nothing(smiths: FlaskClient) -> None:
    asked = changed(SUBJECTS, "subject.properties", {"role": "administrator"})
    assert search(smiths, "subject", asked) == search(smiths, "subject", SUBJECTS)


def test_the_context_counts_for_each_candidate(smiths: FlaskClient) -> None:
    asked = {"subject": PERSON, "action": {"name": "become_administrator"}, "resource": CUSTOMER}
    assert found(search(smiths, "subject", asked, context={"channel": "web"})) == ["mary.jones", "tracy.smith"]
    assert found(search(smiths, "subject", asked, context={"channel": "app"})) == []


def test_what_is_wrong_in_question_and_page_is_told_together(smiths: FlaskClient) -> None:
    asked = SUBJECTS | {"context": {"channel": CANARY}, "page": {"limit": -1}}
    body = problem(smiths.post("/access/v1/search/subject", json=asked), 400)
    assert [error["member"] for error in body["errors"]] == ["page.limit", "context.channel"]


def test_what_is_found_is_what_the_same_question_alone_allows(smiths: FlaskClient) -> None:
    people = ["philip.smith", "mary.jones", "tracy.smith"]
    actions = ["view_usage", "view_bills", "activate_option", "become_administrator", "delegate", "view_role"]
    things = [CUSTOMER, HER_MOBILE, {"type": "subscription", "id": "tv-1002"}]
    for thing, action in itertools.product(things, actions):
        asked = {"subject": PERSON, "action": {"name": action}, "resource": thing}
        alone = [
            person
            for person in sorted(people)
            if smiths.post("/v1/decide", json=changed(asked, "subject.id", person)).get_json()["decision"]
        ]
        assert found(search(smiths, "subject", asked)) == alone


def test_a_search_without_policy_has_no_results_to_tell(make_client: MakeClient) -> None:
    engine = FakeEngine(lambda _: answer(allow=True))
    client = make_client(engine=engine)
    engine.go_down()
    for sought, asked in SEARCHES:
        response = client.post(f"/access/v1/search/{sought}", json=asked)
        assert "results" not in problem(response, 503)


def test_a_search_needs_the_scope_to_decide(make_client: MakeClient) -> None:
    scopes = frozenset(set(Scope) - {Scope.DECIDE})
    client = make_client(caller=Caller("reader", token_sha256(TOKEN), scopes))
    for sought, asked in SEARCHES:
        problem(client.post(f"/access/v1/search/{sought}", json=asked), 403)
