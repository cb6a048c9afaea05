"""A row of numbers as a line that is taken in at a glance."""

from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 240, 40
_STROKE = 1.5


class Sparkline(NamedTuple):
    """A line for an SVG of `WIDTH` by `HEIGHT`.

    Attributes:
        points: Where it goes, as SVG has it.
        total: The sum of the numbers.
        most: The largest.
        last: The last.
    """

    points: str
    total: int
    most: int
    last: int


def sparkline(numbers: Sequence[int]) -> Sparkline:
    """The line of at least two numbers, none of them negative."""
    most = max(numbers)
    step = WIDTH / (len(numbers) - 1)
    height = HEIGHT - 2 * _STROKE
    points = " ".join(
        f"{place * step:.1f},{HEIGHT - _STROKE - height * number / (most or 1):.1f}"
        for place, number in enumerate(numbers)
    )
    return Sparkline(points, sum(numbers), most, numbers[-1])
