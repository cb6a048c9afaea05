"""What would turn an answer: the smallest changes of facts that give the other one."""

from collections.abc import Iterator
from itertools import combinations, product
from typing import TypeAlias

from authz_service.policy.allowed import Allowed
from authz_service.policy.sentences import Several
from authz_service.policy.situations import Facts, Kind, Value

_KEPT = ("action", "resource")
_MOST_FACTS = 3

_Change: TypeAlias = dict[str, Value]
_Changes: TypeAlias = dict[str, tuple[Value, ...]]


def smallest_changes(answers: Allowed, facts: Facts) -> list[Several]:
    """The changes of up to three facts that turn the answer, those of fewest facts first.

    None changes more than it has to: without any of its facts it would not turn the answer. The kind of question, the
    action and the resource stay as they are. Changes that differ in the value of one fact alone are told as one.

    Args:
        answers: Those to this kind of question.
        facts: One of them.
    """
    allow = answers.of(facts)
    needed: list[_Change] = []
    for change in _changes(answers.kind, facts):
        if any(smaller.items() <= change.items() for smaller in needed):
            continue
        # What cannot occur has no answer.
        if answers.of({**facts, **change}) == (not allow):
            needed.append(change)
    return sorted(_joined(needed), key=len)


def is_fixed(answers: Allowed, facts: Facts) -> bool:
    """Whether no change of facts at all turns the answer, while question, action and resource stay as they are."""
    return len(answers.with_these({fact: facts[fact] for fact in _KEPT})) == 1


def _changes(kind: Kind, facts: Facts) -> Iterator[_Change]:
    others = {
        fact: [value for value in values if value != facts[fact]]
        for fact, values in kind.facts.items()
        if fact not in _KEPT
    }
    for count in range(1, _MOST_FACTS + 1):
        for names in combinations(others, count):
            for values in product(*(others[name] for name in names)):
                yield dict(zip(names, values, strict=True))


def _joined(changes: list[_Change]) -> list[_Changes]:
    """The same, with those made one that differ in the value of one fact alone."""
    joined: list[_Changes] = [{fact: (value,) for fact, value in change.items()} for change in changes]
    while pair := next((pair for pair in combinations(joined, 2) if _differ(*pair)), None):
        one, other = pair
        [fact] = _differ(one, other)
        one[fact] = (*one[fact], *other[fact])
        joined = [change for change in joined if change is not other]
    return joined


def _differ(one: _Changes, other: _Changes) -> list[str]:
    """The one fact in which two changes of the same facts differ; nothing where there is more to it."""
    differ = [fact for fact in one if one[fact] != other.get(fact)]
    return differ if one.keys() == other.keys() and len(differ) == 1 else []
