"""The memory of answers: an answer is a pure function of policy revision and facts, so it is asked once."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import structlog

from authz_service.decision.protocols import PolicyEngine
from authz_service.decision.rulings import ruling_of
from authz_service.errors import Unavailable
from authz_service.questions import Answer, Document, Ruling

log = structlog.get_logger()


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
    that, and for every situation not yet asked, the engine has to answer.

    Args:
        engine: Who is asked.
        render: Makes the response body of an answer.
        stale_seconds: How long a remembered answer outlives the engine; None to remember nothing.
        clock: What time it is, in seconds.
        on_revision: Is told of each revision that comes into force here.
        event: What the log calls that.
    """

    def __init__(
        self,
        engine: PolicyEngine,
        render: Render,
        stale_seconds: float | None,
        clock: Callable[[], float] = time.monotonic,
        on_revision: OnRevision = lambda _: None,
        event: str = "policy.in_force",
    ) -> None:
        self._engine = engine
        self._render = render
        self._stale_seconds = stale_seconds
        self._clock = clock
        self._on_revision = on_revision
        self._event = event
        self._table = _Table("", {})
        self._confirmed = float("-inf")
        self._confirming = threading.Lock()

    @property
    def revision(self) -> str:
        """The revision last confirmed; empty before the first answer."""
        return self._table.revision

    def decide(self, documents: Sequence[Document], keys: Sequence[bytes]) -> list[Decision]:
        """One decision a document, all under one revision.

        Args:
            documents: The facts of each question.
            keys: What tells the documents apart, one each.

        Raises:
            Unavailable: An answer is not remembered and the engine does not give it.
        """
        # In this order: a table read before it is confirmed could be of long ago.
        is_fresh = self._is_fresh()
        table = self._table
        remembered = table.decisions if is_fresh else {}
        with suppress(KeyError):
            return [remembered[key] for key in keys]
        unknown = {key: document for key, document in zip(keys, documents, strict=True) if key not in remembered}
        revision, found = self._ask(unknown)
        if revision != table.revision and not found.keys() >= set(keys):
            # What is remembered was given under another policy: one revision has to give all the answers.
            _, found = self._ask(dict(zip(keys, documents, strict=True)))
        return [found[key] if key in found else remembered[key] for key in keys]

    def confirm(self) -> None:
        """Asks the engine for its revision, and forgets every answer given under another.

        Raises:
            Unavailable: The engine does not say.
        """
        # One at a time and begun after the lock is held, so that the later question also has the later word.
        with self._confirming:
            revision = self._engine.ask(()).revision
            if revision != self._table.revision:
                log.info(self._event, revision=revision)
                self._on_revision(revision)
                self._table = _Table(revision, {})
            self._confirmed = self._clock()

    def _is_fresh(self) -> bool:
        return self._stale_seconds is not None and self._clock() - self._confirmed <= self._stale_seconds

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
        if revision != self._table.revision or not self._is_fresh():
            self.confirm()
        table = self._table
        if table.revision == revision:
            table.decisions.update(found)


class RevisionWatch:
    """Confirms the revision again and again, so that a policy change is known within `interval` seconds."""

    def __init__(self, memory: AnswerMemory, interval: float = 0.2) -> None:
        self._memory = memory
        self._interval = interval
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="revision-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        is_answering = True
        while not self._stopped.wait(self._interval):
            try:
                self._memory.confirm()
            except Unavailable as error:
                if is_answering:
                    log.warning("policy_engine.unavailable", reason=str(error))
                is_answering = False
            else:
                if not is_answering:
                    log.info("policy_engine.answers_again")
                is_answering = True
