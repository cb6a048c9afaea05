"""Decides, and keeps what is decided: for callers who come at the same time together, where that saves waiting."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple

from authz_service.decision.decisions import Decided, Decisions
from authz_service.journal.entries import Origin
from authz_service.journal.journal import Journal
from authz_service.questions import Question

# So long the next round waits for the one before: beyond it, waiting costs more than what it saves.
_PATIENCE_SECONDS = 0.005
# What fails later than that fails for everybody, and is not tried again.
_SOON_SECONDS = 0.5


class _Call(NamedTuple):
    """A single question of a caller."""

    decision_id: str
    origin: Origin
    question: Question


@dataclass(slots=True)
class _Round:
    """Calls that are decided together.

    Attributes:
        decided: A decision each, kept, or None where the engine has to be asked; empty where nothing came of it.
        error: Why nothing came of it, where nobody is to try by itself.
        done: Held until it is over; who waits takes it and gives it back.
    """

    calls: list[_Call] = field(default_factory=list)
    decided: Sequence[Decided | None] = ()
    error: Exception | None = None
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
    """

    def __init__(self, decisions: Decisions, journal: Journal, *, in_rounds: bool) -> None:
        self._decisions = decisions
        self._journal = journal
        self._is_in_rounds = in_rounds
        self._gathering = _Round()
        self._state = threading.Lock()
        self._turn = threading.Lock()
        self.faults = decisions.faults

    def one(self, decision_id: str, origin: Origin, question: Question) -> Decided:
        """The decision about a single question.

        Raises:
            Unavailable: The facts cannot be read, the engine does not answer, or the journal cannot be written.
        """
        decided = self._in_round(_Call(decision_id, origin, question)) if self._is_in_rounds else None
        if decided is None:
            [decided] = self._decisions.decide([question])
            self._journal.decided(decision_id, origin, [(None, decided)])
        return decided

    def several(self, decision_id: str, origin: Origin, questions: Sequence[Question]) -> list[Decided]:
        """One decision a question of a call of several, in order.

        Raises:
            Unavailable: The facts cannot be read, the engine does not answer, or the journal cannot be written.
        """
        decided = self._decisions.decide(questions)
        self._journal.decided(decision_id, origin, list(enumerate(decided)))
        return decided

    def _in_round(self, call: _Call) -> Decided | None:
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
        began = monotonic()
        try:
            own.decided = self._decide(own.calls)
        except Exception as error:  # noqa: BLE001 - whoever is in the round raises it, or finds out by itself
            # What fails soon may be the fault of one of them, and is no reason for the others.
            if monotonic() - began > _SOON_SECONDS:
                own.error = error
        finally:
            if has_turn:
                self._turn.release()
            own.done.release()

    def _decide(self, calls: Sequence[_Call]) -> Sequence[Decided | None]:
        decided = self._decisions.decide_remembered([call.question for call in calls])
        self._journal.decided_together(
            [(call.decision_id, call.origin, each) for call, each in zip(calls, decided, strict=True) if each]
        )
        return decided
