"""The facts of the questions, as the service states them: what is handed to engines that look nothing up."""

from collections.abc import Mapping, Sequence
from typing import Any

from authz_service.customers.domain import MyProximus
from authz_service.questions import Action, Document, Entity, Question
from authz_service.storage.database import connect
from bench.contestants.contestant import in_batches

_AT_ONCE = 1_000


def documents_of(questions: Sequence[Mapping[str, Any]], database_url: str) -> list[Document]:
    """The document of each question, in order."""
    database = connect(database_url)
    try:
        domain = MyProximus(database)
        asked = list(map(_question, questions))
        return [stated.document for some in in_batches(asked, _AT_ONCE) for stated in domain.state(some)]
    finally:
        database.dispose()


def _question(body: Mapping[str, Any]) -> Question:
    subject, action, resource = body["subject"], body["action"], body["resource"]
    return Question(
        Entity(subject["type"], subject["id"]),
        Action(action["name"], action.get("properties", {})),
        Entity(resource["type"], resource["id"]),
        body["context"],
    )
