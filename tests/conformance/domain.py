"""The scenarios of the AuthZEN working group as a domain: it passes on what was asked, and the policy judges."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from authz_service.errors import Fault
from authz_service.questions import Answer, Document, Json, Question, Search, Stated
from authz_service.words import Language, Sought

POLICIES = Path(__file__).with_name("policies")

_DATA = POLICIES / "bundle" / "authz" / "data.yaml"
_TABLES = {Sought.SUBJECT: "subjects", Sought.RESOURCE: "resources", Sought.ACTION: "actions"}


class Scenarios:
    """All scenarios together; what each of them knows is read from the data of their policy."""

    is_finite = False

    def __init__(self) -> None:
        self._known = {sought: _by_type(table) for sought, table in _TABLES.items()}

    def faults(self, question: Question) -> list[Fault]:  # noqa: ARG002 - every question can be asked
        return []

    def state(self, questions: Sequence[Question]) -> list[Stated]:
        return [Stated(_document(question)) for question in questions]

    def candidates(self, search: Search, after: str, limit: int) -> list[str]:
        # Which actions there are depends on the resource.
        part = search.question.subject if search.sought is Sought.SUBJECT else search.question.resource
        known = self._known[search.sought].get(part.type, [])
        start = bisect_right(known, after)
        return known[start : start + limit]

    def context(
        self,
        document: Document,  # noqa: ARG002 - no scenario gives reasons
        answer: Answer,  # noqa: ARG002 - as the protocol has it
        revision: str,  # noqa: ARG002 - as the protocol has it
        language: Language,  # noqa: ARG002 - as the protocol has it
    ) -> Mapping[str, Json] | None:
        return None


def _document(question: Question) -> Document:
    subject, action, resource, context = question
    return {
        "subject": {"type": subject.type, "id": subject.id, "properties": dict(subject.properties)},
        "action": {"name": action.name, "properties": dict(action.properties)},
        "resource": {"type": resource.type, "id": resource.id, "properties": dict(resource.properties)},
        "context": dict(context),
    }


def _by_type(table: str) -> dict[str, list[str]]:
    """What any scenario has in that table, in order and each once."""
    found = defaultdict(set)
    for scenario in yaml.safe_load(_DATA.read_text(encoding="utf-8")).values():
        for kind, names in scenario[table].items():
            found[kind].update(names)
    return {kind: sorted(names) for kind, names in found.items()}
