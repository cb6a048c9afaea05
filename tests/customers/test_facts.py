import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, update

from authz_service.customers.customer_store import put_customer
from authz_service.customers.facts import Asked, Eligibility, Facts, facts_query, read_facts
from authz_service.customers.importing import import_files
from authz_service.customers.model import Customer, Person
from authz_service.customers.parsing import parse
from authz_service.customers.person_store import put_person
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import customers
from tests.conftest import HOUSEHOLDS, SMITH_FAMILY, Load

CUSTOMER = "123456789"
NOTHING = Facts(
    is_known_person=False,
    customer_number=None,
    customer_kind=None,
    role=None,
    subscription_kind=None,
    is_holder=None,
    plan=None,
    paid_by=None,
    option_subscription_kind=None,
    is_free=None,
)
KNOWN = NOTHING._replace(is_known_person=True)
MARYS = KNOWN._replace(customer_number=CUSTOMER, customer_kind="residential", role="user")
HER_MOBILE = MARYS._replace(subscription_kind="mobile", is_holder=True, plan="subscription", paid_by="customer")


@pytest.fixture
def connection(database: Engine, load: Load) -> Iterator[Connection]:
    """A connection to the Smith family."""
    load([SMITH_FAMILY])
    with reading(database) as connection:
        yield connection


def asked(
    person: str | None = "mary.jones",
    *,
    customer: str | None = None,
    subscription: str | None = None,
    option: str | None = None,
    asks_eligibility: bool = False,
) -> Asked:
    return Asked(person, customer, subscription, option, asks_eligibility)


def eligibility(connection: Connection, person: str | None, number: str) -> Eligibility | None:
    [read] = read_facts(connection, [asked(person, customer=number, asks_eligibility=True)])
    return read.eligibility


FACTS = [
    (asked(None), NOTHING),
    (asked("nobody"), NOTHING),
    (asked("nobody", customer="987654321", subscription="tv-9999", option="no such"), NOTHING),
    (asked(), KNOWN),
    (asked(customer="987654321"), KNOWN),
    (asked(customer=CUSTOMER), MARYS),
    (asked("philip.smith", customer=CUSTOMER), MARYS._replace(role="administrator")),
    (asked("nobody", customer=CUSTOMER), NOTHING._replace(customer_number=CUSTOMER, customer_kind="residential")),
    (asked(None, customer=CUSTOMER), NOTHING._replace(customer_number=CUSTOMER, customer_kind="residential")),
    (asked(subscription="mobile-2002"), HER_MOBILE),
    (asked("philip.smith", subscription="mobile-2002"), HER_MOBILE._replace(role="administrator", is_holder=False)),
    (asked(subscription="internet-1001"), MARYS._replace(subscription_kind="internet")),
    (
        asked(subscription="mobile-2002", option="extra-data-5gb"),
        HER_MOBILE._replace(option_subscription_kind="mobile", is_free=False),
    ),
    (
        asked(subscription="mobile-2002", option="voicemail-to-text"),
        HER_MOBILE._replace(option_subscription_kind="mobile", is_free=True),
    ),
    (
        asked(subscription="mobile-2002", option="film-evening"),
        HER_MOBILE._replace(option_subscription_kind="tv", is_free=False),
    ),
    (asked(subscription="mobile-2002", option="no such"), HER_MOBILE),
]


@pytest.mark.parametrize(("question", "facts"), FACTS)
def test_what_the_data_says_of_a_question(connection: Connection, question: Asked, facts: Facts) -> None:
    [read] = read_facts(connection, [question])
    assert read == facts
    assert type(read.is_known_person) is bool
    assert type(read.is_holder) in {bool, type(None)}


def test_the_facts_of_many_questions_come_in_their_order_and_once_for_each(connection: Connection) -> None:
    questions = [question for question, _ in FACTS] * 70
    expected = [facts for _, facts in FACTS] * 70
    assert len(questions) > 1000
    assert read_facts(connection, questions) == expected
    assert read_facts(connection, questions[::-1]) == expected[::-1]
    assert read_facts(connection, []) == []


def test_names_are_compared_byte_for_byte(connection: Connection) -> None:
    for other in (
        "Mary.Jones",
        "mary.jones ",
        " mary.jones",
        "mary%",
        "mary_jones",
        "'",
        '"',
        "\\",
        "[0]",
        "$.person",
        "",
    ):
        assert read_facts(connection, [asked(other)]) == [NOTHING]
    for other in ("0123456789", "123456789.0", "+123456789", "1.23456789e8"):
        assert read_facts(connection, [asked(customer=other)]) == [KNOWN]


@pytest.mark.parametrize(
    "name",
    ['"', "'", "\\", "a b", "ünïcödé", "\N{GRINNING FACE}", "null", "123", "$.person", "x" * 200],
)
def test_a_name_of_any_characters_is_found(database: Engine, name: str) -> None:
    put_person(database, parse(Person, {"id": name, "name": name, "email": "x@example.org"}))
    body = {
        "number": "1",
        "name": name,
        "members": [{"person": name, "role": "user"}],
        "subscriptions": [{"id": name, "kind": "mobile", "number": "+32470000001", "holder": name}],
    }
    put_customer(database, parse(Customer, body), lambda: b"")
    with reading(database) as connection:
        assert read_facts(connection, [asked(name, subscription=name)]) == [HER_MOBILE._replace(customer_number="1")]


@pytest.mark.parametrize(
    ("person", "number", "expected"),
    [
        # has_administrator, paid by customer, by employer, Pay&Go, number elsewhere, has a code
        ("mary.jones", CUSTOMER, (True, "own", "none", "none", False, True)),
        ("nobody", CUSTOMER, (True, "of_others", "none", "none", False, True)),
        ("els.peeters", "200000001", (False, "none", "none", "none", False, True)),
        ("jan.maes", "200000002", (False, "none", "none", "none", False, False)),
        ("lea.claes", "200000003", (False, "none", "none", "own", False, True)),
        ("nina.mertens", "200000006", (True, "of_others", "none", "own", False, False)),
        ("koen.willems", "200000007", (False, "none", "own", "none", False, True)),
        ("sofie.willems", "200000007", (False, "none", "of_others", "none", False, True)),
        ("bart.goossens", "200000008", (True, "own", "own", "own", True, False)),
        ("ines.goossens", "200000008", (True, "of_others", "of_others", "of_others", False, False)),
        ("greet.dubois", "200000009", (True, "of_others", "none", "none", True, False)),
        ("omar.haddad", "200000010", (False, "none", "none", "none", True, True)),
        # a card that an employer pays is a card
        ("jeanne.baert", "200000015", (True, "none", "of_others", "own", False, False)),
        ("marc.leroy", "300000001", (True, "own", "of_others", "none", False, False)),
    ],
)
def test_what_the_data_says_of_becoming_administrator(
    database: Engine, load: Load, person: str, number: str, expected: tuple[bool, str, str, str, bool, bool]
) -> None:
    load(sorted(HOUSEHOLDS.glob("*.yaml")))
    with reading(database) as connection:
        read = eligibility(connection, person, number)
    assert read == Eligibility(*expected, activation_used=False, activation_wrong=0)
    assert [type(value) for value in read] == [bool, str, str, str, bool, bool, bool, int]


def test_the_state_of_the_activation_code_is_read(database: Engine, load: Load) -> None:
    load([SMITH_FAMILY])
    with writing(database) as connection:
        connection.execute(update(customers).values(activation_used=True, activation_wrong=3))
    with reading(database) as connection:
        read = eligibility(connection, "mary.jones", CUSTOMER)
    assert read
    assert (read.has_activation_code, read.activation_used, read.activation_wrong) == (True, True, 3)


def test_eligibility_is_read_where_it_is_asked_for_and_of_a_customer_number_that_exists(connection: Connection) -> None:
    [read] = read_facts(connection, [asked(customer=CUSTOMER)])
    assert read == MARYS
    assert eligibility(connection, "mary.jones", CUSTOMER) is not None
    assert eligibility(connection, None, CUSTOMER) is not None
    assert eligibility(connection, "mary.jones", "987654321") is None
    [read] = read_facts(connection, [asked(customer="987654321", asks_eligibility=True)])
    assert read == KNOWN


def test_the_eligibility_of_many_comes_in_their_order(database: Engine, load: Load) -> None:
    load(sorted(HOUSEHOLDS.glob("*.yaml")))
    numbers = ("200000008", CUSTOMER, "200000001", "0")
    questions = [asked("bart.goossens", customer=number, asks_eligibility=number != CUSTOMER) for number in numbers]
    with reading(database) as connection:
        alone = [read_facts(connection, [question])[0] for question in questions]
        for times in (100, 2_500):
            assert read_facts(connection, questions * times) == alone * times
    assert [each.eligibility is None for each in alone] == [False, True, False, True]
    assert len(set(alone)) == 4


@pytest.mark.parametrize(
    ("number", "scanned"),
    [
        (1, {"SCAN CONSTANT ROW", "SCAN asked"}),
        (2, {"SCAN 2 CONSTANT ROWS", "SCAN asked"}),
        (10_000, {"SCAN json_each VIRTUAL TABLE INDEX 1:"}),
    ],
)
def test_no_statement_reads_a_whole_table(connection: Connection, number: int, scanned: set[str]) -> None:
    statement, parameters = facts_query("sqlite", [asked(customer=CUSTOMER, asks_eligibility=True)] * number)
    plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(parameters))]
    assert any(step.startswith("SEARCH subscriptions") for step in plan)
    assert {step for step in plan if step.startswith("SCAN")} == scanned


def test_of_whoever_has_a_role_on_it_no_customer_number_is_looked_up(
    database: Engine, load: Load, tmp_path: Path
) -> None:
    load([SMITH_FAMILY])
    # As no program of ours could, which has foreign keys checked: so it shows who looks there.
    with closing(sqlite3.connect(tmp_path / "authz.db")) as alone, alone:
        alone.execute("DELETE FROM customers")
    with reading(database) as connection:
        questions = [asked(customer=CUSTOMER), asked(subscription="mobile-2002"), asked("nobody", customer=CUSTOMER)]
        assert read_facts(connection, questions) == [MARYS, HER_MOBILE, NOTHING]


def test_one_question_and_many_are_read_alike_on_both_databases(any_database: Engine) -> None:
    import_files(any_database, sorted(HOUSEHOLDS.glob("*.yaml")), lambda: b"k" * 32)
    questions = [question for question, _ in FACTS]
    questions += [asked("bart.goossens", customer=number, asks_eligibility=True) for number in ("200000008", "0")]
    with reading(any_database) as connection:
        alone = [read_facts(connection, [question])[0] for question in questions]
        assert read_facts(connection, questions) == alone
    assert alone[: len(FACTS)] == [facts for _, facts in FACTS]
    assert [type(each.is_known_person) for each in alone] == [bool] * len(alone)
