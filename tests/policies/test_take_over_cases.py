"""The take-overs of the decision tables, each over HTTP on households of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from sqlalchemy import Engine, Row, select

from authz_service.administrators.outbox import list_letters
from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.customers.document import Evidence
from authz_service.customers.domain import take_over_document
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.settings import Settings
from authz_service.storage.database import connect, reading
from authz_service.storage.schema import customers, members
from authz_service.words import Channel, Effect, LetterState, Role, Scope
from tests.conftest import BEARER, HOUSEHOLDS, TOKEN
from tests.policies.cases import KEY, Case, bring_about, households, read_cases

_CASES = read_cases()["take_over"]
_EACH = pytest.mark.parametrize("case", _CASES, ids=[case["name"] for case in _CASES])
_WRONG = {"code": "WRONG", "date": "2026-11-02"}


@pytest.fixture(scope="module")
def all_households(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database, to be copied."""
    engine = households(tmp_path_factory.mktemp("households"))
    engine.dispose()
    return Path(str(engine.url.database))


@pytest.fixture
def database(case: Case, all_households: Path, tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{shutil.copy(all_households, tmp_path)}")
    bring_about(engine, [case])
    yield engine
    engine.dispose()


@pytest.fixture
def client(database: Engine, running_opa: SupervisedOpa) -> Iterator[FlaskClient]:
    settings = Settings(database_url=str(database.url), opa_url=running_opa.url, activation_key=KEY)
    scopes = frozenset({Scope.ADMINISTRATORS})
    app = create_app(settings, callers=[Caller("tests", token_sha256(TOKEN), scopes)])
    yield app.test_client()
    close_app(app)


def _issued(number: str) -> dict[str, str]:
    """The activation code of a household, as its file has it."""
    for path in HOUSEHOLDS.glob("*.yaml"):
        for customer in yaml.safe_load(path.read_text()).get("customers", []):
            if customer["number"] == number and "activation" in customer:
                activation = customer["activation"]
                return {"code": activation["code"], "date": str(activation["date"])}
    raise AssertionError(f"no activation code has been issued for {number}")


def _administrators(database: Engine, number: str) -> set[str]:
    query = select(members.c.person).where(members.c.customer_number == number, members.c.role == Role.ADMINISTRATOR)
    with reading(database) as connection:
        return set(connection.scalars(query))


def _code(database: Engine, number: str) -> "Row[Any, Any]":
    query = select(customers.c.activation_used, customers.c.activation_wrong).where(customers.c.number == number)
    with reading(database) as connection:
        return connection.execute(query).one()


@_EACH
def test_the_facts_are_those_of_the_case(case: Case, database: Engine) -> None:
    ask, facts = case["ask"], case["facts"]
    evidence = Evidence(ask["current_administrator_informed"], facts["given_activation_code"])
    with reading(database) as connection:
        stated = take_over_document(connection, ask["customer"], ask["person"], Channel(ask["channel"]), evidence)
    assert stated == facts


@_EACH
def test_the_answer_is_that_of_the_case_and_its_effects_are_carried_out(
    case: Case, database: Engine, client: FlaskClient
) -> None:
    ask, answer = case["ask"], case["answer"]
    number, person = ask["customer"], ask["person"]
    body = {key: ask[key] for key in ("person", "channel", "current_administrator_informed")}
    if "code" in ask:
        body["activation"] = _issued(number) if ask["code"] == "right" else _WRONG
    before, code_before = _administrators(database, number), _code(database, number)

    response = client.post(f"/v1/customers/{number}/administrators", json=body, headers=BEARER)

    said = response.get_json()
    if not case["facts"]["is_known_person"]:
        assert response.status_code == 404
    elif answer["allow"]:
        assert response.status_code == 201
    else:
        assert response.status_code == 403
        assert sorted(reason["code"] for reason in said["reasons"]) == answer["reasons"]
        assert sorted({cite for reason in said["reasons"] for cite in reason["cites"]}) == answer["cites"]

    effects = set(answer["effects"])
    expected = before - (before if Effect.CURRENT_ADMINISTRATOR_BECOMES_USER in effects else set())
    expected |= {person} if Effect.PERSON_BECOMES_ADMINISTRATOR in effects else set()
    assert _administrators(database, number) == expected
    letters = {kept.letter.person for kept in list_letters(database, list(LetterState))}
    assert letters == (before if Effect.CURRENT_ADMINISTRATOR_GETS_LETTER in effects else set())
    code = _code(database, number)
    assert code.activation_used is (code_before.activation_used or Effect.ACTIVATION_CODE_IS_USED in effects)
    counted = 1 if Effect.WRONG_ACTIVATION_CODE_COUNTS in effects else 0
    assert code.activation_wrong == code_before.activation_wrong + counted
