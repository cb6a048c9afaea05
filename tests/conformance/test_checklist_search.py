"""Checklist D1 to D12: what a search finds."""

import pytest

from tests.conformance.pdp import SEARCH, SOUGHT, SPACESHIP, Body, Pdp
from tests.web.asking import changed, faulty_members

NEEDED = {
    "subject": ["subject", "subject.type", "action", "action.name", "resource", "resource.type", "resource.id"],
    "resource": ["subject", "subject.type", "subject.id", "action", "action.name", "resource", "resource.type"],
    "action": ["subject", "subject.type", "subject.id", "resource", "resource.type", "resource.id"],
}


def refused(pdp: Pdp, sought: str, member: str, value: object = ...) -> bool:
    """Whether the search is refused for that value of a member, and names it."""
    response = pdp.post(SEARCH + sought, changed(pdp.known.searches[sought], member, value))
    return faulty_members(response) == [member]


@pytest.mark.parametrize("ignored", [..., SPACESHIP, "", None, 5, {}, []])
def test_d1_a_search_for_subjects_ignores_an_id_of_them(pdp: Pdp, ignored: object) -> None:
    asked = pdp.known.searches["subject"]
    assert pdp.found("subject", **changed(asked, "subject.id", ignored)) == pdp.known.found["subject"]
    assert all(refused(pdp, "subject", member) for member in NEEDED["subject"])


@pytest.mark.parametrize("ignored", [..., SPACESHIP, "", None, 5, {}, []])
def test_d2_a_search_for_resources_ignores_an_id_of_them(pdp: Pdp, ignored: object) -> None:
    asked = pdp.known.searches["resource"]
    assert pdp.found("resource", **changed(asked, "resource.id", ignored)) == pdp.known.found["resource"]
    assert all(refused(pdp, "resource", member) for member in NEEDED["resource"])


@pytest.mark.parametrize("ignored", [{"name": "read"}, {"name": SPACESHIP}, {"name": 5}, {}, None, "read", []])
def test_d3_a_search_for_actions_ignores_an_action(pdp: Pdp, ignored: object) -> None:
    assert pdp.found("action", action=ignored) == pdp.known.found["action"]
    assert all(refused(pdp, "action", member) for member in NEEDED["action"])


@pytest.mark.parametrize(
    ("sought", "member"),
    [(sought, member) for sought in SOUGHT for member in NEEDED[sought]] + [(sought, "context") for sought in SOUGHT],
)
@pytest.mark.parametrize("value", [5, True, [], [{}]])
def test_d4_what_has_another_type_is_refused(pdp: Pdp, sought: str, member: str, value: object) -> None:
    assert refused(pdp, sought, member, value)


def test_d4_what_one_search_takes_another_refuses(pdp: Pdp) -> None:
    asked = pdp.known.searches["subject"]
    assert pdp.succeed(f"{SEARCH}subject", asked)
    for sought in ("resource", "action"):
        assert faulty_members(pdp.post(SEARCH + sought, asked)) == ["subject.id"]


@pytest.mark.parametrize("sought", SOUGHT)
def test_d5_results_are_an_array_of_what_is_sought(pdp: Pdp, sought: str) -> None:
    body = pdp.search(sought)
    assert body.keys() <= {"results", "context", "page"}
    assert isinstance(body["results"], list)
    assert len(body["results"]) > 1
    if sought != "action":
        kind = pdp.known.searches[sought][sought]["type"]
        assert {result["type"] for result in body["results"]} == {kind}


def test_d6_a_result_has_type_and_id_or_name_in_this_order_and_no_more(pdp: Pdp) -> None:
    for sought, members in (("subject", ["type", "id"]), ("resource", ["type", "id"]), ("action", ["name"])):
        assert all(list(result) == members for result in pdp.search(sought)["results"])


@pytest.mark.parametrize(
    ("sought", "member"), [(sought, member) for sought in SOUGHT for member in NEEDED[sought] if "." in member]
)
def test_d7_where_something_is_unknown_nothing_is_found(pdp: Pdp, sought: str, member: str) -> None:
    asked = changed(pdp.known.searches[sought], member, SPACESHIP)
    assert pdp.search(sought, **asked)["results"] == []


@pytest.mark.parametrize("sought", SOUGHT)
def test_d8_what_is_found_is_permitted_and_all_that_is(pdp: Pdp, sought: str) -> None:
    assert pdp.found(sought) == pdp.known.found[sought]
    permitted = [each for each in pdp.known.candidates[sought] if pdp.decision(pdp.about(sought, each))]
    assert sorted(permitted) == pdp.known.found[sought]


def test_d9_a_search_follows_relations(telecom: Pdp, scenarios: Pdp) -> None:
    # Philip is related to the customer number alone, and the number to whose mobile it is.
    about_hers = telecom.known.searches["subject"]
    assert about_hers["resource"]["id"] == "mobile-2002"
    assert telecom.found("subject") == ["mary.jones", "philip.smith"]
    # Bob owns four records; the others are of the department that he is of.
    bob, record = {"type": "user", "id": "bob"}, {"type": "record"}
    own = scenarios.found("resource", subject=bob, action={"name": "delete"}, resource=record)
    assert own == ["102", "108", "114", "120"]
    of_the_department = ["101", "102", "103", "105", "108", "112", "114", "116", "117", "119", "120"]
    assert scenarios.found("resource", subject=bob, action={"name": "view"}, resource=record) == of_the_department


@pytest.mark.parametrize("sought", SOUGHT)
def test_d10_and_d11_and_extra_15_the_same_search_has_the_same_bytes(pdp: Pdp, sought: str) -> None:
    asked = pdp.known.searches[sought]
    assert len({pdp.post(SEARCH + sought, asked).data for _ in range(3)}) == 1
    found = pdp.found(sought)
    assert found == sorted(set(found))


@pytest.mark.parametrize("sought", SOUGHT)
def test_d11_only_the_token_of_the_same_page_may_differ(pdp: Pdp, sought: str) -> None:
    pages = [pdp.search(sought, page={"limit": 1}) for _ in range(3)]
    for body in pages:
        assert body["page"].pop("next_token")
    assert pages[0] == pages[1] == pages[2]


@pytest.mark.parametrize(
    "properties", [{}, {"role": "admin"}, {"role": "administrator"}, {"status": "active"}, None, 5, []]
)
def test_d12_properties_of_what_is_sought_change_nothing(pdp: Pdp, properties: object) -> None:
    for sought in ("subject", "resource"):
        asked = changed(pdp.known.searches[sought], f"{sought}.properties", properties)
        assert pdp.found(sought, **asked) == pdp.known.found[sought]


def test_d12_not_even_those_that_count_in_an_evaluation(scenarios: Pdp) -> None:
    archived = {"type": "record", "id": "record-2"}
    admin: Body = {"type": "user", "id": "alice", "properties": {"role": "admin"}}
    assert scenarios.decision({"subject": admin, "action": {"name": "write"}, "resource": archived})
    found = scenarios.found("subject", subject=admin, action={"name": "write"}, resource=archived)
    assert found == ["bob"]
