"""Reads customer data in YAML object by object, in constant memory, and takes nothing that YAML only guesses.

A value without quotes that YAML reads as a number, a date or yes and no stays one, so that the model refuses
it where it wants a string. Anchors, aliases, merge keys, tags and further documents are refused.
"""

from collections.abc import Iterator
from typing import BinaryIO

import yaml

from authz_service.customers.parsing import path
from authz_service.customers.record import Record, RecordKind, Unreadable
from authz_service.customers.yaml_value import Composer, Events, TooDeep, line_of, skip, unwanted_mark

_LISTS = {"people": RecordKind.PERSON, "options": RecordKind.OPTION, "customers": RecordKind.CUSTOMER}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class _NoMore(Exception):
    """Nothing after this can be read."""

    def __init__(self, what: str, line: int, where: str = "") -> None:
        self.unreadable = Unreadable(what, line, where)
        super().__init__(what)


def read_yaml(file: BinaryIO) -> Iterator[Record | Unreadable]:
    """Every record under people, options and customers, and whatever else stands there as a fault."""
    if file.read(2) in _UTF_16_MARKS:
        yield Unreadable("is not UTF-8", 1)
        return
    file.seek(0)
    try:
        yield from _document(yaml.parse(file, Loader=_LOADER))
    except _NoMore as end:
        yield end.unreadable
    except yaml.reader.ReaderError as error:
        yield _unreadable_bytes(file, error)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        yield Unreadable(f"is not YAML: {error.problem}", line)


def _document(events: Events) -> Iterator[Record | Unreadable]:
    next(events)  # the stream starts
    if isinstance(next(events), yaml.StreamEndEvent):
        return
    top = next(events)
    if not isinstance(top, yaml.MappingStartEvent):
        raise _NoMore(f"must have the keys {', '.join(_LISTS)}", line_of(top))
    seen: set[str] = set()
    while not isinstance(key := next(events), yaml.MappingEndEvent):
        if not isinstance(key, yaml.ScalarEvent):
            yield Unreadable("has a key that is not a string", line_of(key))
            skip(events, key)
            skip(events, next(events))
            continue
        name = key.value
        if name in seen:
            yield Unreadable("is there already", line_of(key), path((name,)))
        seen.add(name)
        if name in _LISTS:
            yield from _list(events, name)
        else:
            yield Unreadable(f"unknown key; known are: {', '.join(_LISTS)}", line_of(key), path((name,)))
            skip(events, next(events))
    next(events)  # the document ends
    after = next(events)
    if not isinstance(after, yaml.StreamEndEvent):
        raise _NoMore("a second document starts here; put it in a file of its own", line_of(after))


def _list(events: Events, name: str) -> Iterator[Record | Unreadable]:
    start = next(events)
    if not isinstance(start, yaml.SequenceStartEvent):
        yield Unreadable("must be a list", line_of(start), name)
        skip(events, start)
        return
    if fault := unwanted_mark(start):
        yield Unreadable(fault, line_of(start), name)
    index = 0
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        composer = Composer(events)
        try:
            value = composer.value(event, ())
        except TooDeep as error:
            raise _NoMore(str(error), error.line, f"{name}[{index}]") from None
        yield Record(_LISTS[name], index, value, composer.lines, composer.findings)
        index += 1


def _unreadable_bytes(file: BinaryIO, error: yaml.reader.ReaderError) -> Unreadable:
    file.seek(0)
    line = 1
    left = error.position
    while left > 0 and (chunk := file.read(min(left, 1 << 16))):
        line += chunk.count(b"\n")
        left -= len(chunk)
    return Unreadable("is not UTF-8, or has a control character", line)
