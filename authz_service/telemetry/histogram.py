"""Durations, counted by how long they are."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Histogram:
    """Counts durations in seconds.

    What is observed is appended to a list, which is the cheapest thing that threads may do at the same time, and is
    counted when it is settled.

    Attributes:
        bounds: The upper bounds of the buckets, each within its bucket; a further bucket has what is longer.
        buckets: How many there are in each.
        total: Their sum.
        observe: Takes a duration, from any thread.
    """

    __slots__ = ("_seen", "bounds", "buckets", "observe", "total")

    def __init__(self, bounds: Sequence[float], buckets: Sequence[int] = (), total: float = 0.0) -> None:
        self.bounds = tuple(bounds)
        self.buckets = list(buckets) or [0] * (len(self.bounds) + 1)
        self.total = total
        self._seen: list[float] = []
        self.observe = self._seen.append

    def settle(self) -> bool:
        """Counts what has been taken, in one thread at a time; whether there was any."""
        seen = drained(self._seen)
        # Sorted, one look for each bound is enough.
        seen.sort()
        below = 0
        for bucket, bound in enumerate(self.bounds):
            up_to = bisect_right(seen, bound, below)
            self.buckets[bucket] += up_to - below
            below = up_to
        self.buckets[-1] += len(seen) - below
        self.total += sum(seen)
        return bool(seen)

    def plus(self, other: "Histogram") -> "Histogram":
        """Both, of the same bounds."""
        buckets = [mine + others for mine, others in zip(self.buckets, other.buckets, strict=True)]
        return Histogram(self.bounds, buckets, self.total + other.total)


def drained(noted: list[T]) -> list[T]:
    """What is in the list, which is taken out of it; other threads may append meanwhile."""
    taken = noted[:]
    del noted[: len(taken)]
    return taken
