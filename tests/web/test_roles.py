from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from tests.conftest import HOUSEHOLDS, Load
from tests.web.asking import CANARY, CUSTOMER, problem


@pytest.mark.parametrize(
    ("person", "role"), [("philip.smith", "administrator"), ("mary.jones", "user"), ("tracy.smith", "user")]
)
def test_the_role_of_a_member_is_told(smiths: FlaskClient, person: str, role: str) -> None:
    response = smiths.get(f"/v1/customers/{CUSTOMER}/members/{person}")
    assert response.status_code == 200
    assert response.get_json() == {"customer_number": CUSTOMER, "person": person, "role": role}
    assert list(response.get_json()) == ["customer_number", "person", "role"]


@pytest.mark.parametrize(
    ("number", "person", "detail"),
    [
        (CUSTOMER, "nobody", "There is no such person."),
        (CUSTOMER, CANARY, "There is no such person."),
        (CUSTOMER, "Mary.Jones", "There is no such person."),
        (CUSTOMER, "mary.jones ", "There is no such person."),
        ("987654321", "mary.jones", "There is no such customer number."),
        (CANARY, "mary.jones", "There is no such customer number."),
        ("987654321", "nobody", "There is no such customer number."),
    ],
)
def test_whom_and_what_nobody_knows_is_404(smiths: FlaskClient, number: str, person: str, detail: str) -> None:
    response = smiths.get(f"/v1/customers/{number}/members/{quote(person)}")
    assert problem(response, 404)["detail"] == detail


def test_who_is_not_linked_to_a_number_is_404_there(client: FlaskClient, load: Load) -> None:
    load([HOUSEHOLDS / "stranger.yaml"])
    response = client.get(f"/v1/customers/{CUSTOMER}/members/dirk.stranger")
    assert problem(response, 404)["detail"] == "The person is not linked to the customer number."


def test_the_roles_of_a_person_are_told_number_by_number(client: FlaskClient, load: Load) -> None:
    load([HOUSEHOLDS / "administrator-here-and-user-there.yaml"])
    response = client.get("/v1/people/hugo.martin/roles")
    assert response.get_json() == {
        "person": "hugo.martin",
        "roles": [
            {"customer_number": "200000012", "role": "administrator"},
            {"customer_number": "200000013", "role": "user"},
        ],
    }


def test_a_person_who_is_linked_to_nothing_has_no_roles(client: FlaskClient, load: Load) -> None:
    load([HOUSEHOLDS / "stranger.yaml"])
    assert client.get("/v1/people/dirk.stranger/roles").get_json() == {"person": "dirk.stranger", "roles": []}


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_roles_of_a_person_are_no_person_of_that_name(client: FlaskClient, method: str) -> None:
    body = {"id": "mary.jones/roles", "name": "Mary Jones", "email": "mary.jones@example.org"}
    response = client.open("/v1/people/mary.jones/roles", method=method, json=body)
    problem(response, 405)
    assert response.allow == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("person", ["nobody", CANARY, "MARY.JONES", "mary.jones/"])
def test_the_roles_of_a_person_whom_nobody_knows_are_404(smiths: FlaskClient, person: str) -> None:
    assert problem(smiths.get(f"/v1/people/{person}/roles"), 404)["detail"] == "There is no such person."


@pytest.mark.parametrize("name", ["a/b", "ünïcödé", "100%", "a b", "\N{GRINNING FACE}"])
def test_an_id_is_percent_encoded_in_the_address(client: FlaskClient, name: str) -> None:
    encoded = quote(name, safe="")
    client.put(f"/v1/people/{encoded}", json={"id": name, "name": "x", "email": "x@example.org"})
    member = {"person": name, "role": "user"}
    client.put("/v1/customers/555", json={"number": "555", "name": "x", "members": [member]})
    assert client.get(f"/v1/customers/555/members/{encoded}").get_json() == {"customer_number": "555", **member}
    assert client.get(f"/v1/people/{encoded}/roles").get_json() == {
        "person": name,
        "roles": [{"customer_number": "555", "role": "user"}],
    }
