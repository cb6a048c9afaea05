"""Each contestant is asked the same question, in its own words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.contestants.authzen import authzen_ways
from bench.contestants.cerbos import evaluation
from bench.contestants.documents import documents_of
from bench.contestants.flask_app import Customers
from bench.contestants.openfga import check
from bench.contestants.openfga_model import MODEL
from bench.contestants.ours import search
from bench.service import make_database
from bench.world import questions, write_customers

OPTION: Mapping[str, Any] = {
    "subject": {"type": "person", "id": "person-7-1"},
    "action": {"name": "activate_option", "properties": {"option": "free-option"}},
    "resource": {"type": "subscription", "id": "mobile-7-2"},
    "context": {"channel": "app"},
}
BILLS: Mapping[str, Any] = {
    "subject": {"type": "person", "id": "person-7-1"},
    "action": {"name": "view_bills"},
    "resource": {"type": "customer", "id": "100000007"},
    "context": {"channel": "web"},
}


# No rule that is asked about reads these, or the question itself says them: a plain service would not load them.
UNREAD = {
    *("action", "resource", "is_take_over"),
    *("has_administrator", "mobiles_on_pay_and_go", "has_number_of_another_provider"),
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few customers, as the contestants know them."""
    folder = tmp_path_factory.mktemp("customers")
    write_customers(folder / "customers.ndjson", 8)
    make_database(f"sqlite:///{folder / 'customers.db'}", folder / "customers.ndjson")
    return folder / "customers.db"


def test_cerbos_gets_every_fact_with_the_question() -> None:
    facts: dict[str, Any] = {
        "action": "activate_option",
        "resource": "subscription",
        "channel": "app",
        "is_known_person": True,
        "role": "user",
        "option": "free",
        "is_holder": False,
    }
    assert evaluation(OPTION, facts) == {
        "subject": {
            "type": "person",
            "id": "person-7-1",
            "properties": {"is_known_person": True, "role": "user", "channel": "app", "cerbos.roles": ["user"]},
        },
        "action": {"name": "activate_option"},
        "resource": {
            "type": "subscription",
            "id": "mobile-7-2",
            "properties": {"option": "free", "is_holder": False},
        },
    }


def test_openfga_gets_names_alone_and_what_is_chosen_with_the_question() -> None:
    assert check(OPTION) == {
        "tuple_key": {
            "user": "person:person-7-1",
            "relation": "activate_option",
            "object": "subscription:mobile-7-2",
        },
        "context": {"channel": "app"},
        "contextual_tuples": {
            "tuple_keys": [
                {"user": "option:free-option", "relation": "chosen", "object": "subscription:mobile-7-2"},
            ]
        },
    }
    assert check(BILLS)["tuple_key"] == {
        "user": "person:person-7-1",
        "relation": "view_bills",
        "object": "customer:100000007",
    }


def test_openfga_has_a_relation_for_every_action_that_is_asked_about() -> None:
    types: Any = MODEL["type_definitions"]
    known = {(each["type"], relation) for each in types for relation in each.get("relations", {})}
    asked = {(each["resource"]["type"], each["action"]["name"]) for each in _questions()}
    assert asked <= known


def test_a_search_names_no_resource() -> None:
    assert search(BILLS) == {**BILLS, "resource": {"type": "customer"}}


def test_many_questions_are_as_many_in_batches() -> None:
    ways = authzen_ways([{"n": n} for n in range(250)], "batch of 100")
    bodies: Any = ways["batch of 100"].bodies
    assert [len(body["evaluations"]) for body in bodies] == [100, 100, 50]
    assert [each for body in bodies for each in body["evaluations"]] == ways["single"].bodies


def test_the_plain_service_finds_the_facts_that_this_one_finds(database: Path) -> None:
    asked = [*_questions(), _by("person-6-0", OPTION), _by("nobody", BILLS)]
    found = Customers(str(database)).facts(asked)
    for facts, document in zip(found, documents_of(asked, f"sqlite:///{database}"), strict=True):
        shared = facts.keys() & document.keys()
        assert {name: facts[name] for name in shared} == {name: document[name] for name in shared}
        assert document.keys() - facts.keys() <= UNREAD


def _questions() -> list[dict[str, Any]]:
    return list(questions(8, 400))


def _by(person: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**question, "subject": {"type": "person", "id": person}}
