from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text

from authz_service.customers.activation_code import FindKey, key_finder
from authz_service.customers.customer_store import delete_customer, get_customer, put_customer
from authz_service.customers.model import Customer
from authz_service.customers.parsing import parse
from authz_service.errors import (
    AdministratorsChange,
    ConfigurationError,
    InvalidRequest,
    StaleVersion,
    UnknownCustomer,
)
from authz_service.storage.database import reading, writing

NUMBER = "123456789"
PHILIP = {"person": "philip.smith", "role": "administrator"}
MARY = {"person": "mary.jones", "role": "user"}
ANN = {"person": "ann.other", "role": "user"}
TV = {"id": "tv-1", "kind": "tv"}
MOBILE = {"id": "mobile-1", "kind": "mobile", "number": "+32470000004", "holder": "mary.jones"}
SMITHS: dict[str, Any] = {"number": NUMBER, "name": "Smith family", "members": [PHILIP, MARY]}
CODE = {"code": "NEW-CODE", "date": "2026-12-01"}

Put = Callable[..., tuple[bool, int]]


@pytest.fixture
def put(smiths: Engine, find_key: FindKey) -> Put:
    def put(body: dict[str, Any], expected_version: int | None = None) -> tuple[bool, int]:
        return put_customer(smiths, parse(Customer, body), find_key, expected_version)

    return put


def kept_activation(engine: Engine) -> tuple[str | None, bool, int]:
    kept = text("SELECT activation_digest, activation_used, activation_wrong FROM customers WHERE number = :number")
    with reading(engine) as connection:
        row = connection.execute(kept, {"number": NUMBER}).one()
    return row[0], bool(row[1]), row[2]


def use_up_activation(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE customers SET activation_used = true, activation_wrong = 4"))


# reading and writing


def test_what_was_put_is_got_with_members_and_subscriptions_sorted(smiths: Engine, put: Put) -> None:
    work = {"number": "2", "name": "Smith & Co", "kind": "business"}
    assert put(work | {"members": [MARY, PHILIP], "subscriptions": [TV, MOBILE]}) == (True, 1)
    assert get_customer(smiths, "2") == (
        work | {"members": [PHILIP, MARY], "subscriptions": [MOBILE, TV]},
        1,
    )


def test_a_put_replaces_members_and_subscriptions(smiths: Engine, put: Put) -> None:
    changed = SMITHS | {"name": "Smiths", "members": [PHILIP, ANN], "subscriptions": [TV]}
    assert put(changed, expected_version=1) == (False, 2)
    assert get_customer(smiths, NUMBER) == (changed, 2)


def test_mobiles_can_swap_their_numbers(smiths: Engine, put: Put) -> None:
    swapped = [
        {"id": "mobile-2001", "kind": "mobile", "number": "+32470000002", "holder": "mary.jones"},
        {"id": "mobile-2002", "kind": "mobile", "number": "+32470000001", "holder": "philip.smith"},
    ]
    put(SMITHS | {"subscriptions": swapped})
    assert get_customer(smiths, NUMBER)[0]["subscriptions"] == swapped


def test_a_customer_may_change_its_kind(smiths: Engine, put: Put) -> None:
    put(SMITHS | {"kind": "business"})
    assert get_customer(smiths, NUMBER)[0]["kind"] == "business"
    put(SMITHS)
    assert "kind" not in get_customer(smiths, NUMBER)[0]


def test_a_change_of_what_has_changed_or_is_gone_is_stale(smiths: Engine, put: Put) -> None:
    for body, version in ((SMITHS, 2), (SMITHS | {"number": "2"}, 1)):
        with pytest.raises(StaleVersion):
            put(body, expected_version=version)
    with pytest.raises(StaleVersion):
        delete_customer(smiths, NUMBER, expected_version=2)


def test_a_customer_that_was_deleted_is_unknown(smiths: Engine) -> None:
    delete_customer(smiths, NUMBER, expected_version=1)
    with pytest.raises(UnknownCustomer):
        get_customer(smiths, NUMBER)
    with pytest.raises(UnknownCustomer):
        delete_customer(smiths, NUMBER)


# what is refused


def test_everything_that_belongs_elsewhere_is_named_at_once_and_nothing_stored(smiths: Engine, put: Put) -> None:
    stranger = {"person": "nobody", "role": "user"}
    taken = [TV | {"id": "internet-1001"}, MOBILE, MOBILE | {"id": "mobile-2", "number": "+32470000001"}]
    with pytest.raises(InvalidRequest) as refusal:
        put({"number": "2", "name": "S", "members": [MARY, stranger], "subscriptions": taken})
    assert [str(fault) for fault in refusal.value.faults] == [
        "members[1].person: is no known person",
        "subscriptions[0].id: is a subscription of another customer number",
        "subscriptions[2].number: is a mobile of another customer number",
    ]
    with pytest.raises(UnknownCustomer):
        get_customer(smiths, "2")


def test_more_members_than_fit_into_one_statement_are_looked_up(put: Put) -> None:
    crowd = [{"person": f"person {n}", "role": "user"} for n in range(1_200)]
    with pytest.raises(InvalidRequest) as refusal:
        put({"number": "2", "name": "S", "members": [MARY, *crowd]})
    assert len(refusal.value.faults) == 1_200


@pytest.mark.parametrize(
    "members",
    [
        [MARY],
        [PHILIP | {"role": "user"}, MARY],
        [PHILIP | {"role": "user"}, MARY | {"role": "administrator"}],
        [ANN | {"role": "administrator"}, MARY],
        [],
    ],
    ids=["leaves", "demoted", "exchanged", "replaced", "all gone"],
)
def test_administrators_of_an_existing_number_do_not_change_by_a_put(
    smiths: Engine, put: Put, members: list[object]
) -> None:
    before = get_customer(smiths, NUMBER)
    with pytest.raises(AdministratorsChange):
        put(SMITHS | {"members": members})
    assert get_customer(smiths, NUMBER) == before


def test_a_business_number_gets_no_second_administrator_by_a_put(put: Put) -> None:
    put(SMITHS | {"kind": "business"})
    with pytest.raises(AdministratorsChange):
        put(SMITHS | {"kind": "business", "members": [PHILIP, MARY | {"role": "administrator"}]})


@pytest.mark.parametrize("members", [[PHILIP], [PHILIP, ANN], [PHILIP, MARY, ANN]])
def test_users_come_and_go(smiths: Engine, put: Put, members: list[object]) -> None:
    put(SMITHS | {"members": members})
    assert len(get_customer(smiths, NUMBER)[0]["members"]) == len(members)  # type: ignore[arg-type]  # a list of the fixture


# activation codes (READ-11, READ-12)


def test_an_activation_code_is_kept_as_a_digest_and_never_read_back(smiths: Engine, put: Put) -> None:
    put(SMITHS | {"activation": CODE})
    digest, _, _ = kept_activation(smiths)
    assert digest is not None
    assert "NEW-CODE" not in digest
    assert "activation" not in get_customer(smiths, NUMBER)[0]


@pytest.mark.parametrize("activation", [{}, {"activation": None}], ids=["left out", "null"])
def test_without_a_code_what_is_kept_stays(smiths: Engine, put: Put, activation: dict[str, Any]) -> None:
    use_up_activation(smiths)
    before = kept_activation(smiths)
    put(SMITHS | activation)
    assert kept_activation(smiths) == before


def test_the_same_code_again_does_not_open_a_used_one(smiths: Engine, put: Put) -> None:
    put(SMITHS | {"activation": CODE})
    use_up_activation(smiths)
    before = kept_activation(smiths)
    put(SMITHS | {"activation": CODE})
    assert kept_activation(smiths) == before


@pytest.mark.parametrize("changed", [{"code": "OTHER"}, {"date": "2026-12-02"}])
def test_another_code_or_date_is_a_new_issue(smiths: Engine, put: Put, changed: dict[str, str]) -> None:
    put(SMITHS | {"activation": CODE})
    use_up_activation(smiths)
    old, _, _ = kept_activation(smiths)
    put(SMITHS | {"activation": CODE | changed})
    new, is_used, wrong = kept_activation(smiths)
    assert new != old
    assert (is_used, wrong) == (False, 0)


def test_without_a_code_no_key_is_needed(smiths: Engine) -> None:
    too_short = key_finder("short", smiths)
    put_customer(smiths, parse(Customer, SMITHS), too_short)
    with pytest.raises(ConfigurationError):
        put_customer(smiths, parse(Customer, SMITHS | {"activation": CODE}), too_short)
