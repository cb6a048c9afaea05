"""This service, which looks the facts up by itself."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bench.contestants.authzen import authzen_ways
from bench.contestants.contestant import HUNDRED, SEARCH, THOUSAND, Contestant, Way
from bench.service import running

# A search is sent to one path for each kind; wrk has one path a run, so it is the one that pages ask most.
_SEARCH_PATH = "/access/v1/search/resource"


@contextmanager
def ours(
    key: str,
    name: str,
    questions: Sequence[Mapping[str, Any]],
    database_url: str,
    settings: Mapping[str, str],
    database_pids: tuple[int, ...] = (),
) -> Iterator[Contestant]:
    ways = {
        **authzen_ways(questions, HUNDRED, THOUSAND),
        SEARCH: Way(_SEARCH_PATH, list(map(search, questions)), None),
    }
    with running(database_url, settings) as service:
        headers = {"Authorization": f"Bearer {service.token}"}
        yield Contestant(key, name, service.url, headers, (service.pid,), ways, database_pids)


def search(question: Mapping[str, Any]) -> dict[str, object]:
    """With what may the person of a question do that?"""
    return {**question, "resource": {"type": question["resource"]["type"]}}
