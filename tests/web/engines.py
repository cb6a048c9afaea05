"""Policy engines of the tests."""

from collections.abc import Sequence

from authz_service.errors import PolicyEngineMisbehaved, PolicyEngineUnavailable
from authz_service.opa.engine import OpaEngine
from authz_service.questions import Answer, Document, Verdict


class Agreeing:
    """An engine that allows everything."""

    def ask(self, documents: Sequence[Document]) -> Verdict:
        return Verdict("1", tuple(Answer(True, (), None, (), ()) for _ in documents))  # noqa: FBT003 - allow


class Down:
    """An engine that does not answer, or not as it has to."""

    def __init__(self, *, misbehaves: bool = False) -> None:
        self._misbehaves = misbehaves

    def ask(self, _documents: Sequence[Document]) -> Verdict:
        if self._misbehaves:
            raise PolicyEngineMisbehaved("The engine answers nonsense.")
        raise PolicyEngineUnavailable("The engine does not answer.")


class Counting:
    """An engine that tells what it was asked."""

    def __init__(self, engine: OpaEngine) -> None:
        self._engine = engine
        self.asked: list[list[Document]] = []

    def ask(self, documents: Sequence[Document]) -> Verdict:
        if documents:
            self.asked.append(list(documents))
        return self._engine.ask(documents)
