"""Decides, and keeps what is decided: for callers who come at the same time together, where that saves waiting."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple, TypeAlias

from authz_service.decision.decisions import Decided, Decisions
from authz_service.errors import Unavailable
from authz_service.ids import new_id
from authz_service.journal.entries import Origin
from authz_service.journal.journal import Journal
from authz_service.questions import Question

# So long the next round waits for the one before: beyond it, waiting costs more than what it saves.
_PATIENCE_SECONDS = 0.005
# What fails later than that fails for everybody, and is not tried again.
_SOON_SECONDS = 0.5

OriginOf: TypeAlias = Callable[[str], Origin]
"""Who asks, by the id of what is decided: as a rule that is the id of the request, too."""


class _Call(NamedTuple):
    """A single question of a caller."""

    origin_of: OriginOf
    question: Question


@dataclass(slots=True)
class _Round:
    """Calls that are decided together.

    Attributes:
        decided: Of each its id and its decision, kept; None where the engine is needed. Empty where nothing came of it.
        error: Why nothing came of it, where nobody is to try by itself.
        done: Held until it is over; who waits takes it and gives it back.
    """

    calls: list[_Call] = field(default_factory=list)
    decided: "Sequence[tuple[str, Decided] | None]" = ()
    error: Unavailable | None = None
    done: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.done.acquire()


class Deciding:
    """Decides for callers. What it returns is kept, as durably as is set.

    In rounds, a caller with a single question who comes while others are decided for is in the next round. The first
    one in it leads: it reads the facts of all in one go and has their entries written in one go, while the others wait.
    A round is given remembered answers alone, so that nobody waits for an engine that another one needs.

    Args:
        decisions: Decides.
        journal: Keeps.
        in_rounds: Whether it does so in rounds, which is worth it where a database server or a disk is waited for.

    Attributes:
        faults: What is wrong with a question, as `Decisions` has it.
    """

    def __init__(self, decisions: Decisions, journal: Journal, *, in_rounds: bool) -> None:
        self._decisions = decisions
        self._journal = journal
        self._is_in_rounds = in_rounds
        self._gathering = _Round()
        self._state = threading.Lock()
        self._turn = threading.Lock()
        self.faults = decisions.faults

    def one(self, origin_of: OriginOf, question: Question) -> tuple[str, Decided]:
        """The decision about a single question, and its id.

        Raises:
            Unavailable: The facts cannot be read, the engine does not answer, or the journal cannot be written.
        """
        kept = self._in_round(_Call(origin_of, question)) if self._is_in_rounds else None
        if kept is None:
            [decided] = self._decisions.decide([question])
            # Once it is decided, as the order of ids is that of what has happened.
            decision_id = new_id()
            self._journal.decided(decision_id, origin_of(decision_id), decided)
            kept = decision_id, decided
        return kept

    def several(self, origin_of: OriginOf, questions: Sequence[Question]) -> tuple[str, list[Decided]]:
        """One decision a question of a call of several, in order, and the id of the call.

        Raises:
            Unavailable: The facts cannot be read, the engine does not answer, or the journal cannot be written.
        """
        decided = self._decisions.decide(questions)
        decision_id = new_id()
        self._journal.decided_several(decision_id, origin_of(decision_id), list(enumerate(decided)))
        return decision_id, decided

    def _in_round(self, call: _Call) -> tuple[str, Decided] | None:
        with self._state:
            own = self._gathering
            place = len(own.calls)
            own.calls.append(call)
        if place == 0:
            self._lead(own)
        else:
            with own.done:
                pass
        if own.error:
            raise own.error
        return own.decided[place] if own.decided else None

    def _lead(self, own: _Round) -> None:
        has_turn = self._turn.acquire(timeout=_PATIENCE_SECONDS)
        # From here on nobody is added to it.
        with self._state:
            self._gathering = _Round()
        try:
            # Whatever it is, each finds it out by itself: it may be the fault of one of the others.
            with suppress(Exception):
                self._go_through(own)
        finally:
            if has_turn:
                self._turn.release()
            own.done.release()

    def _go_through(self, own: _Round) -> None:
        began = monotonic()
        try:
            own.decided = self._decide(own.calls)
        except Unavailable as error:
            if monotonic() - began > _SOON_SECONDS:
                own.error = error

    def _decide(self, calls: Sequence[_Call]) -> list[tuple[str, Decided] | None]:
        decided = self._decisions.decide_remembered([call.question for call in calls])
        made = [None if each is None else (new_id(), each) for each in decided]
        self._journal.decided_together(
            [(one[0], call.origin_of(one[0]), one[1]) for call, one in zip(calls, made, strict=True) if one]
        )
        return made
