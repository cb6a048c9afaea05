"""JSON from outside, read as RFC 8259 has it and never leniently: one text, one meaning."""

import json
import math
import re
from typing import NoReturn

MAX_DEPTH = 64

_LONGEST_SAFE_INTEGER = 300
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_BRACES = bytes.maketrans(b"[]", b"{}")
_NEITHER_BRACKETS_NOR_QUOTES = bytes(set(range(256)) - set(b'{}[]"'))


class NotJson(ValueError):
    """Names what is wrong without the value at fault.

    Attributes:
        what: The sentence, without the place.
        line: From 1; 0 where the place is not known.
        column: From 1, in characters; 0 where the place is not known.
    """

    def __init__(self, what: str, line: int = 0, column: int = 0) -> None:
        self.what = what
        self.line = line
        self.column = column
        super().__init__(f"{what} (line {line}, column {column})" if line else what)


def loads(data: bytes) -> object:
    """The value of one JSON text in UTF-8, at most `MAX_DEPTH` levels deep.

    Raises:
        NotJson: Not UTF-8, not JSON, a repeated member, NaN or Infinity, a number beyond a double,
            half of a surrogate pair, or nested too deeply.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NotJson("is not UTF-8", *_place(data[: error.start])) from None
    if text.startswith("\ufeff"):
        raise NotJson("starts with a byte order mark; send it without")
    try:
        value: object = _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise NotJson(f"is not JSON: {_reason(error)}", error.lineno, error.colno) from None
    except RecursionError:
        _refuse_depth()
    may_hold_surrogates = b"\\u" in data and _SURROGATE_ESCAPE.search(data) is not None
    may_be_deep = data.count(b"{") + data.count(b"[") > MAX_DEPTH and not _is_surely_shallow(data)
    if may_hold_surrogates or may_be_deep:
        _check_strings_and_depth(value, look_for_surrogates=may_hold_surrogates)
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotJson("has an object with a repeated member")
    return members


def _integer(literal: str) -> int:
    if len(literal) > _LONGEST_SAFE_INTEGER:
        _float(literal)
    return int(literal)


def _float(literal: str) -> float:
    number = float(literal)
    if math.isinf(number):
        raise NotJson("has a number that is too large")
    return number


def _constant(name: str) -> NoReturn:
    raise NotJson(f"has {name}, which is not JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)


def _place(before: bytes) -> tuple[int, int]:
    start_of_line = before.rfind(b"\n") + 1
    return before.count(b"\n") + 1, len(before[start_of_line:].decode()) + 1


def _reason(error: json.JSONDecodeError) -> str:
    # What follows a colon may be a character of the text.
    sentence = error.msg.partition(":")[0]
    return sentence[:1].lower() + sentence[1:]


def _is_surely_shallow(data: bytes) -> bool:
    """Whether a text of JSON without brackets in its strings is at most `MAX_DEPTH` levels deep.

    A call of many questions has many brackets, and this takes a tenth of the time of looking at each value.
    """
    if b"\\" in data:
        return False
    # A string that holds no bracket is a pair of quotes by now; of one that holds some, a quote remains.
    left = data.translate(_BRACES, _NEITHER_BRACKETS_NOR_QUOTES).replace(b'""', b"")
    if b'"' in left:
        return False
    for _ in range(MAX_DEPTH):
        left = left.replace(b"{}", b"")
        if not left:
            return True
    return False


def _check_strings_and_depth(value: object, *, look_for_surrogates: bool) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        if look_for_surrogates:
            _refuse_surrogates(level)
        level = [
            child
            for parent in level
            if isinstance(parent, (dict, list))
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return
    _refuse_depth()


def _refuse_surrogates(level: list[object]) -> None:
    for item in level:
        strings = [item] if isinstance(item, str) else item if isinstance(item, dict) else ()
        for string in strings:
            try:
                string.encode()
            except UnicodeEncodeError:
                raise NotJson("has a string with half of a surrogate pair") from None


def _refuse_depth() -> NoReturn:
    raise NotJson(f"is nested more than {MAX_DEPTH} levels deep")
