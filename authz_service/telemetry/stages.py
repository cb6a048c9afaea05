"""How long the stages of a decision take."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import cycle

from authz_service.telemetry.tally import Tally

STAGE_SECONDS = "authz_stage_seconds"
BOUNDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5)
"""From an answer that is remembered to one for which a disk or an OPA that restarts is waited for."""

Observe = Callable[[float], None]


class Stage(StrEnum):
    """What a decision takes time for: the facts, the answer, its entry in the journal; and all of it, with HTTP."""

    FACTS = "facts"
    ANSWER = "answer"
    JOURNAL = "journal"
    WHOLE = "whole"


def of_every_few() -> Iterator[bool]:
    """True for the first of every eight: the clock is looked at so seldom as a look costs what all the rest does."""
    return cycle([True, *[False] * 7])


def stage_times(tally: Tally, stage: Stage) -> tuple[Observe, Observe]:
    """What takes the seconds of a stage: of several questions at once, and of a single one."""
    several, one = (
        tally.histogram(BOUNDS, STAGE_SECONDS, stage, questions).observe for questions in ("several", "one")
    )
    return several, one
