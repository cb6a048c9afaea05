import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.policy.alternatives import Alternatives, Together, condition_of, matches, told
from authz_service.policy.sentences import Phrases
from authz_service.policy.situations import Facts

FACTS: dict[str, tuple[str | bool, ...]] = {
    "role": ("administrator", "user", "none"),
    "channel": ("web", "app"),
    "is_holder": (False, True),
    "option": ("free", "paid"),
}
SITUATIONS: list[Facts] = [dict(zip(FACTS, values, strict=True)) for values in itertools.product(*FACTS.values())]
NAMES: dict[str, Alternatives] = {
    "harmless": ({"option": ("free",)}, {"role": ("administrator",)}),
    "here": ({"channel": ("web",)},),
}
PHRASES = Phrases(
    {
        "who": {"role": {"administrator": "an administrator", "user": "a user", "none": ""}},
        "with_what": {"is_holder": {True: "his or her own", False: "somebody else's"}},
        "when": {"channel": {"web": "on the web", "app": "in the app"}, "option": {"free": "free", "paid": "paid"}},
    }
)


def holds(condition: Together, facts: Facts) -> bool:
    named = {**facts, **{name: any(matches(facts, box) for box in boxes) for name, boxes in NAMES.items()}}
    return all(any(matches(named, box) for box in boxes) for boxes in condition)


@given(
    marks=st.lists(st.booleans(), min_size=len(SITUATIONS), max_size=len(SITUATIONS)),
    possible=st.sets(st.integers(0, len(SITUATIONS) - 1), min_size=1),
    names=st.sampled_from([NAMES, {}]),
)
def test_a_condition_holds_just_where_it_is_so_of_what_can_occur(
    marks: list[bool], possible: set[int], names: dict[str, Alternatives]
) -> None:
    situations = [(SITUATIONS[n], marks[n]) for n in possible]
    condition = condition_of(situations, names)
    assert [holds(condition, facts) for facts, _ in situations] == [is_so for _, is_so in situations]


def _is_own_or_administrator(facts: Facts) -> bool:
    return bool(facts["is_holder"]) or facts["role"] == "administrator"


@pytest.mark.parametrize(
    ("is_so", "words"),
    [
        (lambda facts: facts["channel"] == "web", "on the web"),
        (lambda facts: facts["role"] != "none", "an administrator or a user"),
        (lambda facts: facts["role"] == "none", "role none"),
        (lambda facts: facts["channel"] == "web" and facts["option"] == "free", "on the web; free"),
        (_is_own_or_administrator, "an administrator or his or her own"),
        (
            lambda facts: _is_own_or_administrator(facts) and facts["channel"] == "app",
            "an administrator or his or her own; in the app",
        ),
        (
            lambda facts: (
                (facts["channel"] == "web" and facts["option"] == "free")
                or (facts["channel"] == "app" and facts["is_holder"])
            ),
            "on the web and free, or in the app and his or her own",
        ),
    ],
)
def test_a_condition_is_told_in_parts_that_do_not_depend_on_each_other(
    is_so: Callable[[Facts], object], words: str
) -> None:
    assert told(condition_of([(facts, bool(is_so(facts))) for facts in SITUATIONS], {}), PHRASES) == words


@pytest.mark.parametrize(
    ("is_so", "words"),
    [
        (lambda facts: facts["option"] == "free" or facts["role"] == "administrator", "harmless"),
        (lambda facts: facts["channel"] == "app", "not: here"),
        (lambda facts: facts["channel"] == "web" and facts["is_holder"], "here; his or her own"),
        (lambda facts: facts["option"] == "free", "free"),
    ],
)
def test_a_condition_that_has_a_name_is_told_by_it(is_so: Callable[[Facts], object], words: str) -> None:
    assert told(condition_of([(facts, bool(is_so(facts))) for facts in SITUATIONS], NAMES), PHRASES) == words


def test_a_fact_that_is_stated_of_some_only_is_told_so() -> None:
    bare: Facts = {"role": "user"}
    own: Facts = {"role": "user", "is_holder": True}
    other: Facts = {"role": "user", "is_holder": False}
    assert (
        told(condition_of([(bare, True), (own, True), (other, False)], {}), PHRASES)
        == "his or her own where that applies"
    )
    assert told(condition_of([(bare, True), (own, False)], {}), PHRASES) == "where is_holder does not apply"


def test_a_name_is_not_used_where_the_facts_of_its_condition_are_not_stated() -> None:
    situations: list[tuple[Facts, bool]] = [({"role": "administrator"}, True), ({"role": "user"}, False)]
    assert told(condition_of(situations, NAMES), PHRASES) == "an administrator"
