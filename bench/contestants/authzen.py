"""The two ways to ask whoever speaks AuthZEN: one question, or many in a request."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.contestants.contestant import SINGLE, SIZES, Way, in_batches


def authzen_ways(evaluations: Sequence[object], *batches: str) -> dict[str, Way]:
    """`single`, and these batches."""
    single = Way("/access/v1/evaluation", evaluations, _permit)
    return {SINGLE: single, **{kind: _batch(evaluations, SIZES[kind]) for kind in batches}}


def _batch(evaluations: Sequence[object], size: int) -> Way:
    bodies = [{"evaluations": list(some)} for some in in_batches(evaluations, size)]
    return Way("/access/v1/evaluations", bodies, _permits)


def _permit(answer: Mapping[str, Any]) -> list[bool]:
    return [answer["decision"]]


def _permits(answer: Mapping[str, Any]) -> list[bool]:
    return [each["decision"] for each in answer["evaluations"]]
