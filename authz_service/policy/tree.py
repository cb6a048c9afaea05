"""When something holds, as a decision tree over facts in text: short, for a reviewer, and read back without loss."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from authz_service.policy.situations import Facts, Value

Holds: TypeAlias = Sequence[tuple[Facts, bool]]


class Tree(NamedTuple):
    """Under which facts something holds.

    Attributes:
        always: Whether it holds whatever else is so; then there are no branches.
        branches: A fact, some of its values, and what has to hold besides; all of one fact, none for the other values.
    """

    always: bool
    branches: tuple["Branch", ...] = ()


class Branch(NamedTuple):
    fact: str
    values: tuple[Value, ...]
    tree: Tree


ALWAYS, NEVER = Tree(always=True), Tree(always=False)


def grow(situations: Holds, facts: Mapping[str, tuple[Value, ...]]) -> Tree:
    """The tree of what holds in these situations, with the facts looked at in this order and only where they matter."""
    holds = {is_so for _, is_so in situations}
    if len(holds) == 1:
        return ALWAYS if holds.pop() else NEVER
    (fact, values), *rest = facts.items()
    by_value: dict[Value, list[tuple[Facts, bool]]] = {value: [] for value in values}
    for situation in situations:
        by_value[situation[0][fact]].append(situation)
    groups: dict[Tree, list[Value]] = {}
    for value, those in by_value.items():
        if those:
            groups.setdefault(grow(those, dict(rest)), []).append(value)
    if len(groups) == 1:
        return next(iter(groups))
    branches = [Branch(fact, tuple(of_tree), tree) for tree, of_tree in groups.items() if tree != NEVER]
    return Tree(always=False, branches=tuple(branches))


def holds(tree: Tree, facts: Facts) -> bool:
    return tree.always or any(
        facts.get(branch.fact) in branch.values and holds(branch.tree, facts) for branch in tree.branches
    )


def leaves(tree: Tree) -> Iterator[dict[str, tuple[Value, ...]]]:
    """Each way to where it holds: the facts on it, with the values that lead there."""
    if tree.always:
        yield {}
    for branch in tree.branches:
        for leaf in leaves(branch.tree):
            yield {branch.fact: branch.values, **leaf}


def write(tree: Tree, depth: int) -> Iterator[str]:
    """The lines of a tree; what has one way on only is on one line."""
    for branch in tree.branches:
        path = [branch]
        while len(path[-1].tree.branches) == 1:
            path.append(path[-1].tree.branches[0])
        said = ", ".join(f"{step.fact} {' | '.join(map(word, step.values))}" for step in path)
        yield "  " * depth + said
        yield from write(path[-1].tree, depth + 1)


def read(lines: Sequence[tuple[int, str]]) -> Tree:
    """The tree of lines, each with its depth.

    Raises:
        ValueError: They are not those of a tree.
    """
    if not lines:
        return ALWAYS
    depth = lines[0][0]
    starts = [n for n, (at, _) in enumerate(lines) if at == depth] + [len(lines)]
    branches: list[Branch] = []
    for start, end in pairwise(starts):
        tree = read(lines[start + 1 : end])
        for step in reversed(lines[start][1].split(", ")):
            fact, _, values = step.partition(" ")
            tree = Tree(always=False, branches=(Branch(fact, tuple(map(_value, values.split(" | "))), tree),))
        branches += tree.branches
    return Tree(always=False, branches=tuple(branches))


def word(value: Value) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else value


def _value(text: str) -> Value:
    return {"yes": True, "no": False}.get(text, text)
