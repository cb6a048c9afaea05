"""AuthZEN bodies read into questions. Members that the protocol does not know are ignored.

Written by hand, as it is on the way of every decision; the API document's models and this are held together by a test.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from authz_service.errors import Fault
from authz_service.questions import NO_PROPERTIES, Action, Entity, Json, Question, Search
from authz_service.web.bodies import json_type
from authz_service.words import Sought

_PARTS = ("subject", "action", "resource", "context")
_ANY_ACTION = Action("")


def read_question(body: Mapping[str, object], faults: list[Fault]) -> Question | None:
    """The question in the body, or None with what is wrong added to `faults`."""
    return usual_question(body) or _question(body, faults)


def usual_question(body: Mapping[str, Any]) -> Question | None:
    """The question in a body with which nothing is wrong; else None, and it is for the others to say what."""
    try:
        subject, action, resource = body["subject"], body["action"], body["resource"]
        subject_type, subject_id = subject["type"], subject["id"]
        resource_type, resource_id, name = resource["type"], resource["id"], action["name"]
    except (KeyError, TypeError):
        return None
    of_subject, of_action = subject.get("properties", NO_PROPERTIES), action.get("properties", NO_PROPERTIES)
    of_resource, context = resource.get("properties", NO_PROPERTIES), body.get("context", NO_PROPERTIES)
    has_types = (
        type(subject_type) is type(subject_id) is type(resource_type) is type(resource_id) is type(name) is str
        and type(of_subject) is type(of_action) is type(of_resource) is type(context) is dict
    )
    if not has_types:
        return None
    return Question(
        Entity(subject_type, subject_id, of_subject),
        Action(name, of_action),
        Entity(resource_type, resource_id, of_resource),
        context,
    )


def _question(body: Mapping[str, object], faults: list[Fault]) -> Question | None:
    before = len(faults)
    subject = _entity(body, "subject", faults)
    action = _action(body, faults)
    resource = _entity(body, "resource", faults)
    context = _properties(body, "context", "context", faults)
    if len(faults) > before or subject is None or action is None or resource is None:
        return None
    return Question(subject, action, resource, context)


def inherited(body: Mapping[str, object]) -> Mapping[str, object]:
    """What the items of a call have where they leave it out: a whole entity, never a part of one."""
    return {part: body[part] for part in _PARTS if part in body}


class AskedPage(NamedTuple):
    """Which page of a search is asked for; all of it may be left out."""

    token: str | None
    limit: int | None
    properties: Mapping[str, Json]


def read_search(body: Mapping[str, object], sought: Sought, faults: list[Fault]) -> Search | None:
    """The search in the body, or None with what is wrong added to `faults`.

    Of what is sought only the type is read: an id is ignored, and properties would be those of every candidate.
    """
    before = len(faults)
    subject = _kind(body, "subject", faults) if sought is Sought.SUBJECT else _entity(body, "subject", faults)
    action = _ANY_ACTION if sought is Sought.ACTION else _action(body, faults)
    resource = _kind(body, "resource", faults) if sought is Sought.RESOURCE else _entity(body, "resource", faults)
    context = _properties(body, "context", "context", faults)
    if len(faults) > before or subject is None or action is None or resource is None:
        return None
    return Search(sought, Question(subject, action, resource, context))


def read_page(body: Mapping[str, object], faults: list[Fault]) -> AskedPage:
    """Which page the body asks for; what is wrong is added to `faults`."""
    page = _properties(body, "page", "page", faults)
    token, limit = page.get("token"), page.get("limit")
    if not (token is None or isinstance(token, str)):
        faults.append(Fault(f"must be a string, got {json_type(token)}", "page.token"))
        token = None
    if isinstance(limit, float) and limit.is_integer():
        limit = int(limit)  # JSON has one kind of number, so 10.0 is the whole number 10
    if not (limit is None or (isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0)):
        faults.append(Fault("must be a whole number, 0 or more", "page.limit"))
        limit = None
    return AskedPage(token, limit, _properties(page, "properties", "page.properties", faults))


def _kind(body: Mapping[str, object], part: str, faults: list[Fault]) -> Entity | None:
    value = _object(body, part, faults)
    kind = None if value is None else _string(value, "type", part, faults)
    return None if kind is None else Entity(kind, "")


def _entity(body: Mapping[str, object], part: str, faults: list[Fault]) -> Entity | None:
    value = _object(body, part, faults)
    if value is None:
        return None
    kind = _string(value, "type", part, faults)
    identifier = _string(value, "id", part, faults)
    properties = _properties(value, "properties", f"{part}.properties", faults)
    return None if kind is None or identifier is None else Entity(kind, identifier, properties)


def _action(body: Mapping[str, object], faults: list[Fault]) -> Action | None:
    value = _object(body, "action", faults)
    if value is None:
        return None
    name = _string(value, "name", "action", faults)
    properties = _properties(value, "properties", "action.properties", faults)
    return None if name is None else Action(name, properties)


def _object(body: Mapping[str, object], part: str, faults: list[Fault]) -> Mapping[str, object] | None:
    value = body.get(part)
    if isinstance(value, dict):
        return value
    faults.append(Fault("is missing" if value is None else f"must be an object, got {json_type(value)}", part))
    return None


def _string(value: Mapping[str, object], member: str, part: str, faults: list[Fault]) -> str | None:
    found = value.get(member)
    if isinstance(found, str):
        return found
    what = "is missing" if found is None else f"must be a string, got {json_type(found)}"
    faults.append(Fault(what, f"{part}.{member}"))
    return None


def _properties(value: Mapping[str, object], member: str, path: str, faults: list[Fault]) -> Mapping[str, Json]:
    found = value.get(member)
    if isinstance(found, dict):
        return cast("dict[str, Json]", found)
    if found is not None:
        faults.append(Fault(f"must be an object, got {json_type(found)}", path))
    return NO_PROPERTIES
