import json
import shutil
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from sqlalchemy import Engine

from authz_service.customers.activation_code import key_finder
from authz_service.customers.document import Evidence
from authz_service.customers.domain import MyProximus, take_over_document
from authz_service.errors import InvalidPolicy
from authz_service.policy.situations import InputSchema, read_schema
from authz_service.storage.database import connect, reading, upgrade
from authz_service.words import Channel
from tests.reference import World
from tests.worlds import question_of, questions, store, worlds


def test_every_situation_is_a_document_of_the_schema_and_none_comes_twice(policies: Path, schema: InputSchema) -> None:
    validator = Draft7Validator(json.loads((policies / "schemas" / "input.json").read_text()))
    situations = list(schema.situations())
    assert len(situations) > 20_000
    assert len({json.dumps(facts, sort_keys=True) for facts in situations}) == len(situations)
    for facts in situations[::37]:
        validator.validate(dict(facts))


def test_what_the_schema_admits_is_a_situation_or_excluded_by_name(schema: InputSchema) -> None:
    admitted = [
        dict(zip(kind.facts, values, strict=True)) for kind in schema.kinds for values in product(*kind.facts.values())
    ]
    # In this order, which the golden table goes by.
    assert list(schema.situations()) == [facts for facts in admitted if schema.excluded_by(facts) is None]


def test_each_exclusion_excludes_something_that_no_other_does(schema: InputSchema) -> None:
    everything = list(schema._replace(impossible=()).situations())
    for rule in schema.impossible:
        alone = schema._replace(impossible=tuple(other for other in schema.impossible if other != rule))
        assert any(alone.excluded_by(facts) is None for facts in everything if schema.excluded_by(facts)), rule.name


def test_each_kind_of_question_is_told_from_the_others(schema: InputSchema) -> None:
    for kind in schema.kinds:
        facts = {fact: values[0] for fact, values in kind.facts.items()}
        assert schema.kind_of(facts) == kind
        assert schema.kind_of(facts | {"is_full_moon": True}) is None


@pytest.fixture(scope="module")
def world_database(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    engine = connect(f"sqlite:///{tmp_path_factory.mktemp('situations') / 'authz.db'}")
    upgrade(engine)
    return engine


def test_whatever_the_customer_data_the_facts_stated_are_one_of_the_situations(
    world_database: Engine, schema: InputSchema
) -> None:
    situations = {json.dumps(facts, sort_keys=True) for facts in schema.situations()}
    met: set[str] = set()

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(world=worlds(), informed=st.booleans(), code=st.sampled_from(["not_given", "wrong"]))
    def state(world: World, informed: bool, code: str) -> None:  # noqa: FBT001 - Hypothesis draws it
        store(world, world_database, key_finder(None, world_database))
        everything = questions(world)
        asked_about = MyProximus(world_database).state([question_of(asked) for asked in everything])
        documents = [each.document for each in asked_about]
        with reading(world_database) as connection:
            for household in world.households:
                for person in [*world.people, "stranger"]:
                    evidence = Evidence(informed, code)
                    documents.append(take_over_document(connection, household.number, person, Channel.WEB, evidence))
        stated = {json.dumps(dict(document), sort_keys=True) for document in documents}
        assert stated <= situations
        met.update(stated)

    state()
    assert len(met) > 1_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- no mapping", "must be YAML: for each thing that is impossible"),
        ("odd: {because: so}", "must be YAML: for each thing that is impossible"),
        (
            "odd: {because: so, never: {role: [boss], planet: [mars]}}",
            "never.role: there is no such value in the schema: 'boss'",
        ),
    ],
)
def test_what_is_wrong_with_an_exclusion_is_told_with_its_file(
    policies: Path, tmp_path: Path, text: str, said: str
) -> None:
    shutil.copytree(policies / "schemas", tmp_path / "schemas")
    (tmp_path / "schemas" / "impossible.yaml").write_text(text)
    with pytest.raises(InvalidPolicy) as refusal:
        read_schema(tmp_path)
    assert said in str(refusal.value)
    assert "impossible.yaml" in str(refusal.value)


def test_a_folder_without_a_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidPolicy, match=r"input\.json: must be a JSON schema"):
        read_schema(tmp_path)
