import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.policy import tree

FACTS: dict[str, tuple[str | bool, ...]] = {
    "role": ("administrator", "user", "none"),
    "channel": ("web", "app"),
    "is_holder": (False, True),
}
SITUATIONS = [dict(zip(FACTS, values, strict=True)) for values in itertools.product(*FACTS.values())]


def lines_of(grown: tree.Tree) -> list[str]:
    return list(tree.write(grown, 0))


def read_back(lines: list[str]) -> tree.Tree:
    return tree.read([((len(line) - len(line.lstrip())) // 2, line.lstrip()) for line in lines])


@given(
    marks=st.lists(st.booleans(), min_size=len(SITUATIONS), max_size=len(SITUATIONS)).filter(any),
    order=st.permutations(list(FACTS)),
)
def test_a_tree_holds_just_where_it_was_grown_to_and_still_when_written_and_read(
    marks: list[bool], order: list[str]
) -> None:
    grown = tree.grow(list(zip(SITUATIONS, marks, strict=True)), {fact: FACTS[fact] for fact in order})
    assert [tree.holds(grown, facts) for facts in SITUATIONS] == marks
    assert read_back(lines_of(grown)) == grown


@pytest.mark.parametrize(
    ("condition", "lines"),
    [
        (lambda _: True, []),
        (lambda facts: facts["channel"] == "app", ["channel app"]),
        (lambda facts: facts["role"] != "none", ["role administrator | user"]),
        (lambda facts: facts["role"] == "user" and facts["is_holder"], ["role user, is_holder yes"]),
        (
            lambda facts: facts["role"] == "administrator" or (facts["role"] == "user" and facts["is_holder"]),
            ["role administrator", "role user, is_holder yes"],
        ),
    ],
)
def test_a_fact_that_does_not_matter_is_not_named(condition: object, lines: list[str]) -> None:
    assert callable(condition)
    grown = tree.grow([(facts, bool(condition(facts))) for facts in SITUATIONS], FACTS)
    assert lines_of(grown) == lines


def test_what_cannot_occur_does_not_make_a_fact_matter() -> None:
    possible = [facts for facts in SITUATIONS if not (facts["role"] == "none" and facts["is_holder"])]
    grown = tree.grow([(facts, facts["role"] == "none") for facts in possible], FACTS)
    assert lines_of(grown) == ["role none"]
