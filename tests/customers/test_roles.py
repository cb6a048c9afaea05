import pytest
from sqlalchemy import Engine

from authz_service.customers.activation_code import FindKey
from authz_service.customers.customer_store import put_customer
from authz_service.customers.model import Customer
from authz_service.customers.parsing import parse
from authz_service.customers.roles import role_of, roles_of
from authz_service.errors import NotLinked, UnknownCustomer, UnknownPerson
from authz_service.words import Role


@pytest.mark.parametrize(("person", "role"), [("philip.smith", Role.ADMINISTRATOR), ("mary.jones", Role.USER)])
def test_everyone_linked_has_one_role(smiths: Engine, person: str, role: Role) -> None:
    assert role_of(smiths, "123456789", person) is role


@pytest.mark.parametrize(
    ("number", "person", "error"),
    [
        ("123456789", "ann.other", NotLinked),
        ("123456789", "nobody", UnknownPerson),
        ("1", "mary.jones", UnknownCustomer),
        ("1", "nobody", UnknownCustomer),
    ],
)
def test_whoever_is_not_linked_has_none(smiths: Engine, number: str, person: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        role_of(smiths, number, person)


def test_the_roles_of_a_person_are_sorted_by_customer_number(smiths: Engine, find_key: FindKey) -> None:
    for number in ("9", "10"):
        member = {"person": "mary.jones", "role": "administrator"}
        put_customer(smiths, parse(Customer, {"number": number, "name": "M", "members": [member]}), find_key)
    assert roles_of(smiths, "mary.jones") == [
        ("10", Role.ADMINISTRATOR),
        ("123456789", Role.USER),
        ("9", Role.ADMINISTRATOR),
    ]


def test_a_person_without_roles_has_an_empty_list(smiths: Engine) -> None:
    assert roles_of(smiths, "ann.other") == []


def test_a_person_who_does_not_exist_is_unknown(smiths: Engine) -> None:
    with pytest.raises(UnknownPerson):
        roles_of(smiths, "nobody")
