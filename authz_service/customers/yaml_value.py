"""One object of a YAML file out of the parser's events, with the line of everything in it."""

import datetime as dt
import re
from collections.abc import Iterator

import yaml

from authz_service.customers.parsing import Finding
from authz_service.customers.rules import Location
from authz_service.strict_json import MAX_DEPTH

Events = Iterator[yaml.Event]

_MERGE_KEY = "<<"
# What some reader of YAML takes for a number, be it PyYAML or not, such as 0129 or 1e3.
_LIKE_A_NUMBER = re.compile(r"[-+]?\.?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?")


class TooDeep(Exception):
    """The object has more than `MAX_DEPTH` levels."""

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(f"is nested more than {MAX_DEPTH} levels deep")


class Composer:
    """Makes one object out of its events.

    Attributes:
        lines: The line of each location met, from 1.
        findings: What YAML allows and we do not. A value that is refused is None, or left out with its key.
    """

    def __init__(self, events: Events) -> None:
        self.lines: dict[Location, int] = {}
        self.findings: list[Finding] = []
        self._events = events

    def value(self, event: yaml.Event, location: Location) -> object:
        if len(location) >= MAX_DEPTH and isinstance(event, yaml.CollectionStartEvent):
            raise TooDeep(line_of(event))
        self.lines.setdefault(location, line_of(event))
        if fault := unwanted_mark(event):
            self._find(location, fault)
        if isinstance(event, yaml.ScalarEvent):
            return _plain(event.value) if event.implicit[0] else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(location)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(location)
        return None

    def _sequence(self, location: Location) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self.value(event, (*location, len(items))))
        return items

    def _mapping(self, location: Location) -> dict[str, object]:
        members: dict[str, object] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, location)
            if key is None:
                skip(self._events, next(self._events))
                continue
            inner = (*location, key)
            if key in members:
                self._find(inner, "is there already")
            self.lines[inner] = line_of(event)
            value = self.value(next(self._events), inner)
            members.setdefault(key, value)
        return members

    def _key(self, event: yaml.Event, location: Location) -> str | None:
        if not isinstance(event, yaml.ScalarEvent):
            skip(self._events, event)
            self._find(location, "has a key that is not a string")
            return None
        if fault := unwanted_mark(event):
            self._find(location, f"has a key that {fault}")
        key = _plain(event.value) if event.implicit[0] else event.value
        if event.implicit[0] and key == _MERGE_KEY:
            self._find(location, "must not merge (<<); write the members out")
            return None
        if not isinstance(key, str):
            self._find(location, "has a key that is not a string; quote it")
            return None
        return key

    def _find(self, location: Location, what: str) -> None:
        self.findings.append(Finding(location, what))


def unwanted_mark(event: yaml.Event) -> str:
    """What is wrong with an alias, an anchor or a tag; empty where there is none."""
    if isinstance(event, yaml.AliasEvent):
        return "must not be an alias (*); write the value out"
    if getattr(event, "anchor", None):
        return "must not have an anchor (&)"
    if getattr(event, "tag", None):
        return "must not have a tag (!); quote what is to be a string"
    return ""


def _plain(text: str) -> object:
    """What YAML reads without quotes; a number or a time becomes a stand-in, since none is ever used."""
    tag = _implicit_tag(text)
    if tag == "null":
        return None
    if tag == "bool":
        return False
    if tag == "timestamp":
        return _date(text)
    if tag in {"int", "float"} or _LIKE_A_NUMBER.fullmatch(text):
        return 0
    return text


def _implicit_tag(text: str) -> str:
    for tag, expression in yaml.SafeLoader.yaml_implicit_resolvers.get(text[:1], ()):
        if expression.match(text):
            return str(tag).rpartition(":")[2]
    return "str"


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return dt.datetime.min  # noqa: DTZ901 - a stand-in that the model takes for no date


def skip(events: Events, event: yaml.Event) -> None:
    """Reads on to the end of the value that begins with the event."""
    depth = 0
    while True:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth == 0:
            return
        event = next(events)


def line_of(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
