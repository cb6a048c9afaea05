"""Questions in, decisions out: one read for the facts of all, one question to the engine at most."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from authz_service.decision.memory import AnswerMemory, Decision, OnRevision
from authz_service.decision.protocols import Domain, PolicyEngine
from authz_service.errors import Fault
from authz_service.questions import Answer, Document, Json, Question, encoded
from authz_service.words import Language


class Decided(NamedTuple):
    """A question with its decision.

    Attributes:
        about: What the journal names besides subject and resource, by kind.
    """

    question: Question
    about: Mapping[str, str]
    decision: Decision


class Decisions:
    """Decides for one domain.

    Args:
        domain: What is asked about.
        engine: Who is asked.
        stale_seconds: How long a remembered answer outlives the engine.
        on_revision: Is told of each policy revision that comes into force here.
    """

    def __init__(
        self,
        domain: Domain,
        engine: PolicyEngine,
        stale_seconds: float,
        on_revision: OnRevision = lambda _: None,
    ) -> None:
        self._domain = domain
        remember_for = stale_seconds if domain.is_finite else None
        self.memory = AnswerMemory(engine, self._body, remember_for, on_revision=on_revision)

    def faults(self, question: Question) -> list[Fault]:
        """What is wrong with the members that the domain reads."""
        return self._domain.faults(question)

    def decide(self, questions: Sequence[Question]) -> list[Decided]:
        """One decision a question, in order, all from one state of the data and under one policy revision.

        Raises:
            Unavailable: The facts cannot be read, or the engine does not answer.
        """
        stated = self._domain.state(questions)
        documents = [each.document for each in stated]
        decisions = self.memory.decide(documents, [each.key or encoded(each.document) for each in stated])
        return [
            Decided(question, each.about, decision)
            for question, each, decision in zip(questions, stated, decisions, strict=True)
        ]

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
