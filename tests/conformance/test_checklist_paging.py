"""Checklist D13 to D23: the pages of a search."""

import pytest

from authz_service.callers.callers import Caller, token_sha256
from authz_service.words import Scope
from tests.conformance.pdp import METADATA, SEARCH, SOUGHT, SPACESHIP, Body, Pdp, Remake, ids
from tests.conftest import TOKEN
from tests.fakes.engine import FakeEngine, answer
from tests.web.asking import changed, faulty_members

BEYOND_ANY = 10**18
NO_OBJECT: list[object] = ["text", 1, True, [], [{}]]
NO_STRING: list[object] = [1, True, [], {}]


def first_token(pdp: Pdp, sought: str, **page: object) -> str:
    """The token for what comes after the first result."""
    token: str = pdp.search(sought, page={"limit": 1, **page})["page"]["next_token"]
    assert token
    return token


def all_pages(pdp: Pdp, sought: str, limit: int, **more: object) -> list[Body]:
    """Every page of a search, in order."""
    pages = [pdp.search(sought, page={"limit": limit}, **more)]
    while token := pages[-1]["page"]["next_token"]:
        pages.append(pdp.search(sought, page={"limit": limit, "token": token}, **more))
    return pages


def refused(pdp: Pdp, sought: str, page: object, **more: object) -> list[str]:
    """The members for which that page is refused."""
    return faulty_members(pdp.post(SEARCH + sought, {**pdp.known.searches[sought], **more, "page": page}))


@pytest.mark.parametrize("page", [..., None, {}, {"limit": 1000}, {"token": ""}, {"properties": {"sort": "id"}}])
@pytest.mark.parametrize("sought", SOUGHT)
def test_d13_a_page_may_be_asked_for(pdp: Pdp, sought: str, page: object) -> None:
    asked = changed(pdp.known.searches[sought], "page", page)
    assert ids(pdp.succeed(SEARCH + sought, asked)) == pdp.known.found[sought]


@pytest.mark.parametrize(
    ("page", "members"),
    [
        *((page, ["page"]) for page in NO_OBJECT),
        *(({"token": token}, ["page.token"]) for token in NO_STRING),
        *(({"properties": properties}, ["page.properties"]) for properties in NO_OBJECT),
        ({"limit": -1, "token": [], "properties": []}, ["page.token", "page.limit", "page.properties"]),
    ],
)
@pytest.mark.parametrize("sought", SOUGHT)
def test_d14_a_member_of_a_page_of_another_type_is_refused(
    pdp: Pdp, sought: str, page: object, members: list[str]
) -> None:
    assert refused(pdp, sought, page) == members


@pytest.mark.parametrize("limit", [-1, -BEYOND_ANY, 1.5, "1", "", True, False, [], {}])
@pytest.mark.parametrize("sought", SOUGHT)
def test_d14_and_extra_11_a_limit_that_is_none_is_refused(pdp: Pdp, sought: str, limit: object) -> None:
    assert refused(pdp, sought, {"limit": limit}) == ["page.limit"]


@pytest.mark.parametrize("sought", SOUGHT)
def test_d15_and_extra_11_a_page_has_as_many_as_the_limit_at_most(pdp: Pdp, sought: str) -> None:
    everything = pdp.known.found[sought]
    whole = len(everything)
    for limit in (1, whole - 1, whole, whole + 1, BEYOND_ANY):
        body = pdp.search(sought, page={"limit": limit})
        assert ids(body) == everything[:limit]
        assert bool(body["page"]["next_token"]) is (limit < whole)
    assert pdp.found(sought, page={"limit": None}) == everything


@pytest.mark.parametrize("sought", SOUGHT)
def test_d15_and_extra_11_a_limit_of_0_is_no_end_where_there_is_something(pdp: Pdp, sought: str) -> None:
    body = pdp.search(sought, page={"limit": 0})
    token = body["page"]["next_token"]
    assert (body["results"], body["page"]["count"], bool(token)) == ([], 0, True)
    assert pdp.found(sought, page={"token": token}) == pdp.known.found[sought]
    nowhere = changed(pdp.known.searches[sought], "subject.type", SPACESHIP)
    assert pdp.search(sought, **{**nowhere, "page": {"limit": 0}})["page"]["next_token"] == ""


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("sought", SOUGHT)
def test_d16_and_d17_every_page_but_the_last_has_a_token_and_all_together_are_everything(
    pdp: Pdp, sought: str, limit: int
) -> None:
    pages = all_pages(pdp, sought, limit)
    assert [name for body in pages for name in ids(body)] == pdp.known.found[sought]
    *others, last = [body["page"]["next_token"] for body in pages]
    assert all(others)
    assert last == ""
    assert len(set(others)) == len(others)
    assert all(body["page"]["count"] == len(body["results"]) for body in pages)


@pytest.mark.parametrize("sought", SOUGHT)
def test_d18_the_page_comes_first(pdp: Pdp, sought: str) -> None:
    for page in ({}, {"limit": 1}, {"limit": 0}):
        assert pdp.post(SEARCH + sought, {**pdp.known.searches[sought], "page": page}).text.startswith('{"page":{')


CHANGES = ["subject.type", "subject.id", "subject.properties", "resource.type", "resource.id", "resource.properties"]


@pytest.mark.parametrize("sought", SOUGHT)
@pytest.mark.parametrize("member", [*CHANGES, "action.name", "action.properties", "context", "page.properties"])
def test_d19_and_g8_and_extra_10_a_token_is_for_the_same_request_alone(pdp: Pdp, sought: str, member: str) -> None:
    page = {"token": first_token(pdp, sought)}
    asked = {**pdp.known.searches[sought], "page": page}
    second = pdp.succeed(SEARCH + sought, asked)
    other = changed(asked, member, {"a": 1} if member.endswith(("properties", "context")) else SPACESHIP)
    is_ignored = member.startswith(f"{sought}.") and member != f"{sought}.type"
    if is_ignored:
        assert ids(pdp.succeed(SEARCH + sought, other)) == ids(second)
    else:
        assert faulty_members(pdp.post(SEARCH + sought, other)) == ["page.token"]


@pytest.mark.parametrize("sought", SOUGHT)
def test_d20_and_extra_10_the_limit_may_be_left_out_and_not_be_another(pdp: Pdp, sought: str) -> None:
    token = first_token(pdp, sought)
    for page in ({}, {"limit": None}, {"limit": 1}):
        assert pdp.found(sought, page={"token": token, **page}) == pdp.known.found[sought][1:2]
    for limit in (0, 2, BEYOND_ANY):
        assert refused(pdp, sought, {"token": token, "limit": limit}) == ["page.limit"]


@pytest.mark.parametrize("sought", SOUGHT)
def test_d21_and_extra_10_a_token_that_was_not_given_is_refused(pdp: Pdp, sought: str) -> None:
    token = first_token(pdp, sought)
    turned = [token[:n] + ("A" if token[n] != "A" else "B") + token[n + 1 :] for n in range(0, len(token) - 1, 5)]
    made_up = [token[:-4], token[1:], token * 2, f"{token} ", "x", "0", " ", "\0", "é", "=" * 40, "A" * 5_000]
    for wrong in (*turned, *made_up):
        assert refused(pdp, sought, {"token": wrong}) == ["page.token"], wrong


def test_d21_and_extra_10_a_token_of_another_search_is_refused(pdp: Pdp) -> None:
    # A request that all three of them take.
    asked = {**pdp.known.permitted, "page": {"limit": 0}}
    tokens = {sought: pdp.succeed(SEARCH + sought, asked)["page"]["next_token"] for sought in SOUGHT}
    assert all(tokens.values())
    for sought in SOUGHT:
        for of, token in tokens.items():
            response = pdp.post(SEARCH + sought, {**asked, "page": {"token": token}})
            assert response.status_code == (200 if of == sought else 400)


def test_d21_and_extra_10_a_token_is_for_its_caller_alone(pdp: Pdp, remake: Remake) -> None:
    page = {"token": first_token(pdp, "resource")}
    again = remake(pdp)
    other = remake(pdp, caller=Caller("another", token_sha256(TOKEN), frozenset(Scope)))
    assert again.found("resource", page=page) == pdp.known.found["resource"][1:2]
    assert refused(other, "resource", page) == ["page.token"]


def test_extra_10_a_token_used_again_gives_the_same_page(pdp: Pdp) -> None:
    for sought in SOUGHT:
        page = {"token": first_token(pdp, sought)}
        assert pdp.found(sought, page=page) == pdp.found(sought, page=page) == pdp.known.found[sought][1:2]


def test_d22_a_token_outlives_the_policy_under_which_it_was_given(pdp: Pdp, remake: Remake) -> None:
    engine = FakeEngine(lambda _: answer(allow=True))
    changing = remake(pdp, engine=engine)
    page = {"token": first_token(changing, "resource")}
    second = changing.found("resource", page=page)
    assert len(second) == 1
    engine.change_policy(lambda _: answer(allow=False), "second")
    remade = remake(pdp, engine=engine)
    assert remade.search("resource", page=page) == {"page": {"next_token": "", "count": 0}, "results": []}


@pytest.mark.parametrize("sought", SOUGHT)
def test_d23_a_page_has_the_members_of_the_protocol_alone(pdp: Pdp, sought: str) -> None:
    assert "capabilities" not in pdp.client.get(METADATA).get_json()
    for body in all_pages(pdp, sought, 1):
        assert body["page"].keys() <= {"next_token", "count", "total", "properties"}
