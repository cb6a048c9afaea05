"""Questions in, decisions out: one read for the facts of all, one question to the engine at most."""

from collections.abc import Sequence
from typing import NamedTuple

from authz_service.decision.memory import AnswerMemory, Decision, OnRevision
from authz_service.decision.protocols import Domain, PolicyEngine
from authz_service.errors import Fault
from authz_service.questions import Answer, Document, Json, Names, Question, Stated, encoded
from authz_service.telemetry.stages import Stage, of_every_few, stage_times
from authz_service.telemetry.tally import Tally
from authz_service.words import Language


class Decided(NamedTuple):
    """A question with its decision.

    Attributes:
        about: What the journal names besides subject and resource.
        source: Where the answer comes from, an `AnswerSource`.
    """

    question: Question
    about: Names
    decision: Decision
    source: str


class Decisions:
    """Decides for one domain.

    Args:
        domain: What is asked about.
        engine: Who is asked.
        stale_seconds: How long a remembered answer outlives the engine.
        on_revision: Is told of each policy revision that comes into force here.
        tally: Counts how long it takes to read facts and to answer.
    """

    def __init__(
        self,
        domain: Domain,
        engine: PolicyEngine,
        stale_seconds: float,
        on_revision: OnRevision = lambda _: None,
        tally: Tally | None = None,
    ) -> None:
        self._domain = domain
        tally = tally or Tally()
        self._is_timed = of_every_few()
        self._facts_took, self._answer_took = stage_times(tally, Stage.FACTS), stage_times(tally, Stage.ANSWER)
        remember_for = stale_seconds if domain.is_finite else None
        self.memory = AnswerMemory(engine, self._body, remember_for, on_revision=on_revision, tally=tally)

    def faults(self, question: Question) -> list[Fault]:
        """What is wrong with the members that the domain reads."""
        return self._domain.faults(question)

    def decide(self, questions: Sequence[Question]) -> list[Decided]:
        """One decision a question, in order, all from one state of the data and under one policy revision.

        Raises:
            Unavailable: The facts cannot be read, or the engine does not answer.
        """
        is_one = len(questions) == 1
        is_timed = not is_one or next(self._is_timed)
        began = self.memory.clock() if is_timed else 0.0
        stated, keys = self._stated(questions)
        read = self.memory.clock()
        decisions, sources = self.memory.answers([each.document for each in stated], keys, read)
        if is_timed:
            self._took(began, read, is_one=is_one)
        return [
            Decided(question, each.about, decision, source)
            for question, each, decision, source in zip(questions, stated, decisions, sources, strict=True)
        ]

    def decide_remembered(self, questions: Sequence[Question]) -> list[Decided | None]:
        """Of questions of several callers the decisions that are remembered, in order; None for each other one.

        Raises:
            Unavailable: The facts cannot be read.
        """
        is_timed = next(self._is_timed)
        began = self.memory.clock() if is_timed else 0.0
        stated, keys = self._stated(questions)
        read = self.memory.clock()
        decisions, source = self.memory.remembered(keys, read)
        if is_timed:
            self._took(began, read, is_one=True)
        return [
            decision and Decided(question, each.about, decision, source)
            for question, each, decision in zip(questions, stated, decisions, strict=True)
        ]

    def _stated(self, questions: Sequence[Question]) -> tuple[list[Stated], list[bytes]]:
        """The facts of each question, and what tells them from others."""
        stated = self._domain.state(questions)
        return stated, [each.key or encoded(each.document) for each in stated]

    def _took(self, began: float, read: float, *, is_one: bool) -> None:
        self._facts_took[is_one](read - began)
        self._answer_took[is_one](self.memory.clock() - read)

    def judge(self, documents: Sequence[Document]) -> list[Decision]:
        """One decision a document of facts that have been stated already.

        Raises:
            Unavailable: The engine does not answer.
        """
        return self.memory.decide(documents, [encoded(document) for document in documents])

    def body(self, decision: Decision, language: Language) -> bytes:
        """The response body of a decision, its sentences in the reader's language."""
        if language is Language.ENGLISH:
            return decision.body
        return self._body(decision.document, decision.answer, decision.revision, language)

    def _body(self, document: Document, answer: Answer, revision: str, language: Language = Language.ENGLISH) -> bytes:
        body: dict[str, Json] = {"decision": answer.allow}
        context = self._domain.context(document, answer, revision, language)
        if context is not None:
            body["context"] = dict(context)
        return encoded(body)
