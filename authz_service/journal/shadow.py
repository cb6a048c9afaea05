"""A shadow policy: it answers beside the policy in force, without effect, and what it answers differently is kept."""

import threading
from collections import Counter, deque

import structlog

from authz_service.decision.memory import AnswerMemory, Decision
from authz_service.decision.protocols import PolicyEngine
from authz_service.errors import Unavailable
from authz_service.journal.journal import Journal
from authz_service.questions import Answer

log = structlog.get_logger()

EVERY_SECONDS = 0.5
_STALE_SECONDS = 60.0
_MOST_WAITING = 100_000


class Shadow:
    """Has a second policy answer what the first has answered; decisions do not wait for it.

    Args:
        engine: The engine of the shadow policy.
        journal: Where the differences are kept.
    """

    def __init__(self, engine: PolicyEngine, journal: Journal) -> None:
        self._memory = AnswerMemory(engine, lambda *_: b"", _STALE_SECONDS, event="shadow_policy.answers")
        self._journal = journal
        self._noted: deque[Decision] = deque()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shadow-policy", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Compares what there is, once more, and ends."""
        self._stopping.set()
        self._thread.join()

    def note(self, decision: Decision) -> None:
        """Has it compared, soon."""
        if len(self._noted) < _MOST_WAITING:
            self._noted.append(decision)

    def _run(self) -> None:
        is_answering, is_last = True, False
        counts: Counter[str] = Counter()
        decisions: dict[str, Decision] = {}
        while not is_last:
            is_last = self._stopping.wait(EVERY_SECONDS)
            while self._noted:
                decision = self._noted.popleft()
                counts[decision.ruling.digest] += 1
                decisions[decision.ruling.digest] = decision
            try:
                self._compare(counts, decisions)
            except Unavailable as error:
                # What is counted goes on waiting: there are no more rulings than situations.
                if is_answering:
                    log.warning("shadow_policy.unavailable", reason=error.for_operators())
                is_answering = False
            else:
                is_answering = True
                counts.clear()
                decisions.clear()

    def _compare(self, counts: Counter[str], decisions: dict[str, Decision]) -> None:
        # Also where there is nothing to compare, so that an edit of the shadow policy is known.
        self._memory.confirm()
        documents = [decision.document for decision in decisions.values()]
        if not documents:
            return
        answers = self._memory.decide(documents, [digest.encode() for digest in decisions])
        for (digest, decision), shadow in zip(decisions.items(), answers, strict=True):
            if _said(decision.answer) != _said(shadow.answer):
                self._journal.shadowed(decision.ruling, shadow.ruling, counts[digest])


def _said(answer: Answer) -> tuple[object, ...]:
    """The answer without its sentences."""
    codes = sorted(reason.code for reason in answer.reasons)
    return answer.allow, codes, answer.route, answer.requires, answer.effects
