import pytest
from sqlalchemy import Engine

from authz_service.customers.model import Person
from authz_service.customers.parsing import parse
from authz_service.customers.person_store import delete_person, get_person, put_person
from authz_service.errors import Fault, InvalidRequest, StaleVersion, StillInUse, UnknownPerson

BEN = {"id": "ben", "name": "Ben", "email": "ben@example.org"}
NUMBERS = ["+32480000001", "+32480000002"]


def test_what_was_put_is_got_with_version_1(engine: Engine) -> None:
    ben = BEN | {"other_provider_numbers": NUMBERS}
    assert put_person(engine, parse(Person, ben)) == (True, 1)
    assert get_person(engine, "ben") == (ben, 1)


def test_a_put_replaces_numbers_of_other_providers_too(engine: Engine) -> None:
    put_person(engine, parse(Person, BEN | {"other_provider_numbers": NUMBERS}))
    assert put_person(engine, parse(Person, BEN | {"name": "Benjamin"}), expected_version=1) == (False, 2)
    assert get_person(engine, "ben") == (BEN | {"name": "Benjamin"}, 2)


def test_a_number_of_another_person_is_refused_and_nothing_changed(smiths: Engine) -> None:
    ben = BEN | {"other_provider_numbers": ["+32480000001", "+32480000009"]}
    with pytest.raises(InvalidRequest) as refusal:
        put_person(smiths, parse(Person, ben))
    assert refusal.value.faults == (Fault("is a number of another person", "other_provider_numbers[1]"),)
    with pytest.raises(UnknownPerson):
        get_person(smiths, "ben")


def test_a_change_of_what_has_changed_or_is_gone_is_stale(engine: Engine) -> None:
    with pytest.raises(StaleVersion):
        put_person(engine, parse(Person, BEN), expected_version=1)
    put_person(engine, parse(Person, BEN))
    with pytest.raises(StaleVersion):
        put_person(engine, parse(Person, BEN), expected_version=2)
    with pytest.raises(StaleVersion):
        delete_person(engine, "ben", expected_version=2)


def test_a_person_who_was_deleted_is_unknown(smiths: Engine) -> None:
    delete_person(smiths, "ann.other", expected_version=1)
    with pytest.raises(UnknownPerson):
        get_person(smiths, "ann.other")
    with pytest.raises(UnknownPerson):
        delete_person(smiths, "ann.other")


def test_a_member_cannot_be_deleted(smiths: Engine) -> None:
    with pytest.raises(StillInUse):
        delete_person(smiths, "mary.jones")
    assert get_person(smiths, "mary.jones")[1] == 1
