"""What goes from caller to policy and back: question, document, answer, verdict."""

import json
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from authz_service.words import Sought

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

Names: TypeAlias = tuple[tuple[str, str], ...]
"""What is named: each with its kind before it."""

Document: TypeAlias = Mapping[str, Json]
"""The input that the policy judges. Where a domain's facts are finite it holds enumerations and booleans only."""

# Made once, as there is a text for each decision.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

NO_PROPERTIES: Mapping[str, Json] = {}


def encoded(value: Document) -> bytes:
    """JSON without a blank, in UTF-8."""
    return _encode(value).encode()


class Entity(NamedTuple):
    """A subject or a resource, as the caller names it."""

    type: str
    id: str
    properties: Mapping[str, Json] = NO_PROPERTIES


class Action(NamedTuple):
    name: str
    properties: Mapping[str, Json] = NO_PROPERTIES


class Question(NamedTuple):
    """May this subject do this with this resource? The caller has been checked, the members have their types."""

    subject: Entity
    action: Action
    resource: Entity
    context: Mapping[str, Json] = NO_PROPERTIES


class Search(NamedTuple):
    """Who, what, or what to do makes the question one that is answered with yes?

    Attributes:
        sought: The part that is searched for.
        question: The question, in which that part has no id or name yet.
    """

    sought: Sought
    question: Question

    def asking(self, candidate: str) -> Question:
        """The question about one candidate: the id of a subject or resource, the name of an action."""
        question = self.question
        match self.sought:
            case Sought.SUBJECT:
                return question._replace(subject=question.subject._replace(id=candidate))
            case Sought.RESOURCE:
                return question._replace(resource=question.resource._replace(id=candidate))
            case Sought.ACTION:
                return question._replace(action=Action(candidate))


class Reason(NamedTuple):
    """A rule that grants, or that stands against it.

    Attributes:
        code: The rule's code, such as `own_mobile_usage`.
        cites: Ids of the facts and readings that the rule rests on, such as `USER-1`.
        message: The sentence for the person, by language.
    """

    code: str
    cites: tuple[str, ...]
    message: Mapping[str, str]

    def said_in(self, language: str) -> str:
        """The sentence in that language; in English where there is no other."""
        return self.message.get(language) or self.message["en"]


class Answer(NamedTuple):
    """What the policy says of one document.

    Attributes:
        allow: Whether it is allowed.
        reasons: What grants on a permit, what stands against it on a denial; never empty.
        route: By which route the person may become administrator, or None.
        requires: What the person still has to bring, sorted.
        effects: What has to be carried out with a take-over, sorted.
    """

    allow: bool
    reasons: tuple[Reason, ...]
    route: str | None
    requires: tuple[str, ...]
    effects: tuple[str, ...]


class Ruling(NamedTuple):
    """What one policy revision says of one document, as it is kept for good.

    Attributes:
        digest: The SHA-256 of the content in hexadecimal, by which it is referred to.
        content: JSON of `revision`, `facts` (null where they are not finite), `allow`, `reasons` with code and cites,
            `route`, `requires` and `effects`.
    """

    digest: str
    content: bytes


class Stated(NamedTuple):
    """The facts of a question, and whom or what it is about.

    Attributes:
        document: What the policy judges.
        about: What the journal names besides subject and resource: the `customer` number, the `option`.
        key: What tells the document from others: its JSON, where that has been made already.
    """

    document: Document
    about: Names = ()
    key: bytes = b""


class Verdict(NamedTuple):
    """The answers to several documents, in their order, all given under one policy revision."""

    revision: str
    answers: tuple[Answer, ...]
