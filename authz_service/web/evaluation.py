"""AuthZEN bodies read into questions. Members that the protocol does not know are ignored.

Written by hand, as it is on the way of every decision; the API document's models and this are held together by a test.
"""

from collections.abc import Mapping
from typing import cast

from authz_service.errors import Fault
from authz_service.questions import NO_PROPERTIES, Action, Entity, Json, Question
from authz_service.web.bodies import json_type

_PARTS = ("subject", "action", "resource", "context")


def read_question(body: Mapping[str, object], faults: list[Fault]) -> Question | None:
    """The question in the body, or None with what is wrong added to `faults`."""
    before = len(faults)
    subject = _entity(body, "subject", faults)
    action = _action(body, faults)
    resource = _entity(body, "resource", faults)
    context = _properties(body, "context", "context", faults)
    if len(faults) > before or subject is None or action is None or resource is None:
        return None
    return Question(subject, action, resource, context)


def inherit(defaults: Mapping[str, object], item: Mapping[str, object]) -> Mapping[str, object]:
    """The item with what it leaves out taken from the defaults: a whole entity, never a part of one."""
    return {part: item.get(part, defaults.get(part)) for part in _PARTS}


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
