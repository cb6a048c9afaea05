"""Whether all contestants answer the same: a fast wrong answer is worth nothing."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from itertools import islice

import urllib3

from bench.contestants.contestant import Contestant

_QUESTIONS = 2_000
_SHOWN = 3


def check_agreement(contestants: Sequence[Contestant], questions: Sequence[object]) -> list[bool]:
    """Asks all the same questions, in every way in which they are asked, and returns the answers.

    Raises:
        SystemExit: One answers otherwise than the first.
    """
    first, *_ = contestants
    wanted = list(islice(_answers(first, next(iter(first.ways))), _QUESTIONS))
    for contestant in contestants:
        for kind, way in contestant.ways.items():
            if way.permits is None:
                continue
            said = list(islice(_answers(contestant, kind), _QUESTIONS))
            if said != wanted:
                raise SystemExit(_difference(f"{contestant.name}, {kind}", wanted, said, questions))
    return wanted


def _difference(who: str, wanted: Sequence[bool], said: Sequence[bool], questions: Sequence[object]) -> str:
    if len(said) != len(wanted):
        return f"✗ {who}: {len(said)} answers to {len(wanted)} questions"
    others = [n for n, pair in enumerate(zip(wanted, said, strict=True)) if pair[0] != pair[1]]
    shown = "\n".join(f"  {questions[n]}: has to be {wanted[n]}" for n in others[:_SHOWN])
    return f"✗ {who}: {len(others)} of {len(wanted)} answers are others:\n{shown}"


def _answers(contestant: Contestant, kind: str) -> Iterator[bool]:
    way = contestant.ways[kind]
    if way.permits is None:
        return
    with urllib3.connection_from_url(contestant.url) as connection:
        for body in way.bodies:
            answer = connection.request("POST", way.path, json=body, headers=contestant.headers)
            if answer.status != HTTPStatus.OK:
                raise SystemExit(f"✗ {contestant.name}, {kind}: HTTP {answer.status}: {answer.data[:500]!r}")
            yield from way.permits(answer.json())
