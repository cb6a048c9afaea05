"""Whether each situation is allowed, a byte each: so small that it can be kept where the situations cannot."""

from itertools import product
from typing import NamedTuple

from authz_service.policy.situations import Facts, InputSchema, Kind
from authz_service.policy.table import Table

_CANNOT_OCCUR = 2


class Allowed(NamedTuple):
    """The answers to one kind of question.

    Attributes:
        kind: The kind.
        said: A byte for each combination of the values of its facts, in the order of the schema.
    """

    kind: Kind
    said: bytes

    def of(self, facts: Facts) -> bool | None:
        """Whether these facts are allowed; None where they cannot occur together."""
        number = 0
        for fact, values in self.kind.facts.items():
            number = number * len(values) + values.index(facts[fact])
        return _answer(self.said[number])

    def with_these(self, facts: Facts) -> set[bool]:
        """The answers to all situations of this kind that have these facts, whatever the others are."""
        numbers = [0]
        step = len(self.said)
        for fact, values in self.kind.facts.items():
            step //= len(values)
            steps = [step * n for n, value in enumerate(values) if fact not in facts or facts[fact] == value]
            numbers = [number + more for number in numbers for more in steps]
        said = set(map(self.said.__getitem__, numbers))
        return {answer for each in said if (answer := _answer(each)) is not None}


def allowed(schema: InputSchema, table: Table) -> tuple[Allowed, ...]:
    """The answers of a table, kind by kind in the order of the schema."""
    judged = zip(table.situations, table.outcomes, strict=True)
    facts, outcome = next(judged, (None, None))
    found = []
    for kind in schema.kinds:
        said = bytearray()
        for values in product(*kind.facts.values()):
            if outcome and facts == dict(zip(kind.facts, values, strict=True)):
                said.append(outcome.allow)
                facts, outcome = next(judged, (None, None))
            else:
                said.append(_CANNOT_OCCUR)
        found.append(Allowed(kind, bytes(said)))
    return tuple(found)


def _answer(said: int) -> bool | None:
    return None if said == _CANNOT_OCCUR else bool(said)
