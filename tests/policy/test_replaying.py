"""Recorded decisions judged again: counted by decisions, a revision at a time, nothing left out."""

from typing import Any

from authz_service.journal.counting import Beside, Given
from authz_service.policy.diff import Happened
from authz_service.policy.replaying import replay, shadowed
from authz_service.policy.situations import InputSchema, Kind
from authz_service.policy.table import Outcome, Table

SCHEMA = InputSchema(
    (Kind("question", {"action": ("view", "change"), "resource": ("thing",), "role": ("user", "administrator")}),),
    (),
    {},
)
VIEW, CHANGE = ({"action": action, "resource": "thing", "role": "user"} for action in ("view", "change"))
GONE = {"action": "fly", "resource": "thing", "role": "user"}


def ruling(facts: dict[str, Any] | None, *, allow: bool, revision: str = "old", **more: object) -> dict[str, Any]:
    reasons = [{"code": "granted" if allow else "denied", "cites": ["A-1"]}]
    return {
        "revision": revision,
        "facts": facts,
        "allow": allow,
        "reasons": reasons,
        "route": None,
        "requires": [],
        "effects": [],
    } | more


def outcome(*, allow: bool) -> Outcome:
    return Outcome(allow, ("granted" if allow else "denied",), None, (), ())


TABLE = Table("new", [VIEW, CHANGE], [outcome(allow=True), outcome(allow=True)])


def test_decisions_are_counted_by_how_often_their_ruling_was_given() -> None:
    [replayed] = replay([Given(ruling(VIEW, allow=True), 5), Given(ruling(CHANGE, allow=False), 7)], TABLE, SCHEMA)
    assert (replayed.revision, replayed.other) == ("old", "new")
    assert (replayed.decisions, replayed.changed, replayed.unasked) == (12, 7, 0)
    [change] = replayed.diff.changes
    assert (change.facts, change.old.allow, change.new.allow) == (CHANGE, False, True)
    [group] = replayed.diff.groups
    assert group.why.happened is Happened.WIDENED
    assert replayed.of(group.changes) == 7


def test_what_is_answered_as_before_is_no_difference() -> None:
    [replayed] = replay([Given(ruling(VIEW, allow=True), 5)], TABLE, SCHEMA)
    assert (replayed.changed, replayed.diff.is_empty) == (0, True)


def test_each_recorded_revision_is_told_by_itself_that_of_most_decisions_first() -> None:
    given = [
        Given(ruling(VIEW, allow=False, revision="older"), 2),
        Given(ruling(VIEW, allow=True), 1),
        Given(ruling(CHANGE, allow=False), 9),
    ]
    assert [(each.revision, each.decisions, each.changed) for each in replay(given, TABLE, SCHEMA)] == [
        ("old", 10, 9),
        ("older", 2, 2),
    ]


def test_facts_that_the_other_policy_does_not_know_are_counted_apart() -> None:
    [replayed] = replay([Given(ruling(GONE, allow=True), 3), Given(ruling(VIEW, allow=True), 1)], TABLE, SCHEMA)
    assert (replayed.decisions, replayed.unasked, replayed.changed) == (4, 3, 0)


def test_rulings_without_facts_are_left_out() -> None:
    assert replay([Given(ruling(None, allow=True), 3)], TABLE, SCHEMA) == []


def test_another_reason_route_or_effect_is_a_difference() -> None:
    for more in (
        {"reasons": [{"code": "other", "cites": ["A-1"]}]},
        {"route": "mobile_number"},
        {"requires": ["web_site"]},
        {"effects": ["person_becomes_administrator"]},
    ):
        [replayed] = replay([Given(ruling(VIEW, allow=True, **more), 1)], TABLE, SCHEMA)
        assert replayed.changed == 1, more


def test_a_shadow_is_told_two_revisions_at_a_time() -> None:
    besides = [
        Beside(ruling(VIEW, allow=True), ruling(VIEW, allow=False, revision="shadow"), 4),
        Beside(ruling(CHANGE, allow=True), ruling(CHANGE, allow=False, revision="shadow"), 1),
        Beside(ruling(VIEW, allow=True), ruling(VIEW, allow=False, revision="edited"), 2),
    ]
    told = {(each.revision, each.other): each for each in shadowed(besides, SCHEMA)}
    assert {pair: each.changed for pair, each in told.items()} == {("old", "shadow"): 5, ("old", "edited"): 2}
    [group] = told["old", "shadow"].diff.groups
    assert group.why.happened is Happened.NARROWED
