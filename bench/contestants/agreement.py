"""Whether all contestants answer the same: a fast wrong answer is worth nothing."""

from collections.abc import Iterator, Sequence
from itertools import islice

import requests

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
            differing = [n for n, pair in enumerate(zip(wanted, said, strict=True)) if pair[0] != pair[1]]
            if differing:
                shown = "\n".join(f"  {questions[n]}: {first.name} says {wanted[n]}" for n in differing[:_SHOWN])
                raise SystemExit(
                    f"✗ {contestant.name}, {kind}: {len(differing)} of {len(wanted)} answers differ:\n{shown}"
                )
    return wanted


def _answers(contestant: Contestant, kind: str) -> Iterator[bool]:
    way = contestant.ways[kind]
    if way.permits is None:
        return
    with requests.Session() as session:
        for body in way.bodies:
            answer = session.post(f"{contestant.url}{way.path}", json=body, headers=contestant.headers, timeout=30)
            if not answer.ok:
                raise SystemExit(f"✗ {contestant.name}, {kind}: HTTP {answer.status_code}: {answer.text[:500]}")
            yield from way.permits(answer.json())
