"""The scenarios as a domain: it states what was asked and what there is, and judges nothing."""

import pytest

from authz_service.questions import Action, Document, Entity, Question, Search
from authz_service.words import Sought
from tests.conformance.domain import Scenarios
from tests.conformance.restated import EMPLOYEES, PIDS, RECORDS


def seeking(sought: Sought, kind: str) -> Search:
    return Search(sought, Question(Entity(kind, ""), Action(""), Entity(kind, "")))


@pytest.mark.parametrize(
    ("sought", "kind", "known"),
    [
        (Sought.SUBJECT, "user", {*EMPLOYEES, *PIDS.values()}),
        (Sought.SUBJECT, "identity", set(PIDS.values())),
        (Sought.SUBJECT, "record", set()),
        (Sought.RESOURCE, "record", {*RECORDS, "record-1", "record-2"}),
        (Sought.RESOURCE, "user", set(PIDS.values())),
        (Sought.RESOURCE, "todo", {"todo-1"}),
        (Sought.RESOURCE, "route", {"/todos", "/todos/{todoId}", "/users/{userId}"}),
        (Sought.RESOURCE, "spaceship", set()),
        (Sought.ACTION, "record", {"read", "write", "delete", "view", "edit"}),
        (Sought.ACTION, "route", {"GET", "POST", "PUT", "DELETE"}),
        (Sought.ACTION, "user", {"can_read_user"}),
        (Sought.ACTION, "spaceship", set()),
    ],
)
def test_the_candidates_are_all_that_any_scenario_knows(sought: Sought, kind: str, known: set[str]) -> None:
    assert Scenarios().candidates(seeking(sought, kind), "", 100) == sorted(known)


def test_the_candidates_go_on_where_they_were_left() -> None:
    records = seeking(Sought.RESOURCE, "record")
    assert Scenarios().candidates(records, "", 2) == ["101", "102"]
    assert Scenarios().candidates(records, "102", 2) == ["103", "104"]
    assert Scenarios().candidates(records, "1025", 1) == ["103"]
    assert Scenarios().candidates(records, "record-2", 2) == []
    assert Scenarios().candidates(records, "", 0) == []


def test_what_was_asked_reaches_the_policy_unchanged() -> None:
    anything: Document = {"null": None, "list": [1, 1.5, {"true": True}], "": "é"}
    question = Question(Entity("a", "", anything), Action("b", anything), Entity("c", "d", anything), anything)
    [(document, *_)] = Scenarios().state([question])
    assert document == {
        "subject": {"type": "a", "id": "", "properties": anything},
        "action": {"name": "b", "properties": anything},
        "resource": {"type": "c", "id": "d", "properties": anything},
        "context": anything,
    }
    assert Scenarios().faults(question) == []
