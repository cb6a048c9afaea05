"""Proves of a pattern that no text takes long with it.

The pattern is made into positions, one for each character that it names (Glushkov's automaton). Where no two positions
that may come next take the same character, there is one way to go on at each character of a text, so that nothing is
ever tried again and the time grows with the text alone.
"""

import re
from collections.abc import Iterable, Iterator
from functools import reduce
from re import _constants as codes
from re import _parser as parser
from typing import Any, NamedTuple

# Enough to tell classes of characters apart.
_CHARACTERS = [*map(chr, range(0x250)), "\u2003", "\u2028", "\u3000", "\u4e00", "\U0001f600"]
_MOST_COPIES = 64


class _Shape(NamedTuple):
    """Attributes: `first` and `last`, the positions that it can begin and end with."""

    may_be_empty: bool
    first: frozenset[int]
    last: frozenset[int]


_NOTHING = _Shape(may_be_empty=True, first=frozenset(), last=frozenset())


def ways_that_cross(pattern: re.Pattern[Any]) -> list[str]:
    """Characters at which there is more than one way to go on; empty where the pattern is proven.

    Raises:
        NotImplementedError: It has something that this cannot judge.
    """
    automaton = _Automaton(pattern.flags & re.ASCII or isinstance(pattern.pattern, bytes))
    whole = automaton.sequence(parser.parse(pattern.pattern, pattern.flags))
    crossings = {crossing for heads in (whole.first, *automaton.follow) for crossing in automaton.crossings(heads)}
    return sorted(crossings | automaton.twice)


class _Automaton:
    def __init__(self, is_ascii: object) -> None:
        self._flags = re.ASCII if is_ascii else re.NOFLAG
        self._takes: list[frozenset[str]] = []
        self.follow: list[set[int]] = []
        self.twice: set[str] = set()
        """What can be come to in two ways though it is one position, as by a loop within a loop."""

    def crossings(self, heads: Iterable[int]) -> Iterator[str]:
        seen: set[str] = set()
        for position in heads:
            yield from seen & self._takes[position]
            seen |= self._takes[position]

    def sequence(self, nodes: Iterable[tuple[Any, Any]]) -> _Shape:
        return reduce(self._then, (self._shape(*node) for node in nodes), _NOTHING)

    def _then(self, one: _Shape, other: _Shape) -> _Shape:
        self._link(one.last, other.first)
        return _Shape(
            one.may_be_empty and other.may_be_empty,
            one.first | other.first if one.may_be_empty else one.first,
            one.last | other.last if other.may_be_empty else other.last,
        )

    def _link(self, ends: Iterable[int], heads: frozenset[int]) -> None:
        for position in ends:
            for head in self.follow[position] & heads:
                self.twice |= self._takes[head]
            self.follow[position] |= heads

    def _shape(self, code: Any, value: Any) -> _Shape:  # noqa: ANN401 - as the parser has it
        if code in {codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN}:
            return self._position(code, value)
        if code is codes.AT:
            return _NOTHING
        if code is codes.SUBPATTERN:
            return self.sequence(value[-1])
        if code is codes.BRANCH:
            shapes = [self.sequence(branch) for branch in value[1]]
            if sum(shape.may_be_empty for shape in shapes) > 1:
                self.twice.add("")
            return _Shape(
                any(shape.may_be_empty for shape in shapes),
                frozenset().union(*(shape.first for shape in shapes)),
                frozenset().union(*(shape.last for shape in shapes)),
            )
        if code in {codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT}:
            return self._repeated(*value)
        raise NotImplementedError(str(code))

    def _repeated(self, least: int, most: int, nodes: Any) -> _Shape:  # noqa: ANN401 - as the parser has it
        if least == most <= _MOST_COPIES:
            return reduce(self._then, (self.sequence(nodes) for _ in range(least)), _NOTHING)
        shape = self.sequence(nodes)
        if most > 1:
            self._link(shape.last, shape.first)
        return shape._replace(may_be_empty=shape.may_be_empty or least == 0)

    def _position(self, code: Any, value: Any) -> _Shape:  # noqa: ANN401 - as the parser has it
        self._takes.append(frozenset(filter(lambda c: self._does_take(code, value, c), _CHARACTERS)))
        self.follow.append(set())
        here = frozenset({len(self._takes) - 1})
        return _Shape(may_be_empty=False, first=here, last=here)

    def _does_take(self, code: Any, value: Any, character: str) -> bool:  # noqa: ANN401 - as the parser has it
        match code:
            case codes.ANY:
                return True
            case codes.LITERAL:
                return bool(ord(character) == value)
            case codes.NOT_LITERAL:
                return bool(ord(character) != value)
            case codes.RANGE:
                return bool(value[0] <= ord(character) <= value[1])
            case codes.CATEGORY:
                return bool(re.fullmatch(_CATEGORIES[value], character, self._flags))
            case codes.IN:
                is_negated = value[0][0] is codes.NEGATE
                items = value[1:] if is_negated else value
                return any(self._does_take(item, held, character) for item, held in items) is not is_negated
        raise NotImplementedError(str(code))


_CATEGORIES = {
    codes.CATEGORY_WORD: r"\w",
    codes.CATEGORY_NOT_WORD: r"\W",
    codes.CATEGORY_DIGIT: r"\d",
    codes.CATEGORY_NOT_DIGIT: r"\D",
    codes.CATEGORY_SPACE: r"\s",
    codes.CATEGORY_NOT_SPACE: r"\S",
}
