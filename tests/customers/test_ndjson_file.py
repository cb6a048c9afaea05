import io

import pytest

from authz_service.customers import ndjson_file
from authz_service.customers.ndjson_file import read_ndjson
from authz_service.customers.record import Record, RecordKind, Unreadable

ONE_KEY = "must be an object with exactly one key of person, option, customer"


def read(content: bytes) -> list[Record | Unreadable]:
    return list(read_ndjson(io.BytesIO(content)))


def test_a_line_is_a_record() -> None:
    assert read(b'{"person": {"id": "a"}}\n{"option": {}}\n{"customer": 1}') == [
        Record(RecordKind.PERSON, None, {"id": "a"}, {(): 1}),
        Record(RecordKind.OPTION, None, {}, {(): 2}),
        Record(RecordKind.CUSTOMER, None, 1, {(): 3}),
    ]


def test_every_place_in_a_record_is_on_its_line() -> None:
    [record] = read(b'\n{"customer": {"members": []}}')
    assert isinstance(record, Record)
    assert record.line_of(("members", 0, "role")) == 2


@pytest.mark.parametrize("content", [b"", b"\n", b"  \r\n\t\n", b"\xef\xbb\xbf"])
def test_blank_lines_are_skipped(content: bytes) -> None:
    assert read(content) == []


def test_a_byte_order_mark_and_windows_line_ends_are_skipped() -> None:
    assert read(b'\xef\xbb\xbf{"person": {}}\r\n{"person": {}}\r\n') == [
        Record(RecordKind.PERSON, None, {}, {(): line}) for line in (1, 2)
    ]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"[]", ONE_KEY),
        (b"{}", ONE_KEY),
        (b'{"people": {}}', ONE_KEY),
        (b'{"person": {}, "option": {}}', ONE_KEY),
        (b'{"person": {}} {"person": {}}', "is not JSON: extra data (column 16)"),
        (b'{"person": }', "is not JSON: expecting value (column 12)"),
        (b'{"person": {"id": 1, "id": 2}}', "has an object with a repeated member"),
        (b'{"person": NaN}', "has NaN, which is not JSON"),
        (b'{"person": "\xff"}', "is not UTF-8 (column 13)"),
        (b'{"person": "\\ud800"}', "has a string with half of a surrogate pair"),
        (b'{"person": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is nested more than 64 levels deep"),
        (b'\xef\xbb\xbf{"person": {}}', "starts with a byte order mark; send it without"),
    ],
)
def test_a_line_that_is_no_record_is_named_and_the_rest_read(line: bytes, what: str) -> None:
    unreadable, record = read(b"\n" + line + b'\n{"person": {}}\n')
    assert unreadable == Unreadable(what, 2)
    assert record == Record(RecordKind.PERSON, None, {}, {(): 3})


def test_a_line_that_is_too_long_is_skipped_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson_file, "LONGEST_LINE_BYTES", 20)
    too_long = Unreadable("is longer than 0 MiB", 1)
    assert read(b"x" * 99 + b'\n{"person": {}}\n') == [too_long, Record(RecordKind.PERSON, None, {}, {(): 2})]
    assert read(b"x" * 20 + b'\n{"person": {}}\n') == [too_long, Record(RecordKind.PERSON, None, {}, {(): 2})]
    assert read(b"x" * 99) == [too_long]
