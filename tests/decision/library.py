"""A small domain for the tests of decisions."""

from collections.abc import Mapping, Sequence

from authz_service.errors import DatabaseUnavailable, Fault
from authz_service.questions import Action, Answer, Document, Entity, Json, Question, Search, Stated
from authz_service.words import Language
from tests.fakes.engine import answer


class Library:
    """A domain: whoever has a card may borrow."""

    def __init__(self, *, is_finite: bool = True, is_told_why: bool = True) -> None:
        self.is_finite = is_finite
        self.is_told_why = is_told_why
        self.is_open = True
        self.readers = ["member-1", "stranger-1"]
        self.read: list[int] = []
        self.looked_up: list[int] = []

    def faults(self, question: Question) -> list[Fault]:
        return [] if question.resource.type == "book" else [Fault('must be "book"', "resource.type")]

    def state(self, questions: Sequence[Question]) -> list[Stated]:
        if not self.is_open:
            raise DatabaseUnavailable("The library is closed.")
        self.read.append(len(questions))
        return [
            Stated({"action": question.action.name, "has_card": question.subject.id.startswith("member")})
            for question in questions
        ]

    def candidates(self, search: Search, after: str, limit: int) -> list[str]:  # noqa: ARG002 - as the protocol has it
        self.looked_up.append(limit)
        return [name for name in self.readers if name > after][:limit]

    def context(
        self, document: Document, answer: Answer, revision: str, language: Language
    ) -> Mapping[str, Json] | None:
        if not self.is_told_why:
            return None
        return {"revision": revision, "card": document["has_card"], "why": answer.reasons[0].said_in(language)}


def judge(document: Document) -> Answer:
    return answer(document["has_card"] is True, "Ça va — voilà.")


def ask(subject: str, action: str = "borrow") -> Question:
    return Question(Entity("person", subject), Action(action), Entity("book", "moby-dick"))


MEMBER, STRANGER = ask("member-1"), ask("stranger-1")
