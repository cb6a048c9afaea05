"""The decision tables, end to end: the facts of each question are stated, and the answer is given over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from sqlalchemy import Engine, update

from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.customers.activation_code import key_finder
from authz_service.customers.domain import MyProximus
from authz_service.customers.importing import import_files
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.questions import Action, Entity, Json, Question
from authz_service.settings import Settings
from authz_service.storage.database import connect, upgrade, writing
from authz_service.storage.schema import customers
from authz_service.words import Scope
from tests.conftest import BEARER, HOUSEHOLDS, ROOT, TOKEN

Case = dict[str, Any]

_GIVEN: dict[str, dict[str, Any]] = {
    "the code has been used": {"activation_used": True},
    "five codes were wrong": {"activation_wrong": 5},
}


def _read_cases() -> list[Case]:
    files = sorted((ROOT / "fixtures" / "cases").glob("*.yaml"))
    tables = [yaml.safe_load(path.read_text())["cases"] for path in files]
    return [case for table in tables for cases in table.values() for case in cases]


_CASES = _read_cases()
_EACH = pytest.mark.parametrize("case", _CASES, ids=[case["name"] for case in _CASES])


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """All households together, with what has happened to their activation codes."""
    engine = connect(f"sqlite:///{tmp_path_factory.mktemp('cases') / 'authz.db'}")
    upgrade(engine)
    import_files(engine, sorted(HOUSEHOLDS.glob("*.yaml")), key_finder(None, engine))
    with writing(engine) as connection:
        for case in _CASES:
            if "given" in case:
                of_customer = update(customers).where(customers.c.number == case["ask"]["customer"])
                connection.execute(of_customer.values(_GIVEN[case["given"]]))
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def client(database: Engine, running_opa: SupervisedOpa) -> Iterator[FlaskClient]:
    settings = Settings(database_url=str(database.url), opa_url=running_opa.url)
    app = create_app(settings, callers=[Caller("tests", token_sha256(TOKEN), frozenset({Scope.DECIDE}))])
    yield app.test_client()
    close_app(app)


def _resource(ask: Case) -> tuple[str, str]:
    if "resource" in ask:
        return ask["resource"]["type"], ask["resource"]["id"]
    [kind] = {"customer", "subscription"} & set(ask)
    return kind, ask[kind]


def _question(ask: Case) -> Question:
    kind, identifier = _resource(ask)
    properties: dict[str, Json] = {"option": ask["option"]} if "option" in ask else {}
    context: dict[str, Json] = {"channel": ask["channel"]} if "channel" in ask else {}
    return Question(
        Entity("person", ask["person"]), Action(ask["action"], properties), Entity(kind, identifier), context
    )


def test_there_are_a_hundred_cases_each_with_a_name_of_its_own() -> None:
    assert len({case["name"] for case in _CASES}) == len(_CASES) >= 100


@_EACH
def test_the_facts_are_those_of_the_case(case: Case, database: Engine) -> None:
    assert MyProximus(database).documents([_question(case["ask"])]) == [case["facts"]]


@_EACH
def test_the_answer_is_that_of_the_case(case: Case, client: FlaskClient) -> None:
    question = _question(case["ask"])
    body = {
        "subject": {"type": question.subject.type, "id": question.subject.id},
        "action": {"name": question.action.name, "properties": question.action.properties},
        "resource": {"type": question.resource.type, "id": question.resource.id},
        "context": question.context,
    }
    response = client.post("/access/v1/evaluation", json=body, headers=BEARER)
    said, expected = response.json, case["answer"]
    assert said is not None
    assert said["decision"] is expected["allow"]
    assert sorted(reason["code"] for reason in said["context"]["reasons"]) == expected["reasons"]
    assert sorted({cite for reason in said["context"]["reasons"] for cite in reason["cites"]}) == expected["cites"]
    assert said["context"].get("route") == expected.get("route")
    assert (said["context"].get("requires") or []) == (expected.get("requires") or [])


def test_every_fact_of_what_one_may_do_and_who_is_eligible_has_a_case() -> None:
    cited = {cite for case in _CASES for cite in case["answer"]["cites"]}
    counted = {"ADMIN": 6, "USER": 3, "ELIG": 5}
    wanted = {f"{group}-{n + 1}" for group, number in counted.items() for n in range(number)}
    assert wanted | {"ROLE-1", "ROLE-5", "ROLE-6", "TAKE-2", "TAKE-3"} <= cited


def test_every_household_is_in_a_case() -> None:
    asked = {case["ask"].get("customer") or case["ask"].get("subscription") for case in _CASES}
    people = {case["ask"]["person"] for case in _CASES}
    unasked = []
    for path in sorted(HOUSEHOLDS.glob("*.yaml")):
        content = yaml.safe_load(Path(path).read_text())
        names = {person["id"] for person in content["people"]}
        numbers = {customer["number"] for customer in content.get("customers", [])}
        if not names & people and not numbers & asked:
            unasked.append(path.name)
    assert unasked == []
