"""A look at what OPA is asked."""

from collections.abc import Sequence

from authz_service.decision.protocols import PolicyEngine
from authz_service.questions import Document, Verdict


class Counting:
    """An engine that tells what it was asked."""

    def __init__(self, engine: PolicyEngine) -> None:
        self._engine = engine
        self.asked: list[list[Document]] = []

    def ask(self, documents: Sequence[Document]) -> Verdict:
        if documents:
            self.asked.append(list(documents))
        return self._engine.ask(documents)
