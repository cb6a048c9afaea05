"""Questions in, decisions out: one read for the facts of all, one question to the engine at most."""

import json
from collections.abc import Sequence

from authz_service.decision.memory import AnswerMemory, Decision
from authz_service.decision.protocols import Domain, PolicyEngine
from authz_service.errors import Fault
from authz_service.questions import Answer, Document, Json, Question
from authz_service.words import Language


class Decisions:
    """Decides for one domain."""

    def __init__(self, domain: Domain, engine: PolicyEngine, stale_seconds: float) -> None:
        self._domain = domain
        self.memory = AnswerMemory(engine, self._body, stale_seconds if domain.is_finite else None)

    def faults(self, question: Question) -> list[Fault]:
        """What is wrong with the members that the domain reads."""
        return self._domain.faults(question)

    def decide(self, questions: Sequence[Question]) -> list[Decision]:
        """One decision a question, in order, all from one state of the data and under one policy revision.

        Raises:
            Unavailable: The facts cannot be read, or the engine does not answer.
        """
        return self.judge(self._domain.documents(questions))

    def judge(self, documents: Sequence[Document]) -> list[Decision]:
        """One decision a document of facts that have been stated already.

        Raises:
            Unavailable: The engine does not answer.
        """
        return self.memory.decide(documents, [_encoded(document) for document in documents])

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
        return _encoded(body)


def _encoded(value: Document) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
