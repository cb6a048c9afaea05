"""The two seams: what a domain states, and who judges it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from authz_service.errors import Fault
from authz_service.questions import Answer, Document, Json, Question, Search, Stated, Verdict
from authz_service.words import Language


class PolicyEngine(Protocol):
    """Judges documents. OPA in production; the one fake is in the tests and proven against OPA."""

    def ask(self, documents: Sequence[Document]) -> Verdict:
        """One answer a document, in order, all under one revision; no documents ask for the revision alone.

        Raises:
            PolicyEngineUnavailable: The engine does not answer.
            PolicyEngineMisbehaved: What it answers is not in the shape of an answer.
        """


class Domain(Protocol):
    """What the service is asked about: it states facts, and never judges.

    Attributes:
        is_finite: Whether the documents are few enough to remember an answer for each.
    """

    is_finite: bool

    def faults(self, question: Question) -> list[Fault]:
        """What is wrong with the members that this domain reads, such as a type that cannot be."""

    def state(self, questions: Sequence[Question]) -> list[Stated]:
        """The facts of each question, in order, read at one moment.

        Raises:
            DatabaseUnavailable: The facts cannot be read.
        """

    def candidates(self, search: Search, after: str, limit: int) -> list[str]:
        """Whom or what a search may find, to be asked about one by one.

        Args:
            search: What is searched for.
            after: Where to go on: the candidate before; empty to begin.
            limit: How many at most.

        Returns:
            Ids of subjects or resources, or names of actions, each once and in the order of their characters.

        Raises:
            DatabaseUnavailable: The candidates cannot be read.
        """

    def context(
        self, document: Document, answer: Answer, revision: str, language: Language
    ) -> Mapping[str, Json] | None:
        """What is told besides the decision, or None for a domain that gives no reasons."""
