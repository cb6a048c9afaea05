import json
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest

from authz_service.policy.diff import Diff, Happened, Why, compare
from authz_service.policy.sentences import Phrases, Several, read_phrases
from authz_service.policy.situations import Facts, InputSchema, Kind
from authz_service.policy.table import Outcome, Table, judge_all
from tests.policy.edits import BILLS_FOR_USERS, edit


@pytest.fixture(scope="module")
def phrases(policies: Path, schema: InputSchema) -> Phrases:
    return read_phrases(policies, schema)


@pytest.fixture(scope="module")
def opened(policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped policy with bills open to users."""
    return edit(policies, tmp_path_factory.mktemp("opened") / "policies", BILLS_FOR_USERS)


def answered(table: Table, change: Callable[[Facts, Outcome], Outcome]) -> Table:
    """The same situations, answered otherwise."""
    outcomes = [change(facts, outcome) for facts, outcome in zip(table.situations, table.outcomes, strict=True)]
    return table._replace(outcomes=outcomes)


def key(facts: Facts) -> frozenset[tuple[str, object]]:
    return frozenset(facts.items())


def told(diff: Diff, phrases: Phrases) -> list[tuple[str, list[tuple[str, int]]]]:
    return [
        (group.why.happened, [(phrases.who_does_what(box.facts, "may"), box.size) for box in group.boxes])
        for group in diff.groups
    ]


def test_a_policy_with_itself_is_empty(table: Table, schema: InputSchema) -> None:
    diff = compare(table, schema, table, schema)
    assert (diff.judged, diff.is_empty, diff.widens) == (28_248, True, False)
    assert (diff.changes, diff.groups) == ((), ())


def test_bills_opened_to_users_are_the_situations_that_brute_force_finds(
    opa: Path, policies: Path, opened: Path, schema: InputSchema, table: Table, phrases: Phrases
) -> None:
    diff = compare(table, schema, judge_all(opa, opened, schema), schema)
    sentence = "a user may see the bills, manage the bills, see the payment statements or manage the payment statements"
    assert told(diff, phrases) == [("widened", [(sentence, 24)])]
    # All that the edit is about, and of the rest, which takes long, some.
    asked = [
        facts for n, facts in enumerate(table.situations) if len(facts) == len(schema.kinds[1].facts) or n % 7 == 0
    ]
    with ThreadPoolExecutor() as both:
        before, after = both.map(lambda folder: _answers(opa, folder, asked), (policies, opened))
    found = {key(facts) for facts, old, new in zip(asked, before, after, strict=True) if old != new}
    assert len(asked) > 4_000
    assert {key(change.facts) for change in diff.changes} == found
    for change in diff.changes:
        old, new = before[asked.index(change.facts)], after[asked.index(change.facts)]
        assert (change.old.allow, [*change.old.codes]) == (old["allow"], [reason["code"] for reason in old["reasons"]])
        assert (change.new.allow, [*change.new.codes]) == (new["allow"], [reason["code"] for reason in new["reasons"]])


def _answers(opa: Path, policies: Path, asked: Sequence[Facts]) -> list[dict[str, Any]]:
    """The answers of OPA to the folder as it is."""
    query = "[answer | some document in input.documents; answer := data.authz.decision.answer with input as document]"
    command: list[str | Path] = [opa, "eval", "--data", policies / "bundle", "--stdin-input", "--format", "json", query]
    said = subprocess.run(command, input=json.dumps({"documents": asked}), capture_output=True, text=True, check=True)
    answers: list[dict[str, Any]] = json.loads(said.stdout)["result"][0]["expressions"][0]["value"]
    return answers


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("old", {"allow": True}), Why(Happened.WIDENED, allow=True, came=(), went=())),
        (
            ("new", {"allow": False, "codes": ("b",), "route": None, "effects": ()}),
            Why(Happened.NARROWED, allow=False, came=("b",), went=("a",)),
        ),
        (
            ("new", {"codes": ("a", "b"), "route": "q", "effects": ("f",)}),
            Why(
                Happened.TAKES_OVER_OTHERWISE,
                allow=True,
                came=("b", "effect f", "route q"),
                went=("effect e", "route r"),
            ),
        ),
        (
            ("new", {"requires": ("s",)}),
            Why(Happened.STILL_TO_BRING_OTHERWISE, allow=True, came=("requires s",), went=("requires n",)),
        ),
        (
            ("new", {"route": "q"}),
            Why(Happened.STILL_TO_BRING_OTHERWISE, allow=True, came=("route q",), went=("route r",)),
        ),
        (("new", {"codes": ("b",)}), Why(Happened.OTHER_REASONS, allow=True, came=("b",), went=("a",))),
    ],
    ids=lambda value: value.happened if isinstance(value, Why) else "",
)
def test_what_happened_is_told_with_what_came_and_went(change: tuple[str, dict[str, Any]], why: Why) -> None:
    schema = InputSchema((Kind("one", {"action": ("fly",)}),), (), {})
    one = Outcome(allow=True, codes=("a",), route="r", requires=("n",), effects=("e",))
    which, members = change
    old, new = one, one._replace(**members)
    if which == "old":
        old, new = one._replace(allow=False), one
    tables = [Table("", [{"action": "fly"}], [outcome]) for outcome in (old, new)]
    [group] = compare(tables[0], schema, tables[1], schema).groups
    assert group.why == why


def test_what_widened_comes_first_then_what_narrowed_and_of_each_the_largest(table: Table, schema: InputSchema) -> None:
    edited = answered(table, _mixed)
    groups = compare(table, schema, edited, schema).groups
    assert len(groups) > 10
    order = [(list(Happened).index(group.why.happened), -len(group.changes)) for group in groups]
    assert order == sorted(order)
    assert {group.why.happened for group in groups} >= {Happened.WIDENED, Happened.NARROWED, Happened.OTHER_REASONS}


def _mixed(facts: Facts, outcome: Outcome) -> Outcome:
    if facts["channel"] != "web":
        return outcome
    codes = ("nothing_grants",) if facts["role"] == "none" else outcome.codes
    return outcome._replace(allow=outcome.allow != (facts["action"] == "view_usage"), codes=codes)


def test_the_boxes_of_a_group_have_its_situations_once_and_no_other(table: Table, schema: InputSchema) -> None:
    random = Random(6)  # noqa: S311 - no secret is made of it
    for _ in range(3):
        about = random.choice(table.situations)
        facts = {*random.sample([fact for fact in about if fact != "action"], k=2), "action"}

        def turn(stated: Facts, outcome: Outcome, facts: set[str] = facts, about: Facts = about) -> Outcome:
            is_meant = all(stated.get(fact) == about[fact] for fact in facts)
            return outcome._replace(allow=not outcome.allow) if is_meant else outcome

        diff = compare(table, schema, answered(table, turn), schema)
        assert sum(len(group.changes) for group in diff.groups) == len(diff.changes) > 0
        for group in diff.groups:
            boxed = [(key(stated), box) for stated in table.situations for box in group.boxes if _in(box.facts, stated)]
            assert {stated for stated, _ in boxed} == {key(change.facts) for change in group.changes}
            assert len(boxed) == len(group.changes)
            assert [box.size for box in group.boxes] == [sum(one is box for _, one in boxed) for box in group.boxes]


def _in(box: Several, facts: Facts) -> bool:
    return all(facts.get(fact) in values for fact, values in box.items())


def test_a_dropped_obstacle_is_told_as_a_whole_though_some_are_permitted_by_it(
    table: Table, schema: InputSchema, phrases: Phrases
) -> None:
    def drop(_: Facts, outcome: Outcome) -> Outcome:
        codes = tuple(code for code in outcome.codes if code != "not_in_the_app")
        if outcome.codes == ("not_in_the_app",):
            return outcome._replace(allow=True, codes=("eligible_by_mobile_number",))
        return outcome._replace(codes=codes)

    widened, others = told(compare(table, schema, answered(table, drop), schema), phrases)
    assert (widened[0], len(widened[1]), sum(size for _, size in widened[1])) == ("widened", 8, 1_658)
    assert others == ("other_reasons", [("anybody may become administrator: in the app", 7_654)])


def test_subscriptions_that_differ_in_more_than_their_kind_are_told_apart(
    table: Table, schema: InputSchema, phrases: Phrases
) -> None:
    def open_usage(facts: Facts, outcome: Outcome) -> Outcome:
        is_meant = facts["action"] == "view_usage" and facts["role"] == "user" and facts["resource"] == "subscription"
        return outcome._replace(allow=True, codes=("usage",)) if is_meant and not outcome.allow else outcome

    [(_, sentences)] = told(compare(table, schema, answered(table, open_usage), schema), phrases)
    assert sentences[1:] == [("a user may see the usage of a mobile that is somebody else's", 24)]
    [(others, size)] = sentences[:1]
    kinds = "of an Internet subscription, of a TV subscription, of a landline or of another subscription"
    assert (others, size) == (f"a user may see the usage {kinds}", 24)


def test_what_is_so_of_every_kind_of_subscription_is_told_once(
    table: Table, schema: InputSchema, phrases: Phrases
) -> None:
    def close_usage(facts: Facts, outcome: Outcome) -> Outcome:
        is_meant = facts["action"] == "view_usage" and facts["role"] == "administrator"
        return outcome._replace(allow=False, codes=()) if is_meant else outcome

    narrowed, others = told(compare(table, schema, answered(table, close_usage), schema), phrases)
    assert narrowed == ("narrowed", [("an administrator may see the usage", 72)])
    assert others == ("other_reasons", [("an administrator may see the usage", 6)])


def test_situations_of_one_schema_alone_are_told_apart_and_widen_where_they_are_permitted(
    table: Table, schema: InputSchema
) -> None:
    schema = schema._replace(kinds=schema.kinds[:4])
    situations = list(schema.situations())
    table = Table("", situations, table.outcomes[: len(situations)])

    def with_values(fact: str, *values: str) -> InputSchema:
        kinds = [
            Kind(kind.title, {**kind.facts, fact: values} if fact in kind.facts else kind.facts)
            for kind in schema.kinds
        ]
        return schema._replace(kinds=tuple(kinds))

    def judged(of: InputSchema, *, allow: bool) -> Table:
        outcome = table.outcomes[0]._replace(allow=allow)
        known = dict(zip(map(key, table.situations), table.outcomes, strict=True))
        situations = list(of.situations())
        return Table("", situations, [known.get(key(facts), outcome) for facts in situations])

    smaller = with_values("customer_kind", "residential")
    half = judged(smaller, allow=False)
    shrunk = compare(table, schema, half, smaller)
    assert (len(shrunk.changes), shrunk.is_empty, shrunk.widens) == (0, False, False)
    assert shrunk.judged == len(half.situations)
    assert sum(side.size for side in shrunk.removed) == len(situations) - shrunk.judged
    assert [side.kind for side in shrunk.removed] == [kind.title for kind in schema.kinds[1:]]

    larger = with_values("customer_kind", "residential", "business", "public")
    for allow in (True, False):
        grown = compare(table, schema, judged(larger, allow=allow), larger)
        assert (grown.judged, grown.removed, grown.is_empty, grown.widens) == (len(situations), (), False, allow)
        assert sum(side.size for side in grown.added) == len(list(larger.situations())) - len(situations)
        assert all(side.allowed == (side.size if allow else 0) for side in grown.added)
