"""Many situations as few boxes: facts with the values that are meant, to be told in a sentence each."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, TypeAlias

from authz_service.policy import tree
from authz_service.policy.sentences import Several
from authz_service.policy.situations import Facts, InputSchema, Kind, Value

# What a kind of question is about, told even where all situations of the kind have it in common.
_ABOUT = ("action", "resource", "subscription_kind", "is_take_over")
# A longer list of actions tells less than that it is all of them.
_FEW_ACTIONS = 2
# The order in which facts split situations: who does what first, what only sets the scene last.
_FIRST = ("action", "role", "is_known_person")
_LAST = ("customer_kind", "has_administrator", "is_current_administrator_informed")

_Values: TypeAlias = tuple[Value, ...]


class Box(NamedTuple):
    """Situations that have in common what they are about.

    Attributes:
        facts: What they have in common; a fact that is left out has any value.
        size: How many they are.
    """

    facts: Several
    size: int


class _Leaf(NamedTuple):
    """A box while it is made.

    Attributes:
        facts: What tells its situations from others.
        occur: The values that the situations have, of every fact.
        size: How many they are.
    """

    facts: Mapping[str, _Values]
    occur: Mapping[str, _Values]
    size: int


class Boxes:
    """Puts situations into boxes.

    Args:
        schema: What can be asked.
        situations: All there are to tell apart.
    """

    def __init__(self, schema: InputSchema, situations: Sequence[Facts]) -> None:
        self._situations = situations
        self._kinds: dict[str, tuple[Kind, list[int]]] = {kind.title: (kind, []) for kind in schema.kinds}
        for n, facts in enumerate(situations):
            kind = schema.kind_of(facts)
            if kind:
                self._kinds[kind.title][1].append(n)
        self._everything = _everything(schema)

    def of(self, those: AbstractSet[int], either: AbstractSet[int] = frozenset()) -> list[Box]:
        """Those situations in boxes that have none of the others.

        Args:
            those: Which, by their place among all.
            either: Which may be in the boxes too, though they do not count.
        """
        leaves: list[_Leaf] = []
        for kind, places in self._kinds.values():
            if not those.isdisjoint(places):
                rows = [(self._situations[n], n in those) for n in places if n in those or n not in either]
                leaves += _of_kind(kind, rows)
        return [Box(_without(leaf.facts, self._everything), leaf.size) for leaf in _joined(leaves)]


def _of_kind(kind: Kind, rows: Sequence[tuple[Facts, bool]]) -> Iterator[_Leaf]:
    about = {fact: kind.facts[fact] for fact in _ABOUT if fact in kind.facts}
    if len(about["action"]) > _FEW_ACTIONS:
        del about["action"]
    around = _around(kind, rows)
    within = [(facts, is_so) for facts, is_so in rows if all(facts[fact] in around[fact] for fact in around)]
    matter = {fact: kind.facts[fact] for fact in _that_matter(within, _in_order(kind))}
    distinct = {tuple(facts[fact] for fact in matter): is_so for facts, is_so in within}
    holds = [(dict(zip(matter, values, strict=True)), is_so) for values, is_so in distinct.items()]
    for leaf in tree.leaves(tree.grow(holds, matter)):
        those = [facts for facts, is_so in within if is_so and all(facts[fact] in leaf[fact] for fact in leaf)]
        occur = _occurring(kind, those)
        yield _Leaf({**about, **{fact: occur[fact] for fact in {**around, **leaf}}}, occur, len(those))


def _around(kind: Kind, rows: Sequence[tuple[Facts, bool]]) -> dict[str, _Values]:
    """The smallest box around those that are so, without the facts that follow from others."""
    occurring = _occurring(kind, [facts for facts, is_so in rows if is_so])
    around = {fact: occurring[fact] for fact in _in_order(kind) if len(occurring[fact]) < len(kind.facts[fact])}
    keeps_out = {frozenset(fact for fact in around if facts[fact] not in around[fact]) for facts, _ in rows}
    keeps_out.discard(frozenset())
    for fact in reversed(list(around)):
        if all(facts != {fact} for facts in keeps_out):
            keeps_out = {facts - {fact} for facts in keeps_out}
            del around[fact]
    return around


def _occurring(kind: Kind, those: Sequence[Facts]) -> dict[str, _Values]:
    found = {fact: {facts[fact] for facts in those} for fact in kind.facts}
    return {fact: tuple(value for value in values if value in found[fact]) for fact, values in kind.facts.items()}


def _in_order(kind: Kind) -> list[str]:
    middle = [fact for fact in kind.facts if fact not in {*_FIRST, *_LAST}]
    return [fact for fact in (*_FIRST, *middle, *_LAST) if fact in kind.facts]


def _that_matter(situations: Sequence[tuple[Facts, bool]], names: Sequence[str]) -> list[str]:
    """The facts that tell those that are so from the others; of two that would do, the first."""
    matter = list(names)
    rows = {tuple(facts[name] for name in names): is_so for facts, is_so in situations}
    for name in reversed(names):
        at = matter.index(name)
        without: dict[_Values, bool] = {}
        if all(without.setdefault(row[:at] + row[at + 1 :], is_so) == is_so for row, is_so in rows.items()):
            rows = without
            matter.remove(name)
    return matter


def _joined(leaves: Sequence[_Leaf]) -> list[_Leaf]:
    """The same with those made one that differ in the values of one fact, such as in the kind of subscription."""
    joined: list[_Leaf] = []
    for leaf in leaves:
        for n, other in enumerate(joined):
            both = _both(other, leaf)
            if both:
                joined[n] = both
                break
        else:
            joined.append(leaf)
    return joined if len(joined) == len(leaves) else _joined(joined)


def _both(one: _Leaf, other: _Leaf) -> _Leaf | None:
    facts = {**one.facts, **other.facts}
    if not (facts.keys() <= one.occur.keys() and facts.keys() <= other.occur.keys()):
        return None
    # What a leaf does not say of a fact is what its situations have.
    differ = [fact for fact in facts if _values(one, fact) != _values(other, fact)]
    if len(differ) != 1:
        return None
    [fact] = differ
    occur = {name: _union(one.occur.get(name, ()), other.occur.get(name, ())) for name in {**one.occur, **other.occur}}
    return _Leaf({**facts, fact: _union(_values(one, fact), _values(other, fact))}, occur, one.size + other.size)


def _values(leaf: _Leaf, fact: str) -> _Values:
    return leaf.facts.get(fact, leaf.occur[fact])


def _union(one: _Values, other: _Values) -> _Values:
    return (*one, *(value for value in other if value not in one))


def _everything(schema: InputSchema) -> dict[str, set[Value]]:
    """The values that each fact can have, whatever the question."""
    known: dict[str, set[Value]] = {}
    for kind in schema.kinds:
        for fact, values in kind.facts.items():
            known.setdefault(fact, set()).update(values)
    return known


def _without(facts: Mapping[str, _Values], everything: Mapping[str, set[Value]]) -> dict[str, _Values]:
    return {fact: values for fact, values in facts.items() if set(values) != everything[fact]}
