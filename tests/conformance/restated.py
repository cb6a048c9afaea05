"""The scenarios once more, from the working group's description and not from the data of their policy."""

from collections.abc import Iterable
from typing import Any

from flask.testing import FlaskClient

Entity = dict[str, Any]

ROLES = {
    "rick@the-citadel.com": {"admin", "evil_genius"},
    "morty@the-citadel.com": {"editor"},
    "summer@the-smiths.com": {"editor"},
    "beth@the-smiths.com": {"viewer"},
    "jerry@the-smiths.com": {"viewer"},
}
RICK, MORTY, SUMMER, BETH, JERRY = ROLES
PIDS = {
    # They differ in one place.
    person: f"CiRmZD{letter}2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs"
    for person, letter in zip(ROLES, "AEIMQ", strict=True)
}

EMPLOYEES = {
    "alice": ("manager", "Sales"),
    "bob": ("employee", "Legal"),
    "carol": ("contractor", "Legal"),
    "dan": ("manager", "Finance"),
    "erin": ("employee", "Finance"),
    "felix": ("contractor", "Accounting"),
}
OWNERS = "alice bob carol dan erin felix alice bob carol dan erin felix alice bob carol dan erin felix alice bob"
DEPARTMENTS = (
    "Legal Legal Legal Accounting Legal Accounting Sales Legal Accounting Sales "
    "Accounting Legal Sales Accounting Finance Legal Legal Accounting Legal Accounting"
)
RECORDS = dict(
    zip(map(str, range(101, 121)), zip(OWNERS.split(), DEPARTMENTS.split(), strict=True), strict=True),
)
EMPLOYEE_ACTIONS = ("view", "edit", "delete")


def entity(kind: str, identifier: str, **properties: object) -> Entity:
    return {"type": kind, "id": identifier, "properties": properties}


def employee_may(name: str, action: str, record: str) -> bool:
    """Whether an employee of the search scenario may do this with that record."""
    (role, own_department), (owner, department) = EMPLOYEES[name], RECORDS[record]
    is_owner, is_colleague, is_manager = owner == name, department == own_department, role == "manager"
    match action:
        case "view":
            return is_owner or is_colleague or is_manager
        case "edit":
            return is_owner or (is_colleague and is_manager)
        case _:
            return is_owner and action == "delete"


def question(subject: Entity, action: str, resource: Entity, **properties: object) -> Entity:
    """A question about an action that has these properties."""
    return {"subject": subject, "action": {"name": action, "properties": properties}, "resource": resource}


def decide(client: FlaskClient, asked: Entity) -> bool:
    """The decision, which is all that there is to the answer."""
    response = client.post("/access/v1/evaluation", json=asked)
    assert response.status_code == 200, response.text
    body = response.get_json()
    assert list(body) == ["decision"]
    decision: bool = body["decision"]
    return decision


def permitted(client: FlaskClient, asked: Iterable[Entity]) -> list[Entity]:
    """The questions that are answered with yes, asked in batches."""
    questions, size = list(asked), 1000
    found = []
    for start in range(0, len(questions), size):
        batch = questions[start : start + size]
        response = client.post("/access/v1/evaluations", json={"evaluations": batch})
        assert response.status_code == 200, response.text
        answers = response.get_json()["evaluations"]
        found += [each for each, answer in zip(batch, answers, strict=True) if answer["decision"]]
    return found


def search(client: FlaskClient, sought: str, asked: Entity) -> list[Entity]:
    """All that is found, from one page."""
    response = client.post(f"/access/v1/search/{sought}", json=asked)
    assert response.status_code == 200, response.text
    body = response.get_json()
    assert body.get("page", {"next_token": ""})["next_token"] == ""
    results: list[Entity] = body["results"]
    return results
