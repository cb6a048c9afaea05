"""The shapes of people, options and customers, and what is said of every other shape."""

import datetime as dt
from typing import Any

import pytest
from pydantic import BaseModel

from authz_service.customers.model import Customer, Mobile, Option, Person
from authz_service.customers.parsing import check, parse, path
from authz_service.errors import InvalidRequest
from authz_service.words import CustomerKind, PaidBy, Plan, SubscriptionKind

PERSON = {"id": "ann", "name": "Ann", "email": "ann@example.org"}
OPTION = {"id": "data", "name": "Data", "for": "mobile", "price": "5.00"}
MOBILE = {"id": "m1", "kind": "mobile", "number": "+32470000001", "holder": "ann"}
ANN = {"person": "ann", "role": "administrator"}
CUSTOMER = {"number": "1", "name": "Ann"}

KNOWN_OF_PERSON = "unknown key; known are: id, name, email, language, other_provider_numbers"
KNOWN_OF_MOBILE = "unknown key; known are: id, kind, number, holder, plan, paid_by"
NUMBER = 'must be a number in international form such as "+32470000001"'
EMAIL = "must be an e-mail address such as ann@example.org"


def faults(model: type[BaseModel], body: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as refusal:
        parse(model, body)
    return [(fault.path, fault.what) for fault in refusal.value.faults]


def test_defaults_are_residential_subscription_and_customer() -> None:
    customer = parse(Customer, CUSTOMER | {"members": [ANN], "subscriptions": [MOBILE]})
    assert customer.kind is CustomerKind.RESIDENTIAL
    assert customer.activation is None
    assert customer.subscriptions == [
        Mobile(
            id="m1",
            kind=SubscriptionKind.MOBILE,
            number="+32470000001",
            holder="ann",
            plan=Plan.SUBSCRIPTION,
            paid_by=PaidBy.CUSTOMER,
        )
    ]


def test_ids_are_taken_byte_for_byte() -> None:
    for name in (" ann ", "a/b:c?", "ANN", "e\u0301", "\u00e9", "\u202e", "\U0001f600", "a" * 200):
        assert parse(Person, PERSON | {"id": name}).id == name


def test_a_prepaid_mobile_that_an_employer_pays_is_allowed() -> None:
    mobile = MOBILE | {"plan": "pay_and_go", "paid_by": "employer"}
    parse(Customer, CUSTOMER | {"members": [ANN], "subscriptions": [mobile]})


def test_a_business_number_may_have_several_administrators() -> None:
    administrators = [ANN, ANN | {"person": "ben"}]
    parse(Customer, CUSTOMER | {"kind": "business", "members": administrators})


@pytest.mark.parametrize(
    ("price", "cents"), [("0", 0), ("0.00", 0), ("5.00", 500), ("5.5", 550), ("9999999.99", 999_999_999)]
)
def test_a_price_is_kept_in_cents(price: str, cents: int) -> None:
    assert parse(Option, OPTION | {"price": price}).price_cents == cents


@pytest.mark.parametrize("date", ["2026-11-02", dt.date(2026, 11, 2)])
def test_a_date_is_iso_or_what_yaml_made_of_one(date: object) -> None:
    customer = parse(Customer, CUSTOMER | {"activation": {"code": "K7QF-2M9X", "date": date}})
    assert customer.activation is not None
    assert customer.activation.date == dt.date(2026, 11, 2)


def test_an_activation_of_null_is_none() -> None:
    assert parse(Customer, CUSTOMER | {"activation": None}).activation is None


@pytest.mark.parametrize(
    ("model", "body", "expected"),
    [
        # the whole
        (Person, [], [("", "must be an object, got a list")]),
        (Person, None, [("", "must be an object, got null")]),
        (Customer, "x", [("", "must be an object, got a string")]),
        (Person, {}, [("id", "is missing"), ("name", "is missing"), ("email", "is missing")]),
        # strings
        (Person, PERSON | {"id": 7}, [("id", "must be a string, got a number; quote it")]),
        (Person, PERSON | {"id": False}, [("id", "must be a string, got a boolean; quote it")]),
        (Person, PERSON | {"id": dt.date(2026, 1, 1)}, [("id", "must be a string, got a date; quote it")]),
        (Person, PERSON | {"id": None}, [("id", "must be a string, got null")]),
        (Person, PERSON | {"id": {}}, [("id", "must be a string, got an object")]),
        (Person, PERSON | {"id": ""}, [("id", "must not be empty")]),
        (Person, PERSON | {"id": "a" * 201}, [("id", "must not be longer than 200 characters")]),
        (Person, PERSON | {"id": "a\tb"}, [("id", "must not hold control characters")]),
        (Person, PERSON | {"id": "a\x7f"}, [("id", "must not hold control characters")]),
        (Person, PERSON | {"id": "\ud800"}, [("id", "must not hold half of a surrogate pair")]),
        # keys
        (Person, PERSON | {"colour": "secret"}, [("", KNOWN_OF_PERSON)]),
        (Person, PERSON | {"\ud800": "secret"}, [("", "must not hold half of a surrogate pair")]),
        # e-mail addresses
        *[
            (Person, PERSON | {"email": email}, [("email", EMAIL)])
            for email in ("ann", "ann@", "@example.org", "a@b@c", "a b@c", "<a@b>", "a@b, c@d", '"a"@b')
        ],
        (Person, PERSON | {"email": "a@b\r\nBcc: x"}, [("email", "must not hold control characters")]),
        # numbers of other providers
        (
            Person,
            PERSON | {"other_provider_numbers": "x"},
            [("other_provider_numbers", "must be a list, got a string")],
        ),
        (
            Person,
            PERSON | {"other_provider_numbers": ["+32", "0470"]},
            [("other_provider_numbers[1]", NUMBER)],
        ),
        (
            Person,
            PERSON | {"other_provider_numbers": ["+32470000001", "+32470000001"]},
            [("other_provider_numbers", "must not name a number twice")],
        ),
        # options
        (Option, OPTION | {"price": 5.0}, [("price", "must be a string, got a number; quote it")]),
        *[
            (Option, OPTION | {"price": price}, [("price", 'must be a price such as "5.00"')])
            for price in ("5.001", "-1", "5.", ".5", "12345678", "5,00", "\u0665", "5.00\n", "")
        ],
        (
            Option,
            OPTION | {"for": "radio"},
            [("for", "must be one of internet, mobile, tv, landline, other")],
        ),
        # customers
        *[
            (Customer, CUSTOMER | {"number": number}, [("number", "must be 1 to 20 digits")])
            for number in ("", "1" * 21, "12a", "\u0661", "1\n")
        ],
        (Customer, CUSTOMER | {"kind": "royal"}, [("kind", "must be one of residential, business")]),
        (
            Customer,
            CUSTOMER | {"activation": {"code": ""}},
            [("activation.code", "must not be empty"), ("activation.date", "is missing")],
        ),
        (
            Customer,
            CUSTOMER | {"activation": {"code": "a", "date": "02/11/2026"}},
            [("activation.date", "must be a date such as 2026-11-02")],
        ),
        (
            Customer,
            CUSTOMER | {"activation": {"code": "a", "date": "2026-02-30", "secret": 1}},
            [
                ("activation.date", "must be a date such as 2026-11-02"),
                ("activation", "unknown key; known are: code, date"),
            ],
        ),
        (
            Customer,
            CUSTOMER | {"members": [ANN | {"role": "boss"}]},
            [("members[0].role", "must be one of administrator, user")],
        ),
        (Customer, CUSTOMER | {"members": ["ann"]}, [("members[0]", "must be an object, got a string")]),
        (
            Customer,
            CUSTOMER | {"members": [ANN | {"x": 1}]},
            [("members[0]", "unknown key; known are: person, role")],
        ),
        (
            Customer,
            CUSTOMER | {"members": [ANN, ANN | {"role": "user"}]},
            [("members[1].person", "is a member already (ROLE-2)")],
        ),
        (
            Customer,
            CUSTOMER | {"members": [ANN, ANN | {"person": "ben"}]},
            [("members[1].role", "a residential customer number has one administrator (ROLE-3)")],
        ),
        # subscriptions
        (Customer, CUSTOMER | {"subscriptions": [{"id": "a"}]}, [("subscriptions[0].kind", "is missing")]),
        (
            Customer,
            CUSTOMER | {"subscriptions": [{"id": "a", "kind": "radio"}]},
            [("subscriptions[0].kind", "must be one of internet, mobile, tv, landline, other")],
        ),
        (
            Customer,
            CUSTOMER | {"subscriptions": [{"id": "a", "kind": "mobile"}]},
            [("subscriptions[0].number", "is missing"), ("subscriptions[0].holder", "is missing")],
        ),
        (
            Customer,
            CUSTOMER | {"subscriptions": [{"id": "a", "kind": "tv", "plan": "subscription"}]},
            [("subscriptions[0].plan", "unknown key; only a mobile has it")],
        ),
        (
            Customer,
            CUSTOMER | {"subscriptions": [{"id": "a", "kind": "tv", "x": 1}]},
            [("subscriptions[0]", "unknown key; known are: id, kind")],
        ),
        (
            Customer,
            CUSTOMER | {"members": [ANN], "subscriptions": [MOBILE | {"x": 1}]},
            [("subscriptions[0]", KNOWN_OF_MOBILE)],
        ),
        (
            Customer,
            CUSTOMER | {"subscriptions": [MOBILE]},
            [("subscriptions[0].holder", "must be one of the members")],
        ),
        (
            Customer,
            CUSTOMER | {"members": [ANN], "subscriptions": [MOBILE, MOBILE]},
            [
                ("subscriptions[1].id", "is the id of another subscription here"),
                ("subscriptions[1].number", "is the number of another mobile here"),
            ],
        ),
    ],
)
def test_every_fault_is_named_with_its_place(
    model: type[BaseModel], body: object, expected: list[tuple[str, str]]
) -> None:
    assert faults(model, body) == expected


def test_all_faults_are_found_at_once() -> None:
    body: dict[str, Any] = {
        "number": 1,
        "members": [ANN, ANN | {"role": "boss"}],
        "subscriptions": [{"id": "", "kind": "tv"}, MOBILE | {"holder": "ben"}],
    }
    assert faults(Customer, body) == [
        ("number", "must be a string, got a number; quote it"),
        ("name", "is missing"),
        ("members[1].role", "must be one of administrator, user"),
        ("subscriptions[0].id", "must not be empty"),
        ("members[1].person", "is a member already (ROLE-2)"),
        ("subscriptions[1].holder", "must be one of the members"),
    ]


def test_no_fault_repeats_what_the_caller_sent() -> None:
    secret = "hunter2"
    body = {
        "number": secret,
        "name": [secret],
        "kind": secret,
        secret: secret,
        "activation": {"code": {secret: secret}, "date": secret, secret: secret},
        "members": [{"person": [secret], "role": secret, secret: secret}, secret],
        "subscriptions": [
            {"id": "a", "kind": secret},
            MOBILE | {"number": secret, "plan": secret, secret: 1},
        ],
    }
    with pytest.raises(InvalidRequest) as refusal:
        parse(Customer, body)
    assert secret not in str(refusal.value)


def test_for_a_file_the_place_of_an_unknown_key_ends_with_the_key() -> None:
    checked = check(Person, PERSON | {"colour": "red"})
    assert isinstance(checked, list)
    assert [(finding.location, finding.what) for finding in checked] == [(("colour",), KNOWN_OF_PERSON)]


@pytest.mark.parametrize(
    ("location", "written"),
    [
        ((), "customers[0]"),
        (("members", 1, "role"), "customers[0].members[1].role"),
        (("two words",), 'customers[0]["two words"]'),
        (("\x1b[31m",), 'customers[0]["\\u001b[31m"]'),
    ],
)
def test_a_place_is_written_as_a_path(location: tuple[str | int, ...], written: str) -> None:
    assert path(location, "customers[0]") == written
