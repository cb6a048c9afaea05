"""What tells some situations from the others, in few words: what has to hold together, each with its alternatives."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import TypeAlias

from authz_service.policy import tree
from authz_service.policy.sentences import Phrases, Several
from authz_service.policy.situations import Facts, Value

Alternatives: TypeAlias = tuple[Several, ...]
"""Any one of them has to hold; a fact that is left out may have any value."""

Together: TypeAlias = tuple[Alternatives, ...]
"""Each of them has to hold."""

_Rows: TypeAlias = dict[tuple[Value, ...], bool]

NOT_STATED = ""


def condition_of(situations: Sequence[tuple[Facts, bool]], names: Mapping[str, Alternatives]) -> Together:
    """What tells the situations that are so from the others.

    Args:
        situations: Each with whether it is so; those that cannot occur are not among them.
        names: What conditions are called. In the result, a name is a fact that is true where its condition holds.
    """
    # What tells most comes first, as what comes last is tried first whether it can be left out.
    stated_at_all = dict.fromkeys(fact for stated, _ in situations for fact in stated)
    called = {name: boxes for name, boxes in names.items() if _is_about(situations, boxes)}
    rows: _Rows = {}
    for stated, is_so in situations:
        by_name = (any(matches(stated, box) for box in boxes) for boxes in called.values())
        rows[*by_name, *(stated.get(fact, NOT_STATED) for fact in stated_at_all)] = is_so
    facts = [*called, *stated_at_all]
    return tuple(_alternatives(part, of_part) for part, of_part in _parts(*_that_matter(facts, rows)))


def matches(facts: Facts, box: Several) -> bool:
    return all(facts.get(fact, NOT_STATED) in values for fact, values in box.items())


def told(condition: Together, phrases: Phrases) -> str:
    """A condition in words: "own mobile on the bill or activation code; not in the app"."""
    # What has most alternatives distinguishes most.
    parts = sorted(condition, key=len, reverse=True)
    return "; ".join(_either([_box_told(box, phrases) for box in boxes]) for boxes in parts)


def _is_about(situations: Sequence[tuple[Facts, bool]], boxes: Alternatives) -> bool:
    """Whether the facts of a named condition are stated: elsewhere it would be the name of something else."""
    facts = {fact for box in boxes for fact in box}
    return all(facts <= stated.keys() for stated, _ in situations)


def _that_matter(facts: Sequence[str], rows: _Rows) -> tuple[list[str], _Rows]:
    """Without the facts that are not needed to tell what is so."""
    matter = list(facts)
    for fact in reversed(facts):
        others = [n for n, other in enumerate(matter) if other != fact]
        without: _Rows = {}
        if all(without.setdefault(tuple(row[n] for n in others), is_so) == is_so for row, is_so in rows.items()):
            rows = without
            matter.remove(fact)
    return matter, rows


def _parts(facts: Sequence[str], rows: _Rows) -> Iterator[tuple[Sequence[str], _Rows]]:
    """What has to hold, in parts about facts that do not depend on those of another part."""
    for size in range(1, len(facts) // 2 + 1):
        for some in combinations(range(len(facts)), size):
            others = tuple(n for n in range(len(facts)) if n not in some)
            part, rest = _projected(rows, some), _projected(rows, others)
            if all(
                is_so == (part[tuple(row[n] for n in some)] and rest[tuple(row[n] for n in others)])
                for row, is_so in rows.items()
            ):
                yield [facts[n] for n in some], part
                yield from _parts([facts[n] for n in others], rest)
                return
    yield facts, rows


def _projected(rows: _Rows, places: tuple[int, ...]) -> _Rows:
    projected: _Rows = {}
    for row, is_so in rows.items():
        part = tuple(row[n] for n in places)
        projected[part] = projected.get(part, False) or is_so
    return projected


def _alternatives(facts: Sequence[str], rows: _Rows) -> Alternatives:
    situations = [(dict(zip(facts, row, strict=True)), is_so) for row, is_so in rows.items()]
    values = {fact: _in_order(stated[fact] for stated, _ in situations) for fact in facts}
    others = [stated for stated, is_so in situations if not is_so]
    return tuple(_widened(box, others) for box in tree.leaves(tree.grow(situations, values)))


def _in_order(values: Iterable[Value]) -> tuple[Value, ...]:
    """Each once; what is so before what is not."""
    return tuple(sorted(dict.fromkeys(values), key=lambda value: value is False))


def _widened(box: Several, others: Sequence[Facts]) -> Several:
    """Without the facts that keep none of the others out."""
    for fact in box:
        wider = {other: values for other, values in box.items() if other != fact}
        if not any(matches(stated, wider) for stated in others):
            return _widened(wider, others)
    return box


def _either(told_boxes: Sequence[str]) -> str:
    return (", or " if any(" and " in box for box in told_boxes) else " or ").join(told_boxes)


def _box_told(box: Several, phrases: Phrases) -> str:
    return " and ".join(_fact_told(fact, values, phrases) for fact, values in box.items())


def _fact_told(fact: str, values: Sequence[Value], phrases: Phrases) -> str:
    stated = [value for value in values if value != NOT_STATED]
    if not any(fact in of_part for of_part in phrases.parts.values()):
        return fact if values == (True,) else f"not: {fact}"
    if not stated:
        return f"where {fact} does not apply"
    said = " or ".join(phrases.of(fact, value) or f"{fact} {value}" for value in stated)
    return said if len(stated) == len(values) else f"{said} where that applies"
