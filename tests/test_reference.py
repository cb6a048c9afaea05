"""Random questions on random households, answered by the service and by an independent reading of the requirements."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from authz_service.customers.activation_code import key_finder
from authz_service.customers.domain import MyProximus
from authz_service.decision.decisions import Decisions
from authz_service.opa.engine import OpaEngine
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.storage.database import connect, upgrade
from tests.reference import World, expected
from tests.worlds import question_of, questions, store, worlds

_WORLDS = 40
_QUESTIONS_A_WORLD = 200


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{Path(tmp_path_factory.mktemp('reference')) / 'authz.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def decisions(database: Engine, running_opa: SupervisedOpa) -> Iterator[Decisions]:
    engine = OpaEngine(running_opa.url)
    yield Decisions(MyProximus(database), engine, stale_seconds=60)
    engine.close()


def test_the_service_answers_as_the_requirements_say(database: Engine, decisions: Decisions) -> None:
    decided = {True: 0, False: 0}

    @settings(max_examples=_WORLDS, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(world=worlds(), seed=st.integers())
    def compare(world: World, seed: int) -> None:
        store(world, database, key_finder(None, database))
        everything = questions(world)
        asked = Random(seed).sample(everything, k=_QUESTIONS_A_WORLD)  # noqa: S311 - no secret is made of it
        asked += [one for one in everything if one.action == "become_administrator"]
        for question, decided_one in zip(asked, decisions.decide([question_of(a) for a in asked]), strict=True):
            decision = decided_one.decision
            wanted = expected(world, question)
            answer = decision.answer
            said = (decision.allow, answer.route, frozenset(answer.requires))
            assert said == (wanted.allow, wanted.route, wanted.requires), question
            decided[decision.allow] += 1

    compare()
    assert sum(decided.values()) >= 3_000
    assert decided[True] >= 100
