"""The memory of answers: an answer is a pure function of policy revision and facts, so it is asked once."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import structlog

from authz_service.decision.protocols import PolicyEngine
from authz_service.decision.rulings import ruling_of
from authz_service.errors import Unavailable
from authz_service.fingerprint import fingerprint
from authz_service.questions import Answer, Document, Ruling
from authz_service.telemetry.tally import Tally
from authz_service.watch import Watch
from authz_service.words import AnswerSource

log = structlog.get_logger()

# The watch confirms twice a second; an engine that has said nothing for so long does not answer.
_SILENT_SECONDS = 1.0
CONFIRMED_AGE, IN_FORCE_AGE = "authz_policy_confirmed_age_seconds", "authz_policy_age_seconds"
# As plain strings, which cost less to look up and to count.
_MEMORY, _STALE_MEMORY, _ENGINE = map(str, (AnswerSource.MEMORY, AnswerSource.STALE_MEMORY, AnswerSource.ENGINE))
_LOOK_EVERY_SECONDS = 0.1
# In one question, which may not take long.
_MOST_ASKED_ANEW = 1_000
# JSON has no word for "never".
_LONG_AGO_SECONDS = 1e9


class Decision(NamedTuple):
    """An answer with the revision that gave it, what it was given about, and what is made of it.

    Attributes:
        body: The response body in English.
        ruling: What the journal keeps.
    """

    allow: bool
    revision: str
    answer: Answer
    document: Document
    body: bytes
    ruling: Ruling


Render = Callable[[Document, Answer, str], bytes]
OnRevision = Callable[[str], None]


class _Table(NamedTuple):
    """The answers remembered under one revision. A new revision is a new table."""

    revision: str
    decisions: dict[bytes, Decision]


class AnswerMemory:
    """Asks the engine once a situation, and again when the policy revision changes.

    A remembered answer is given only while the revision was confirmed within the last `stale_seconds`; after
    that, and for every situation not yet asked, the engine has to answer. When another revision comes into force, the
    engine has been asked anew about what is remembered.

    Args:
        engine: Who is asked.
        render: Makes the response body of an answer.
        stale_seconds: How long a remembered answer outlives the engine; None to remember nothing.
        clock: What time it is, in seconds.
        on_revision: Is told of each revision that comes into force here.
        event: What the log calls that.
        tally: Tells how old the revision is.
    """

    def __init__(
        self,
        engine: PolicyEngine,
        render: Render,
        stale_seconds: float | None,
        clock: Callable[[], float] = time.monotonic,
        on_revision: OnRevision = lambda _: None,
        event: str = "policy.in_force",
        tally: Tally | None = None,
    ) -> None:
        self._engine = engine
        self._render = render
        self._stale_seconds = stale_seconds
        self.clock = clock
        self._on_revision = on_revision
        self._event = event
        self._table = _Table("", {})
        self._confirmed = float("-inf")
        self._in_force_since = clock()
        self._confirming = threading.Lock()
        if tally:
            tally.gauge(lambda: min(self.confirmed_age(), _LONG_AGO_SECONDS), CONFIRMED_AGE)
            tally.gauge(lambda: clock() - self._in_force_since, IN_FORCE_AGE)

    @property
    def revision(self) -> str:
        """The revision last confirmed; empty before the first answer."""
        return self._table.revision

    def decide(self, documents: Sequence[Document], keys: Sequence[bytes]) -> list[Decision]:
        """The decisions of `answers` alone."""
        decisions, _ = self.answers(documents, keys, self.clock())
        return decisions

    def answers(
        self, documents: Sequence[Document], keys: Sequence[bytes], now: float
    ) -> tuple[list[Decision], list[str]]:
        """One decision a document, all under one revision; and of each where its answer comes from, an `AnswerSource`.

        Args:
            documents: The facts of each question.
            keys: What tells the documents apart, one each.
            now: What time it is by `clock`.

        Raises:
            Unavailable: An answer is not remembered and the engine does not give it.
        """
        table, remembered, source = self._fresh(now)
        with suppress(KeyError):
            return [remembered[key] for key in keys], [source] * len(keys)
        unknown = {key: document for key, document in zip(keys, documents, strict=True) if key not in remembered}
        revision, found = self._ask(unknown)
        if revision != table.revision and not found.keys() >= set(keys):
            # What is remembered was given under another policy: one revision has to give all the answers.
            _, found = self._ask(dict(zip(keys, documents, strict=True)))
        decisions = [found[key] if key in found else remembered[key] for key in keys]
        return decisions, [_ENGINE if key in found else source for key in keys]

    def remembered(self, keys: Sequence[bytes], now: float) -> tuple[list[Decision | None], str]:
        """The decisions of `answers` that need no engine, None for each other one; and where they come from."""
        _, remembered, source = self._fresh(now)
        return [remembered.get(key) for key in keys], source

    def confirmed_age(self) -> float:
        """How many seconds ago the engine has last confirmed the revision; infinite before it has."""
        return self.clock() - self._confirmed

    def confirm(self) -> None:
        """Asks the engine for its revision, and replaces every answer given under another.

        Raises:
            Unavailable: The engine does not say.
        """
        # One at a time and begun after the lock is held, so that the later question also has the later word.
        with self._confirming:
            revision = self._engine.ask(()).revision
            confirmed = self.clock()
            if revision != self._table.revision:
                decisions = self._decide_anew(revision)
                log.info(self._event, revision=revision)
                self._on_revision(revision)
                self._table = _Table(revision, decisions)
                self._in_force_since = self.clock()
            self._confirmed = confirmed

    def _decide_anew(self, revision: str) -> dict[bytes, Decision]:
        """What was remembered last, as this revision has it; nothing where that cannot be had in one go.

        Callers would ask about it one by one otherwise, all of them as soon as it is in force, and wait for each other.
        """
        remembered = list(self._table.decisions.items())[-_MOST_ASKED_ANEW:]
        documents = [decision.document for _, decision in remembered]
        # Whatever goes wrong with one of them is for whoever asks about that.
        with suppress(Exception):
            verdict = self._engine.ask(documents) if documents else None
            if verdict and verdict.revision == revision:
                return {
                    key: self._decision(document, answer, revision)
                    for (key, _), document, answer in zip(remembered, documents, verdict.answers, strict=True)
                }
        return {}

    def _fresh(self, now: float) -> tuple[_Table, Mapping[bytes, Decision], str]:
        """What is remembered, what of it may be given, and what that is called as a source."""
        # In this order: a table read before it is confirmed could be of long ago.
        age = now - self._confirmed
        table = self._table
        source = _MEMORY if age < _SILENT_SECONDS else _STALE_MEMORY
        return table, table.decisions if self._is_fresh(age) else {}, source

    def _is_fresh(self, age: float) -> bool:
        return self._stale_seconds is not None and age <= self._stale_seconds

    def _ask(self, unknown: Mapping[bytes, Document]) -> tuple[str, dict[bytes, Decision]]:
        revision, answers = self._engine.ask(tuple(unknown.values()))
        found = {
            key: self._decision(document, answer, revision)
            for (key, document), answer in zip(unknown.items(), answers, strict=True)
        }
        if self._stale_seconds is not None:
            self._remember(revision, found)
        return revision, found

    def _decision(self, document: Document, answer: Answer, revision: str) -> Decision:
        # Facts that are not finite may be personal data, and are not kept.
        kept = None if self._stale_seconds is None else document
        ruling = ruling_of(kept, answer, revision)
        return Decision(answer.allow, revision, answer, document, self._render(document, answer, revision), ruling)

    def _remember(self, revision: str, found: Mapping[bytes, Decision]) -> None:
        if revision != self._table.revision or not self._is_fresh(self.confirmed_age()):
            self.confirm()
        table = self._table
        if table.revision == revision:
            table.decisions.update(found)


class RevisionWatch(Watch):
    """Confirms the revision again and again, so that a policy change becomes known.

    Args:
        memory: Asks the engine.
        told_in: A file that is written anew when the engine has another policy, which then is known at once; None where
            nobody tells.
        interval: How many seconds are between two questions, and up to a tenth more.
    """

    def __init__(self, memory: AnswerMemory, told_in: Path | None = None, interval: float = 0.5) -> None:
        super().__init__(self._look, interval=min(interval, _LOOK_EVERY_SECONDS), name="revision-watch")
        self._memory = memory
        self._told_in = [told_in] if told_in else []
        self._told = fingerprint([])
        self._between = interval
        self._asks_at = 0.0
        self._is_answering = True

    def _look(self) -> None:
        # To look at a file costs a hundredth of what a question does.
        told = fingerprint(self._told_in)
        if told != self._told or time.monotonic() >= self._asks_at:
            self._told, self._asks_at = told, time.monotonic() + self._between
            self._confirm()

    def _confirm(self) -> None:
        try:
            self._memory.confirm()
        except Unavailable as error:
            if self._is_answering:
                log.warning("policy_engine.unavailable", reason=error.for_operators())
            self._is_answering = False
        else:
            if not self._is_answering:
                log.info("policy_engine.answers_again")
            self._is_answering = True
