import threading
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from authz_service.words import Durability
from tests.conftest import HOUSEHOLDS, Load
from tests.web.asking import CANARY, CUSTOMER, changed, faulty_members, problem, question
from tests.web.conftest import MakeClient, database_of

MARY = {"id": "mary.jones", "name": "Mary Jones", "email": "mary.jones@example.org"}
NEW_PERSON = {
    "id": "ann.other",
    "name": "Ann Other",
    "email": "ann@example.org",
    "other_provider_numbers": ["+32480000009"],
}
NEW_OPTION = {"id": "roaming", "name": "Roaming", "for": "mobile", "price": "2.50"}
SMITHS: dict[str, Any] = {
    "number": CUSTOMER,
    "name": "Smith family",
    "members": [
        {"person": "philip.smith", "role": "administrator"},
        {"person": "mary.jones", "role": "user"},
        {"person": "tracy.smith", "role": "user"},
    ],
    "subscriptions": [
        {"id": "internet-1001", "kind": "internet"},
        {"id": "mobile-2001", "kind": "mobile", "number": "+32470000001", "holder": "philip.smith"},
        {"id": "mobile-2002", "kind": "mobile", "number": "+32470000002", "holder": "mary.jones"},
        {"id": "mobile-2003", "kind": "mobile", "number": "+32470000003", "holder": "tracy.smith"},
        {"id": "tv-1002", "kind": "tv"},
    ],
}
NEW_CUSTOMER: dict[str, Any] = {
    "number": "555",
    "name": "Jones bakery",
    "kind": "business",
    "members": [
        {"person": "mary.jones", "role": "administrator"},
        {"person": "tracy.smith", "role": "administrator"},
    ],
    "subscriptions": [
        {
            "id": "mobile-5551",
            "kind": "mobile",
            "number": "+32470000555",
            "holder": "mary.jones",
            "plan": "pay_and_go",
            "paid_by": "employer",
        },
        {"id": "other-5552", "kind": "other"},
    ],
}

OBJECTS = [
    # where, what is new there, what it is changed to
    ("/v1/people/ann.other", NEW_PERSON, changed(changed(NEW_PERSON, "name", "Ann"), "other_provider_numbers", ...)),
    ("/v1/options/roaming", NEW_OPTION, changed(NEW_OPTION, "price", "0.00")),
    ("/v1/customers/555", NEW_CUSTOMER, changed(NEW_CUSTOMER, "subscriptions", ...)),
]
STORED = ["/v1/people/mary.jones", "/v1/options/film-evening", f"/v1/customers/{CUSTOMER}"]
every_object = pytest.mark.parametrize(("path", "new", "other"), OBJECTS)


@every_object
def test_an_object_is_written_read_replaced_and_deleted(
    client: FlaskClient, path: str, new: dict[str, Any], other: dict[str, Any]
) -> None:
    problem(client.get(path), 404)
    for body, status in ((new, 201), (new, 200), (other, 200)):
        written = client.put(path, json=body)
        assert (written.status_code, written.get_json()) == (status, body)
        assert client.get(path).get_json() == body
        assert client.get(path).headers["ETag"] == written.headers["ETag"]
    deleted = client.delete(path)
    assert (deleted.status_code, deleted.data) == (204, b"")
    problem(client.get(path), 404)
    problem(client.delete(path), 404)


@every_object
def test_defaults_that_are_spelled_out_are_left_out_of_what_is_read(
    client: FlaskClient, path: str, new: dict[str, Any], other: dict[str, Any]
) -> None:
    defaults: dict[str, object] = {"kind": "residential", "members": [], "subscriptions": [], "activation": None}
    if "customers" in path:
        other = {"number": "555", "name": "Nobody"}
        body = other | defaults
    else:
        body = other | ({"other_provider_numbers": []} if "people" in path else {})
    assert client.put(path, json=body).get_json() == other


@every_object
def test_if_match_takes_the_version_that_was_read_and_no_other(
    client: FlaskClient, path: str, new: dict[str, Any], other: dict[str, Any]
) -> None:
    first = client.put(path, json=new).headers["ETag"]
    second = put(client, path, other, if_match=first).headers["ETag"]
    assert first != second
    for stale in (first, f"W/{second}", '"999"', '"-1"', f'"x", {first}', CANARY, '""', ""):
        problem(put(client, path, new, if_match=stale), 412)
        problem(client.delete(path, headers={"If-Match": stale}), 412)
    assert client.get(path).get_json() == other
    assert put(client, path, new, if_match=f'"x", {second}').status_code == 200
    assert put(client, path, other, if_match="*").status_code == 200
    assert client.delete(path, headers={"If-Match": client.get(path).headers["ETag"]}).status_code == 204


@every_object
def test_if_match_on_what_is_not_there_is_stale(
    client: FlaskClient, path: str, new: dict[str, Any], other: dict[str, Any]
) -> None:
    for wanted in ("*", '"1"', '"0"', ""):
        problem(put(client, path, new, if_match=wanted), 412)
        problem(client.delete(path, headers={"If-Match": wanted}), 412)
    problem(client.get(path), 404)


@every_object
def test_the_etag_is_that_of_the_body_also_when_somebody_else_writes_in_between(
    make_client: MakeClient, path: str, new: dict[str, Any], other: dict[str, Any]
) -> None:
    client = make_client(journal=Durability.OFF)
    client.put(path, json=new)
    # The first transaction writes, the second reads what has been written.
    interrupts = iter([False, True])
    requests = threading.get_ident()

    @event.listens_for(database_of(client.application), "begin")
    def interrupt(_connection: object) -> None:
        # A revision that has come into force is kept in a transaction of another thread.
        if threading.get_ident() == requests and next(interrupts, False):
            client.put(path, json=other)

    response = client.put(path, json=new)
    assert response.get_json() == client.get(path).get_json() == other
    assert response.headers["ETag"] == client.get(path).headers["ETag"]


@pytest.mark.parametrize("path", STORED)
def test_head_tells_the_version_without_the_object(smiths: FlaskClient, path: str) -> None:
    response = smiths.head(path)
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["ETag"] == smiths.get(path).headers["ETag"]


def test_the_smith_family_is_read_as_it_was_written_but_for_its_activation(smiths: FlaskClient) -> None:
    response = smiths.get(f"/v1/customers/{CUSTOMER}")
    assert response.get_json() == SMITHS
    assert "K7QF" not in response.text
    assert "2026-11-02" not in response.text


def test_an_activation_code_is_taken_and_never_read_back(client: FlaskClient) -> None:
    body = NEW_CUSTOMER | {"activation": {"code": CANARY, "date": "2026-11-02"}}
    for written in (client.put("/v1/customers/555", json=body), client.get("/v1/customers/555")):
        assert CANARY not in written.text
        assert written.get_json() == NEW_CUSTOMER


@pytest.mark.parametrize(
    "members",
    [
        [],
        [{"person": "philip.smith", "role": "user"}],
        [{"person": "mary.jones", "role": "administrator"}],
        [{"person": "philip.smith", "role": "user"}, {"person": "mary.jones", "role": "administrator"}],
        [{"person": "mary.jones", "role": "administrator"}, {"person": "philip.smith", "role": "user"}],
    ],
)
def test_administrators_change_by_no_put(client: FlaskClient, members: list[dict[str, str]]) -> None:
    before = client.get(f"/v1/customers/{CUSTOMER}")
    body = {"number": CUSTOMER, "name": "Smith family", "members": members}
    refused = client.put(f"/v1/customers/{CUSTOMER}", json=body)
    assert "becoming administrator alone" in problem(refused, 409)["detail"]
    assert client.get(f"/v1/customers/{CUSTOMER}").headers["ETag"] == before.headers["ETag"]
    assert client.get(f"/v1/customers/{CUSTOMER}").data == before.data


def test_an_administrator_joins_a_business_number_by_no_put_either(client: FlaskClient) -> None:
    client.put("/v1/customers/555", json=NEW_CUSTOMER)
    philip = {"person": "philip.smith", "role": "administrator"}
    problem(client.put("/v1/customers/555", json=NEW_CUSTOMER | {"members": [*NEW_CUSTOMER["members"], philip]}), 409)


def test_users_come_and_go_by_put(client: FlaskClient) -> None:
    client.put("/v1/people/ann.other", json=NEW_PERSON)
    ann = {"person": "ann.other", "role": "user"}
    joined = put(client, f"/v1/customers/{CUSTOMER}", changed(SMITHS, "members", [*SMITHS["members"], ann]))
    assert (joined.status_code, ann in joined.get_json()["members"]) == (200, True)
    assert put(client, f"/v1/customers/{CUSTOMER}", SMITHS).get_json() == SMITHS


def test_a_number_without_an_administrator_gets_none_by_put(client: FlaskClient) -> None:
    body: dict[str, Any] = {"number": "556", "name": "Empty", "members": [{"person": "mary.jones", "role": "user"}]}
    assert client.put("/v1/customers/556", json=body).status_code == 201
    body["members"][0]["role"] = "administrator"
    problem(client.put("/v1/customers/556", json=body), 409)


def test_a_person_who_is_linked_cannot_be_deleted(client: FlaskClient) -> None:
    assert "take him or her off it first" in problem(client.delete("/v1/people/mary.jones"), 409)["detail"]
    assert client.get("/v1/people/mary.jones").get_json() == MARY


def test_a_deleted_customer_number_lets_its_people_and_ids_go(client: FlaskClient) -> None:
    assert client.delete(f"/v1/customers/{CUSTOMER}").status_code == 204
    assert client.delete("/v1/people/mary.jones").status_code == 204
    moved = {"number": "557", "name": "Heir", "subscriptions": [{"id": "internet-1001", "kind": "internet"}]}
    assert client.put("/v1/customers/557", json=moved).status_code == 201


FAULTS: list[tuple[str, object, list[tuple[str, str]]]] = [
    # a person
    (
        "/v1/people/ann.other",
        {},
        [("id", "is missing"), ("name", "is missing"), ("email", "is missing")],
    ),
    (
        "/v1/people/ann.other",
        {"id": 1, "name": "", "email": CANARY, "other_provider_numbers": ["0470", "+32480000009", "+32480000009"]},
        [
            ("id", "must be a string, got a number; quote it"),
            ("name", "must not be empty"),
            ("email", "must be an e-mail address such as ann@example.org"),
            ("other_provider_numbers[0]", 'must be a number in international form such as "+32470000001"'),
        ],
    ),
    (
        "/v1/people/ann.other",
        NEW_PERSON | {"other_provider_numbers": ["+32480000009", "+32480000009"]},
        [("other_provider_numbers", "must not name a number twice")],
    ),
    (
        "/v1/people/ann.other",
        NEW_PERSON | {"name": "x" * 201, "email": f"{CANARY}@example.org\n"},
        [
            ("name", "must not be longer than 200 characters"),
            ("email", "must not hold control characters"),
        ],
    ),
    (
        "/v1/people/ann.other",
        NEW_PERSON | {CANARY: 1, "other_provider_numbers": None},
        [
            ("other_provider_numbers", "must be a list, got null"),
            ("", "unknown key; known are: id, name, email, language, other_provider_numbers"),
        ],
    ),
    # an option
    (
        "/v1/options/roaming",
        {"id": "roaming", "name": None, "for": CANARY, "price": 5.0},
        [
            ("name", "must be a string, got null"),
            ("for", "must be one of internet, mobile, tv, landline, other"),
            ("price", "must be a string, got a number; quote it"),
        ],
    ),
    ("/v1/options/roaming", NEW_OPTION | {"price": "-1"}, [("price", 'must be a price such as "5.00"')]),
    ("/v1/options/roaming", NEW_OPTION | {"price": f"5,00 {CANARY}"}, [("price", 'must be a price such as "5.00"')]),
    # a customer
    (
        "/v1/customers/555",
        NEW_CUSTOMER | {"number": 555, "kind": CANARY, "members": {}, "subscriptions": CANARY},
        [
            ("number", "must be a string, got a number; quote it"),
            ("kind", "must be one of residential, business"),
            ("members", "must be a list, got an object"),
            ("subscriptions", "must be a list, got a string"),
        ],
    ),
    (
        "/v1/customers/555",
        {
            "number": "555",
            "name": "Many faults",
            "activation": {"code": CANARY, "date": "02/11/2026"},
            "members": [
                {"person": "mary.jones", "role": "administrator"},
                {"person": "philip.smith", "role": "administrator"},
                {"person": "mary.jones", "role": "user"},
                {"person": "tracy.smith", "role": "admin"},
                {"person": "tracy.smith"},
            ],
            "subscriptions": [
                {"id": "a", "kind": "satellite"},
                {"id": "b"},
                {"id": "c", "kind": "mobile", "number": "0470", "holder": "nobody"},
                {"id": "c", "kind": "tv"},
                {"id": "d", "kind": "tv", CANARY: CANARY},
            ],
        },
        [
            ("activation.date", "must be a date such as 2026-11-02"),
            ("members[3].role", "must be one of administrator, user"),
            ("members[4].role", "is missing"),
            ("subscriptions[0].kind", "must be one of internet, mobile, tv, landline, other"),
            ("subscriptions[1].kind", "is missing"),
            ("subscriptions[2].number", 'must be a number in international form such as "+32470000001"'),
            ("subscriptions[4]", "unknown key; known are: id, kind"),
            ("members[2].person", "is a member already (ROLE-2)"),
            ("members[4].person", "is a member already (ROLE-2)"),
            ("members[1].role", "a residential customer number has one administrator (ROLE-3)"),
            ("subscriptions[2].holder", "must be one of the members"),
            ("subscriptions[3].id", "is the id of another subscription here"),
        ],
    ),
    # what does not go with what else is stored
    (
        "/v1/customers/555",
        {
            "number": "555",
            "name": "Thieves",
            "members": [{"person": "nobody", "role": "user"}, {"person": "mary.jones", "role": "user"}],
            "subscriptions": [
                {"id": "internet-1001", "kind": "internet"},
                {"id": "mobile-1", "kind": "mobile", "number": "+32470000001", "holder": "mary.jones"},
            ],
        },
        [
            ("members[0].person", "is no known person"),
            ("subscriptions[0].id", "is a subscription of another customer number"),
            ("subscriptions[1].number", "is a mobile of another customer number"),
        ],
    ),
]


@pytest.mark.parametrize(("path", "body", "faults"), FAULTS)
def test_every_fault_is_told_by_its_member_and_nothing_is_stored(
    client: FlaskClient, path: str, body: object, faults: list[tuple[str, str]]
) -> None:
    response = client.put(path, json=body)
    told = [(error["member"], error["detail"]) for error in problem(response, 400)["errors"]]
    assert sorted(told) == sorted(faults)
    problem(client.get(path), 404)


def test_a_number_of_another_provider_belongs_to_one_person(client: FlaskClient) -> None:
    client.put("/v1/people/ann.other", json=NEW_PERSON)
    other = NEW_PERSON | {"id": "bob", "other_provider_numbers": ["+32480000001", "+32480000009"]}
    assert faulty_members(client.put("/v1/people/bob", json=other)) == ["other_provider_numbers[1]"]
    problem(client.get("/v1/people/bob"), 404)


@pytest.mark.parametrize(
    ("path", "body", "member"),
    [
        ("/v1/people/ann", NEW_PERSON, "id"),
        ("/v1/people/ann.other%20", NEW_PERSON, "id"),
        ("/v1/people/Ann.other", NEW_PERSON, "id"),
        (f"/v1/people/{CANARY}", NEW_PERSON, "id"),
        ("/v1/options/roaming2", NEW_OPTION, "id"),
        ("/v1/customers/0555", NEW_CUSTOMER, "number"),
        ("/v1/customers/x", NEW_CUSTOMER, "number"),
    ],
)
def test_the_address_and_the_body_must_name_the_same_object(
    client: FlaskClient, path: str, body: dict[str, Any], member: str
) -> None:
    response = client.put(path, json=body)
    assert faulty_members(response) == [member]
    assert response.get_json()["errors"][0]["detail"] == "must be the same as in the address"
    problem(client.get(path), 404)


IDS = [
    "a/b",
    "/a",
    "//",
    "a/b/c/",
    "a//b",
    "roles",
    "a b",
    "ünïcödé",
    "e\N{COMBINING ACUTE ACCENT}",
    "名前",
    "\N{GRINNING FACE}",
    "100%",
    "%2F",
    "a?b=c&d",
    "a#b",
    "a;b",
    "a+b",
    "{id}",
    "<b>",
    "'; DROP TABLE people; --",
    "..",
    "x" * 200,
]


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("kind", ["people", "options"])
def test_an_id_may_hold_any_character_and_is_percent_encoded_in_the_address(
    client: FlaskClient, kind: str, name: str
) -> None:
    path = f"/v1/{kind}/{quote(name, safe='')}"
    body = {**(NEW_PERSON if kind == "people" else NEW_OPTION), "id": name}
    assert client.put(path, json=body).status_code == 201
    assert client.get(path).get_json() == body
    assert client.delete(path).status_code == 204
    problem(client.get(path), 404)


def test_a_decision_right_after_a_put_sees_it(client: FlaskClient) -> None:
    asked = question("mary.jones", "activate_option", "mobile-2002", "roaming")
    assert decision(client, asked) is False
    client.put("/v1/options/roaming", json=NEW_OPTION | {"price": "0.00"})
    assert decision(client, asked) is True
    client.put("/v1/options/roaming", json=NEW_OPTION | {"price": "0.01"})
    assert decision(client, asked) is False
    client.put("/v1/options/roaming", json=NEW_OPTION | {"price": "0"})
    assert decision(client, asked) is True
    client.delete("/v1/options/roaming")
    assert decision(client, asked) is False


def test_a_mobile_is_somebody_elses_from_the_put_on(client: FlaskClient) -> None:
    hers, his = (question(person, "view_usage", "mobile-2002") for person in ("mary.jones", "tracy.smith"))
    assert (decision(client, hers), decision(client, his)) == (True, False)
    subscriptions = [{"id": "mobile-2002", "kind": "mobile", "number": "+32470000002", "holder": "tracy.smith"}]
    put(client, f"/v1/customers/{CUSTOMER}", changed(SMITHS, "subscriptions", subscriptions))
    assert (decision(client, hers), decision(client, his)) == (False, True)


def test_a_customer_number_that_is_deleted_is_unknown_to_the_next_decision(client: FlaskClient) -> None:
    asked = question("philip.smith", "view_bills", CUSTOMER)
    assert decision(client, asked) is True
    client.delete(f"/v1/customers/{CUSTOMER}")
    assert decision(client, asked) is False


def test_every_household_is_read_as_it_can_be_written(client: FlaskClient, load: Load) -> None:
    load(sorted(HOUSEHOLDS.glob("*.yaml")))
    numbers = [CUSTOMER, *(f"2000000{n:02}" for n in range(1, 16)), "300000001", "300000002"]
    for number in numbers:
        read = client.get(f"/v1/customers/{number}")
        written = client.put(f"/v1/customers/{number}", json=read.get_json())
        assert (written.status_code, written.get_json()) == (200, read.get_json())


def put(client: FlaskClient, path: str, body: object, *, if_match: str | None = None) -> TestResponse:
    return client.put(path, json=body, headers={} if if_match is None else {"If-Match": if_match})


def decision(client: FlaskClient, asked: dict[str, Any]) -> bool:
    allow: bool = client.post("/v1/decide", json=asked).get_json()["decision"]
    return allow
