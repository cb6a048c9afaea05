"""The one fake of the policy engine; `tests/contract/` holds it to what OPA does."""

import json
import threading
from collections.abc import Callable, Sequence

from authz_service.errors import PolicyEngineMisbehaved, PolicyEngineUnavailable
from authz_service.questions import Answer, Document, Reason, Verdict

Judge = Callable[[Document], Answer | None]
"""A policy: what it says of a document, None where it says nothing."""


def answer(allow: bool, said: str = "So it is.") -> Answer:  # noqa: FBT001 - what an answer is about
    return Answer(allow, (Reason("rule", ("FACT-1",), {"en": said}),), None, (), ())


def says_nothing(_: Document) -> None:
    """A policy whose answer is undefined."""


class FakeEngine:
    """Judges by a function.

    Attributes:
        asked: How many documents it was asked about.
        calls: How many times it was asked.
    """

    def __init__(self, judge: Judge, revision: str = "first") -> None:
        self._policy = (judge, revision)
        self._is_down = False
        self._has_policy = True
        self._lock = threading.Lock()
        self.asked = 0
        self.calls = 0

    def change_policy(self, judge: Judge, revision: str) -> None:
        self._policy = (judge, revision)

    def go_down(self) -> None:
        self._is_down = True

    def lose_policy(self) -> None:
        self._has_policy = False

    def come_back(self) -> None:
        self._is_down = False

    def ask(self, documents: Sequence[Document]) -> Verdict:
        with self._lock:
            self.calls += 1
            self.asked += len(documents)
        if self._is_down:
            raise PolicyEngineUnavailable("The fake is down.")
        if not self._has_policy:
            raise PolicyEngineMisbehaved("The fake has no policy.")
        judge, revision = self._policy
        answers = [judge(json.loads(json.dumps(document))) for document in documents]
        given = tuple(answer for answer in answers if answer is not None)
        if len(given) != len(answers):
            raise PolicyEngineMisbehaved("The fake's policy says nothing of some documents.")
        return Verdict(revision, given)
