"""The questions of `bench.scaling`, and services that are asked them."""

import random
from collections.abc import Iterator, Mapping, Sequence

from bench.load import Load
from bench.service import Running
from bench.world import question

PATH = "/access/v1/evaluation"


def spread(customers: int, members: int, number: int, seed: int) -> list[dict[str, object]]:
    """So many questions about customers picked at random, others with another seed: hardly one is asked of again."""
    chosen = random.Random(seed)
    return [question(chosen, chosen.randrange(customers), members) for _ in range(number)]


def about_one(place: int, members: int, number: int, seed: int) -> list[dict[str, object]]:
    """So many questions about one customer number."""
    chosen = random.Random(seed)
    return [question(chosen, place, members) for _ in range(number)]


def load_of(name: str, service: Running, bodies: Sequence[object], database_pids: tuple[int, ...]) -> Load:
    return Load(name, service.url, PATH, authorization(service), bodies, (service.pid,), database_pids)


def authorization(service: Running) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {service.token}"}


def seeds(first: int = 1) -> Iterator[int]:
    """A seed for each turn."""
    while True:
        yield first
        first += 1
