import json
from collections.abc import Sequence

import pytest

from authz_service.decision.decisions import Decisions
from authz_service.errors import DatabaseUnavailable, Fault, PolicyEngineUnavailable
from authz_service.questions import Entity, Json, Question, Stated
from tests.decision.library import MEMBER, STRANGER, Library, ask, judge
from tests.fakes.engine import FakeEngine

_STALE_SECONDS = 60.0


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(judge)


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
def decisions(library: Library, engine: FakeEngine) -> Decisions:
    return Decisions(library, engine, _STALE_SECONDS)


def test_each_question_is_decided_in_order(decisions: Decisions) -> None:
    decided = decisions.decide([MEMBER, STRANGER, STRANGER, MEMBER])
    assert [each.decision.allow for each in decided] == [True, False, False, True]


def test_the_facts_of_all_questions_are_read_at_once(decisions: Decisions, library: Library) -> None:
    decisions.decide([MEMBER, STRANGER, MEMBER])
    assert library.read == [3]


def test_the_facts_are_read_anew_for_each_call(decisions: Decisions, library: Library) -> None:
    decisions.decide([MEMBER])
    decisions.decide([MEMBER])
    assert library.read == [1, 1]


def test_all_that_share_their_facts_share_one_answer(decisions: Decisions, engine: FakeEngine) -> None:
    decisions.decide([ask(f"member-{n}") for n in range(1000)])
    assert engine.asked == 1


def test_other_facts_are_another_situation(decisions: Decisions, engine: FakeEngine) -> None:
    decisions.decide([MEMBER, STRANGER, ask("member-1", "return"), ask("stranger-1", "return")])
    assert engine.asked == 4


def test_facts_that_python_takes_for_equal_are_other_facts(engine: FakeEngine) -> None:
    class Numbers(Library):
        def state(self, questions: Sequence[Question]) -> list[Stated]:
            values: list[Json] = [True, 1, 1.0, "1", "true"]
            return [Stated({"has_card": value}) for value in values[: len(questions)]]

    decided = Decisions(Numbers(), engine, _STALE_SECONDS).decide([MEMBER] * 5)
    assert [each.decision.allow for each in decided] == [True, False, False, False, False]


def test_the_body_has_the_decision_and_what_the_domain_tells(decisions: Decisions) -> None:
    [[_, _, decision, _]] = decisions.decide([MEMBER])
    assert json.loads(decision.body) == {
        "decision": True,
        "context": {"revision": "first", "card": True, "why": "Ça va — voilà."},
    }


def test_the_body_of_a_domain_that_tells_nothing_is_the_decision_alone(engine: FakeEngine) -> None:
    silent = Decisions(Library(is_told_why=False), engine, _STALE_SECONDS)
    assert [each.decision.body for each in silent.decide([MEMBER, STRANGER])] == [
        b'{"decision":true}',
        b'{"decision":false}',
    ]


def test_the_body_is_utf_8_as_it_is_written(decisions: Decisions) -> None:
    [[_, _, decision, _]] = decisions.decide([MEMBER])
    assert "Ça va — voilà.".encode() in decision.body


def test_the_same_question_has_the_same_body_to_the_byte(library: Library) -> None:
    asked_first = Decisions(library, FakeEngine(judge), _STALE_SECONDS)
    asked_last = Decisions(library, FakeEngine(judge), _STALE_SECONDS)
    [remembered, one] = [asked_first.decide([MEMBER])[0].decision.body for _ in range(2)]
    [_, other] = asked_last.decide([STRANGER, MEMBER])
    assert remembered == one == other.decision.body


def test_finite_facts_are_decided_while_the_engine_is_away(decisions: Decisions, engine: FakeEngine) -> None:
    decisions.decide([MEMBER])
    engine.go_down()
    assert [each.decision.allow for each in decisions.decide([ask("member-2")])] == [True]


def test_facts_without_end_are_asked_every_time(engine: FakeEngine) -> None:
    endless = Decisions(Library(is_finite=False), engine, _STALE_SECONDS)
    endless.decide([MEMBER])
    endless.decide([MEMBER])
    assert (engine.asked, engine.calls) == (2, 2)


def test_facts_without_end_are_not_decided_while_the_engine_is_away(engine: FakeEngine) -> None:
    endless = Decisions(Library(is_finite=False), engine, _STALE_SECONDS)
    endless.decide([MEMBER])
    engine.go_down()
    with pytest.raises(PolicyEngineUnavailable):
        endless.decide([MEMBER])


def test_without_the_facts_there_is_no_decision(decisions: Decisions, library: Library, engine: FakeEngine) -> None:
    decisions.decide([MEMBER])
    library.is_open = False
    asked = engine.asked
    with pytest.raises(DatabaseUnavailable):
        decisions.decide([MEMBER])
    assert engine.asked == asked


def test_the_faults_of_a_question_are_those_that_the_domain_finds(decisions: Decisions) -> None:
    assert decisions.faults(MEMBER) == []
    film = MEMBER._replace(resource=Entity("film", "jaws"))
    assert decisions.faults(film) == [Fault('must be "book"', "resource.type")]
