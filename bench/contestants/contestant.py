"""What a contestant is: how it is asked, and how its answers are read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from bench.load import Load

_T = TypeVar("_T")

SINGLE, HUNDRED, THOUSAND, SEARCH = "single", "batch of 100", "batch of 1,000", "search"
SIZES = {SINGLE: 1, HUNDRED: 100, THOUSAND: 1_000, SEARCH: 1}
# What is under way when the time is up has cost CPU and is not counted, so few ask much at once.
CALLERS = {SINGLE: 16, HUNDRED: 4, THOUSAND: 2, SEARCH: 16}

Permits = Callable[[Mapping[str, Any]], list[bool]]


class Way(NamedTuple):
    """One way to ask.

    Attributes:
        path: Where it is posted.
        bodies: Of all questions, in their order.
        permits: Reads an answer: whether each question of a body is permitted. None where it is not about questions.
    """

    path: str
    bodies: Sequence[object]
    permits: Permits | None


class Contestant(NamedTuple):
    """A running program that answers the questions.

    Attributes:
        key: What it is called in the results.
        name: What it is called in tables.
        pids: The processes that work for an answer, each with all below it.
        database_pids: The database server among them, which is measured by itself.
        ways: How it is asked, by what is measured: `single`, `batch of 100` and so on.
    """

    key: str
    name: str
    url: str
    headers: Mapping[str, str]
    pids: tuple[int, ...]
    ways: Mapping[str, Way]
    database_pids: tuple[int, ...] = ()

    def load(self, kind: str) -> Load:
        way = self.ways[kind]
        return Load(self.name, self.url, way.path, self.headers, way.bodies, self.pids, self.database_pids)


def in_batches(values: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    return (values[start : start + size] for start in range(0, len(values), size))
