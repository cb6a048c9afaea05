"""MyProximus, the customer zone, as the domain that decisions are asked about."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, Engine

from authz_service.customers.candidates import read_candidates
from authz_service.customers.document import Evidence, document
from authz_service.customers.facts import Asked, Facts, facts_of, facts_query, read_facts
from authz_service.errors import Fault
from authz_service.questions import NO_NAMES, Action, Answer, Document, Entity, Json, Question, Search, Stated
from authz_service.storage.database import reading
from authz_service.storage.reader import Reader
from authz_service.words import OPTION_ACTIONS, ActionName, Channel, Language, ResourceType, SubjectType

_CHANNELS = frozenset(Channel)


class MyProximus:
    """States the facts of a question from the customer data."""

    is_finite = True

    def __init__(self, database: Engine) -> None:
        self._database = database
        self._reader = Reader(database)

    def faults(self, question: Question) -> list[Fault]:
        return list(_faults(question))

    def state(self, questions: Sequence[Question]) -> list[Stated]:
        asked = [_asked(question) for question in questions]
        facts = map(facts_of, self._reader.rows(*facts_query(self._reader.dialect, asked)))
        return [
            Stated(document(question, each), _about(names, each))
            for question, names, each in zip(questions, asked, facts, strict=True)
        ]

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


def _faults(question: Question) -> Iterator[Fault]:
    channel = question.context.get("channel")
    if channel is not None and not (isinstance(channel, str) and channel in _CHANNELS):
        yield Fault('must be "web" or "app", or left out', "context.channel")
    option = question.action.properties.get("option")
    if question.action.name in OPTION_ACTIONS and option is not None and not isinstance(option, str):
        yield Fault("must be a string", "action.properties.option")


def _asked(question: Question) -> Asked:
    resource = question.resource
    is_customer = resource.type == ResourceType.CUSTOMER
    option = question.action.properties.get("option") if question.action.name in OPTION_ACTIONS else None
    return Asked(
        person=_id(question.subject.id if question.subject.type == SubjectType.PERSON else None),
        customer=_id(resource.id if is_customer else None),
        subscription=_id(resource.id if resource.type == ResourceType.SUBSCRIPTION else None),
        option=_id(option if isinstance(option, str) else None),
        asks_eligibility=is_customer and question.action.name == ActionName.BECOME_ADMINISTRATOR,
    )


def _about(asked: Asked, facts: Facts) -> Mapping[str, str]:
    customer, option = facts.customer_number, asked.option
    if customer is None:
        return {"option": option} if option else NO_NAMES
    return {"customer": customer, "option": option} if option else {"customer": customer}


def _id(value: str | None) -> str | None:
    # No id has a NUL character, and no database takes one in JSON.
    return None if value is None or "\0" in value else value
