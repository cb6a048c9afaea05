"""What callers are given is counted by words of which there are few, whatever callers write."""

from collections import Counter
from itertools import product

import pytest

from authz_service.decision.counting import BY_REVISION, DECISIONS, LAST_REVISIONS, DecisionCounts
from authz_service.telemetry.tally import Tally
from authz_service.words import ActionName, AnswerSource


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def counts(tally: Tally) -> DecisionCounts:
    return DecisionCounts(tally)


def told(tally: Tally, name: str) -> dict[tuple[str, ...], int]:
    return {key[1:]: number for key, number in tally.totals().counts.items() if key[0] == name}


def test_every_decision_is_in_exactly_one_number_of_each_kind(tally: Tally, counts: DecisionCounts) -> None:
    expected: Counter[tuple[str, ...]] = Counter()
    every = product(ActionName, (True, False), AnswerSource)
    for times, (action, allow, source) in enumerate(every, 1):
        for _ in range(times):
            counts.note((action, allow, source, "first"))
        expected[action, "permit" if allow else "deny", source] += times
        if times % 7 == 0:
            tally.totals()
    assert told(tally, DECISIONS) == expected
    assert told(tally, BY_REVISION) == {
        ("first", answer): sum(number for key, number in expected.items() if key[1] == answer)
        for answer in ("permit", "deny")
    }


def test_an_action_that_there_is_not_is_another_whatever_it_is_called(tally: Tally, counts: DecisionCounts) -> None:
    for n in range(1_000):
        counts.note((f"fly {n}", False, "memory", "first"))
    assert told(tally, DECISIONS) == {("other", "deny", "memory"): 1_000}


def test_of_many_revisions_the_last_few_are_told_and_no_decision_is_lost_with_one(
    tally: Tally, counts: DecisionCounts
) -> None:
    for n in range(100):
        counts.note(("view_usage", True, "opa", f"revision-{n}"))
        counts.note(("view_usage", False, "opa", f"revision-{n}"))
        tally.totals()
    last = [f"revision-{n}" for n in range(100 - LAST_REVISIONS, 100)]
    assert told(tally, BY_REVISION) == {(revision, answer): 1 for revision in last for answer in ("permit", "deny")}
    assert sum(told(tally, DECISIONS).values()) == 200


def test_a_revision_that_comes_back_into_force_is_one_of_the_last(tally: Tally, counts: DecisionCounts) -> None:
    for revision in ("a", "b", "c", "d", "a", "e"):
        counts.note(("view_usage", True, "opa", revision))
        tally.totals()
    assert told(tally, BY_REVISION) == {("a", "permit"): 2, ("c", "permit"): 1, ("d", "permit"): 1, ("e", "permit"): 1}


def test_a_revision_with_a_long_name_is_told_by_its_beginning(tally: Tally, counts: DecisionCounts) -> None:
    counts.note(("view_usage", True, "opa", "r" * 1_000))
    assert told(tally, BY_REVISION) == {("r" * 64, "permit"): 1}
