"""The decision tables, end to end: the facts of each question are stated, and the answer is given over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from flask.testing import FlaskClient
from sqlalchemy import Engine

from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.customers.domain import MyProximus
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.questions import Action, Entity, Json, Question
from authz_service.settings import Settings
from authz_service.words import Scope
from tests.conftest import BEARER, HOUSEHOLDS, ROOT, TOKEN
from tests.policies.cases import Case, bring_about, households, read_cases

_TOPICS = read_cases()
_TAKE_OVERS = _TOPICS["take_over"]
_CASES = [case for topic, cases in _TOPICS.items() if topic != "take_over" for case in cases]
_EACH = pytest.mark.parametrize("case", _CASES, ids=[case["name"] for case in _CASES])


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = households(tmp_path_factory.mktemp("cases"))
    bring_about(engine, _CASES)
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
    cases = _CASES + _TAKE_OVERS
    assert len({case["name"] for case in cases}) == len(cases) >= 125


@_EACH
def test_the_facts_are_those_of_the_case(case: Case, database: Engine) -> None:
    [stated] = MyProximus(database).state([_question(case["ask"])])
    assert stated.document == case["facts"]


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


def _shown(case: Case) -> set[str]:
    return {*case["answer"]["cites"], *case.get("shows", [])}


def test_every_fact_of_what_one_may_do_has_a_case() -> None:
    counted = {"ADMIN": 6, "USER": 3}
    wanted = {f"{group}-{n + 1}" for group, number in counted.items() for n in range(number)}
    assert wanted | {"ROLE-1", "ROLE-5", "ROLE-6"} <= {fact for case in _CASES for fact in _shown(case)}


@pytest.mark.parametrize("group", ["ELIG", "TAKE", "READ"])
def test_every_fact_of_becoming_administrator_is_shown_both_ways_round(group: str) -> None:
    requirements = yaml.safe_load((ROOT / "policies" / "requirements.yaml").read_text())
    wanted = [fact for fact in {**requirements["facts"], **requirements["readings"]} if fact.startswith(f"{group}-")]
    assert len(wanted) >= 5
    ways: dict[str, set[str]] = {fact: set() for fact in wanted}
    for case in _CASES + _TAKE_OVERS:
        answer = case["answer"]
        way = str((answer["allow"], answer.get("requires"), answer.get("effects")))
        for fact in _shown(case) & set(wanted):
            ways[fact].add(way)
    assert [fact for fact, found in ways.items() if len(found) < 2] == []


def test_every_household_is_in_a_case() -> None:
    cases = _CASES + _TAKE_OVERS
    asked = {case["ask"].get("customer") or case["ask"].get("subscription") for case in cases}
    people = {case["ask"]["person"] for case in cases}
    unasked = []
    for path in sorted(HOUSEHOLDS.glob("*.yaml")):
        content = yaml.safe_load(Path(path).read_text())
        names = {person["id"] for person in content["people"]}
        numbers = {customer["number"] for customer in content.get("customers", [])}
        if not names & people and not numbers & asked:
            unasked.append(path.name)
    assert unasked == []
