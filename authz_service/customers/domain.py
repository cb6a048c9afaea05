"""MyProximus, the customer zone, as the domain that decisions are asked about."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Engine

from authz_service.customers.candidates import read_candidates
from authz_service.customers.document import Evidence, document
from authz_service.customers.facts import Asked, facts_of, facts_query, read_facts
from authz_service.errors import Fault
from authz_service.questions import (
    Action,
    Answer,
    Document,
    Entity,
    Json,
    Names,
    Question,
    Search,
    Stated,
    encoded,
)
from authz_service.storage.database import reading
from authz_service.storage.reader import Reader, Row
from authz_service.telemetry.tally import Tally
from authz_service.words import OPTION_ACTIONS, ActionName, Channel, Language, ResourceType, SubjectType

_ACTIONS = frozenset(ActionName)
_RESOURCE_TYPES = frozenset(ResourceType)
_CHANNELS = frozenset(Channel)
# More than there are situations.
_MOST_DOCUMENTS = 100_000


class MyProximus:
    """States the facts of a question from the customer data.

    Args:
        database: The customer data.
        tally: Tells how many connections they are read with.
    """

    is_finite = True

    def __init__(self, database: Engine, tally: Tally | None = None) -> None:
        self._database = database
        self._reader = Reader(database, tally)
        self._documents: dict[tuple[object, ...], tuple[Document, bytes]] = {}

    def faults(self, question: Question) -> list[Fault]:
        faults = []
        channel = question.context.get("channel")
        if channel is not None and not (isinstance(channel, str) and channel in _CHANNELS):
            faults.append(Fault('must be "web" or "app", or left out', "context.channel"))
        option = question.action.properties.get("option")
        if option is not None and not isinstance(option, str) and question.action.name in OPTION_ACTIONS:
            faults.append(Fault("must be a string", "action.properties.option"))
        return faults

    def state(self, questions: Sequence[Question]) -> list[Stated]:
        asked = [_asked(question) for question in questions]
        rows = self._reader.rows(*facts_query(self._reader.dialect, asked))
        return [self._stated(*each) for each in zip(questions, asked, rows, strict=True)]

    def _stated(self, question: Question, asked: Asked, row: Row) -> Stated:
        action, kind = question.action.name, question.resource.type
        # Nothing else goes into a document, so those that are alike here are made once.
        alike = (
            action if action in _ACTIONS else None,
            kind if kind in _RESOURCE_TYPES else None,
            question.context.get("channel"),
            question.action.properties.get("option") is None,
            # All but the customer number, which is the first.
            row[1:],
        )
        made = self._documents.get(alike)
        if made is None:
            stated = document(question, facts_of(row))
            made = stated, encoded(stated)
            if len(self._documents) < _MOST_DOCUMENTS:
                self._documents[alike] = made
        return Stated(made[0], _about(asked, row[0]), made[1])

    def candidates(self, search: Search, after: str, limit: int) -> list[str]:
        with reading(self._database) as connection:
            return read_candidates(connection, search.sought, _asked(search.question), after, limit)

    def context(self, document: Document, answer: Answer, revision: str, language: Language) -> Mapping[str, Json]:
        context: dict[str, Json] = {
            "role": None if document["role"] == "none" else document["role"],
            "policy_revision": revision,
            "reasons": [
                {"code": reason.code, "cites": list(reason.cites), "message": reason.said_in(language)}
                for reason in answer.reasons
            ],
        }
        if document["action"] == ActionName.BECOME_ADMINISTRATOR:
            if answer.route is not None:
                context["route"] = answer.route
            context["requires"] = list(answer.requires)
        return context


def question_of(subject: str, action: str, resource: str, option: str | None, channel: str | None) -> Question:
    """The question about a person, with what is left out of it.

    Args:
        subject: The id of a person.
        action: The action.
        resource: An id, after its type and a colon or alone: digits are a customer number.
        option: The id of an option.
        channel: The channel.
    """
    kind, colon, name = resource.partition(":")
    if not colon or kind not in frozenset(ResourceType):
        kind, name = ResourceType.CUSTOMER if resource.isdecimal() else ResourceType.SUBSCRIPTION, resource
    return Question(
        Entity(SubjectType.PERSON, subject),
        Action(action, {"option": option} if option else {}),
        Entity(kind, name),
        {"channel": channel} if channel else {},
    )


def take_over_document(
    connection: Connection, customer_number: str, person: str, channel: Channel, evidence: Evidence
) -> Document:
    """The facts of a take-over of a customer number that exists, with what is brought to it."""
    question = Question(
        Entity(SubjectType.PERSON, person),
        Action(ActionName.BECOME_ADMINISTRATOR),
        Entity(ResourceType.CUSTOMER, customer_number),
        {"channel": channel},
    )
    [facts] = read_facts(connection, [_asked(question)])
    return document(question, facts, evidence)


def _asked(question: Question) -> Asked:
    (subject_type, subject_id, _), action, (kind, resource_id, _), _ = question
    is_customer = kind == ResourceType.CUSTOMER
    option = action.properties.get("option") if action.name in OPTION_ACTIONS else None
    return Asked(
        _id(subject_id) if subject_type == SubjectType.PERSON else None,
        _id(resource_id) if is_customer else None,
        _id(resource_id) if kind == ResourceType.SUBSCRIPTION else None,
        _id(option) if isinstance(option, str) else None,
        is_customer and action.name == ActionName.BECOME_ADMINISTRATOR,
    )


def _about(asked: Asked, customer: str | None) -> Names:
    option = asked.option
    if customer is None:
        return (("option", option),) if option else ()
    return (("customer", customer), ("option", option)) if option else (("customer", customer),)


def _id(value: str) -> str | None:
    # No id has a NUL character, and no database takes one in JSON.
    return None if "\0" in value else value
