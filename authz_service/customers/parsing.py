"""From what came in to the model, or to every fault in it, each said in our own words."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from authz_service.customers import model
from authz_service.customers.rules import Location, broken_rules
from authz_service.errors import Fault, InvalidRequest
from authz_service.words import SubscriptionKind

AnyModel = TypeVar("AnyModel", bound=BaseModel)

_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z_]\w{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault before it is known in which file it is.

    Attributes:
        location: Keys and indices from the object down. The last one is the caller's own word if
            `is_unknown_key`.
        what: A sentence without the value at fault.
    """

    location: Location
    what: str
    is_unknown_key: bool = False


def check(kind: type[AnyModel], value: object) -> AnyModel | list[Finding]:
    """The object, or everything that is wrong with it."""
    findings: list[Finding] = []
    try:
        parsed = kind.model_validate(value)
    except ValidationError as error:
        findings += findings_of(error, kind)
    if kind is model.Customer:
        findings += (Finding(location, what) for location, what in broken_rules(value))
    return findings or parsed


def parse(kind: type[AnyModel], body: object) -> AnyModel:
    """The object in the body of a request.

    Raises:
        InvalidRequest: Every fault, none of which repeats what the caller sent, be it a key.
    """
    checked = check(kind, body)
    if isinstance(checked, list):
        raise InvalidRequest([Fault(finding.what, path(_without_unknown_key(finding))) for finding in checked])
    return checked


def _without_unknown_key(finding: Finding) -> Location:
    return finding.location[:-1] if finding.is_unknown_key else finding.location


def path(location: Location, prefix: str = "") -> str:
    """A location as it is written: `customers[0].members[1].role`."""
    written = prefix
    for step in location:
        if isinstance(step, int):
            written += f"[{step}]"
        elif _NEEDS_NO_QUOTES.fullmatch(step):
            written += f".{step}" if written else step
        else:
            written += f"[{json.dumps(step[:40])}]"
    return written


def findings_of(error: ValidationError, kind: type[BaseModel]) -> Iterator[Finding]:
    """What pydantic found, in our own sentences. None of them holds the value at fault."""
    for detail in error.errors(include_url=False):
        location = _location(detail)
        what = _sentence(detail, location, kind)
        # A key that a mobile has is a word of ours, also where it is out of place.
        is_unknown = detail["type"] == "extra_forbidden" and location[-1] not in model.Mobile.model_fields
        yield Finding(location, what, is_unknown_key=is_unknown)


def _location(detail: ErrorDetails) -> Location:
    location = detail["loc"]
    if detail["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        return (*location, "kind")
    if location[:1] == ("subscriptions",):
        # After the index stands which of the two models was tried.
        return location[:2] + location[3:]
    return location


def _sentence(detail: ErrorDetails, location: Location, kind: type[BaseModel]) -> str:
    got = _named(detail["input"])
    match detail["type"]:
        case model.OWN_SENTENCE:
            said = str(detail["ctx"]["sentence"])
        case "missing" | "union_tag_not_found":
            said = "is missing"
        case "extra_forbidden":
            said = _unknown_key(detail, location, kind)
        case "string_type":
            said = f"must be a string, got {got}{'; quote it' if got in _QUOTABLE else ''}"
        case "string_unicode":
            said = model.HALF_OF_A_PAIR
        case "enum":
            said = f"must be one of {detail['ctx']['expected'].replace(' or ', ', ').replace(chr(39), '')}"
        case "union_tag_invalid":
            said = f"must be one of {', '.join(SubscriptionKind)}"
        case other:
            wanted = _WANTED.get(other)
            said = f"must be {wanted}, got {got}" if wanted else "is not of the right form"
    return said


_WANTED = {
    "bool_type": "true or false",
    "list_type": "a list",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
_QUOTABLE = {"a number", "a boolean", "a date"}


def _named(value: object) -> str:
    names = {
        type(None): "null",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "a list",
        dt.date: "a date",
        dt.datetime: "a date",
    }
    return names.get(type(value), "an object")


_INNER: dict[str, type[BaseModel]] = {"members": model.Member, "activation": model.Activation}


def _unknown_key(detail: ErrorDetails, location: Location, kind: type[BaseModel]) -> str:
    owner = kind
    if location[0] == "subscriptions" and len(location) > 1:
        is_mobile = detail["loc"][2] == SubscriptionKind.MOBILE
        if location[-1] in model.Mobile.model_fields and not is_mobile:
            return "unknown key; only a mobile has it"
        owner = model.Mobile if is_mobile else model.OtherSubscription
    elif len(location) > 1:
        owner = _INNER[str(location[0])]
    known = (field.alias or name for name, field in owner.model_fields.items())
    return f"unknown key; known are: {', '.join(known)}"
