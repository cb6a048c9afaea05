import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.strict_json import MAX_DEPTH, NotJson, loads

scalars = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


@given(values, st.booleans())
def test_what_the_standard_library_writes_is_read_back(value: object, ensure_ascii: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
    assert loads(json.dumps(value, ensure_ascii=ensure_ascii).encode()) == value


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is not JSON: expecting value (line 1, column 1)"),
        (b'{"a": 1,}', "is not JSON: expecting property name enclosed in double quotes (line 1, column 9)"),
        (b'{"a": 1} x', "is not JSON: extra data (line 1, column 10)"),
        (b'{"a":\n "b\tc"}', "is not JSON: invalid control character at (line 2, column 4)"),
        (b'"\\x"', "is not JSON: invalid \\escape (line 1, column 2)"),
        (b'{"a": "b",\n "c": "\xff"}', "is not UTF-8 (line 2, column 8)"),
        (b'"\xed\xa0\x80"', "is not UTF-8 (line 1, column 2)"),
        (b"\xef\xbb\xbf{}", "starts with a byte order mark; send it without"),
        (b'{"a": 1, "a": 2}', "has an object with a repeated member"),
        (b'[{"b": {"a": 1, "\\u0061": 1}}]', "has an object with a repeated member"),
        (b"NaN", "has NaN, which is not JSON"),
        (b"[-Infinity]", "has -Infinity, which is not JSON"),
        (b"1e999", "has a number that is too large"),
        (b"-1e999", "has a number that is too large"),
        (b"1" * 400, "has a number that is too large"),
        (b"1" * 100_000, "has a number that is too large"),
        (b'"\\ud800"', "has a string with half of a surrogate pair"),
        (b'{"\\uDFFF": 1}', "has a string with half of a surrogate pair"),
        (b'[{"a": ["\\ud83d\\ude00 \\ud83d"]}]', "has a string with half of a surrogate pair"),
    ],
)
def test_what_is_not_strict_json_is_refused_without_its_value(data: bytes, sentence: str) -> None:
    with pytest.raises(NotJson) as refusal:
        loads(data)
    assert str(refusal.value) == sentence


def test_a_surrogate_pair_is_one_character() -> None:
    assert loads(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


def test_an_escaped_backslash_before_u_is_no_surrogate() -> None:
    assert loads(b'"\\\\ud800"') == "\\ud800"


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_the_deepest_nesting_allowed_is_read_and_one_more_refused(opening: bytes, closing: bytes) -> None:
    loads(opening * MAX_DEPTH + b"1" + closing * MAX_DEPTH)
    with pytest.raises(NotJson, match="nested more than 64 levels deep"):
        loads(opening * (MAX_DEPTH + 1) + b"1" + closing * (MAX_DEPTH + 1))


# Brackets, quotes and backslashes in strings, about as many levels as are allowed.
tricky = st.text('[]{}"\\,:', max_size=4)
nested = st.recursive(
    tricky, lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(tricky, inner, min_size=1)
)


@given(nested, st.integers(MAX_DEPTH - 6, MAX_DEPTH), tricky)
def test_brackets_in_strings_neither_add_levels_nor_hide_them(value: object, more: int, name: str) -> None:
    for _ in range(more):
        value = {name: value}
    data = json.dumps([value, [0] * MAX_DEPTH]).encode()
    if _levels(value) + 1 <= MAX_DEPTH:
        assert loads(data) == [value, [0] * MAX_DEPTH]
    else:
        with pytest.raises(NotJson, match="nested more than 64 levels deep"):
            loads(data)


def _levels(value: object) -> int:
    if not isinstance(value, (dict, list)):
        return 0
    return 1 + max(map(_levels, value.values() if isinstance(value, dict) else value), default=0)


@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
def test_a_hundred_thousand_open_brackets_are_refused_not_a_crash(bracket: bytes) -> None:
    with pytest.raises(NotJson):
        loads(bracket * 100_000)


def test_a_hundred_thousand_nested_lists_are_refused_not_a_crash() -> None:
    with pytest.raises(NotJson, match="nested more than 64 levels deep"):
        loads(b"[" * 100_000 + b"]" * 100_000)
