"""How the tests of HTTP ask, and what holds for every problem document."""

from http import HTTPStatus
from typing import Any

from werkzeug.test import TestResponse

CUSTOMER = "123456789"
CANARY = "xyzzy-4711"
"""A value at fault. It must never come back."""
ULID = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"


def question(
    person: str, action: str, resource: str, option: str | None = None, channel: str | None = None
) -> dict[str, Any]:
    """An evaluation about the Smith family; a resource of digits is a customer number."""
    asked: dict[str, Any] = {
        "subject": {"type": "person", "id": person},
        "action": {"name": action},
        "resource": {"type": "customer" if resource.isdigit() else "subscription", "id": resource},
    }
    if option is not None:
        asked["action"]["properties"] = {"option": option}
    if channel is not None:
        asked["context"] = {"channel": channel}
    return asked


def changed(body: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The body with another value at a path such as `subject.id`; `...` takes the member away."""
    member, _, rest = path.partition(".")
    if rest:
        return body | {member: changed(body.get(member, {}), rest, value)}
    if value is ...:
        return {name: kept for name, kept in body.items() if name != member}
    return body | {member: value}


def codes(decision: dict[str, Any]) -> set[str]:
    """The codes of the reasons of a decision."""
    return {reason["code"] for reason in decision["context"]["reasons"]}


def problem(response: TestResponse, status: int) -> dict[str, Any]:
    """The problem document of a response, after what holds for each of them has been checked."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    assert CANARY not in response.text
    body: dict[str, Any] = response.get_json()
    assert list(body)[:4] == ["type", "title", "status", "detail"]
    assert (body["type"], body["title"], body["status"]) == (
        "about:blank",
        HTTPStatus(status).phrase,
        status,
    )
    assert body["detail"]
    assert "decision" not in body
    return body


def faulty_members(response: TestResponse) -> list[str]:
    """The members that a 400 names."""
    errors = problem(response, 400)["errors"]
    assert all(error["detail"] for error in errors)
    return [error["member"] for error in errors]
