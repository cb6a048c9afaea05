"""Reads customer data with one JSON object a line, in constant memory."""

from collections.abc import Iterator
from typing import BinaryIO

from authz_service import strict_json
from authz_service.customers.record import Record, RecordKind, Unreadable

LONGEST_LINE_BYTES = 64 * 1024 * 1024

_KINDS = ", ".join(RecordKind)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_ndjson(file: BinaryIO) -> Iterator[Record | Unreadable]:
    """Every line that is not blank: a record, or why it is none. A byte order mark is skipped."""
    for line in read_lines(file):
        yield line if isinstance(line, Unreadable) else record_of(*line)


def read_lines(file: BinaryIO) -> Iterator[tuple[int, bytes] | Unreadable]:
    """Number and content of every line that is not blank and not too long. A byte order mark is skipped."""
    number = 0
    while line := file.readline(LONGEST_LINE_BYTES + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if len(line) > LONGEST_LINE_BYTES:
            _skip_to_end_of_line(file, line)
            yield Unreadable(f"is longer than {LONGEST_LINE_BYTES // 1024**2} MiB", number)
        elif line and not line.isspace():
            yield number, line


def _skip_to_end_of_line(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(LONGEST_LINE_BYTES)


def record_of(number: int, line: bytes) -> Record | Unreadable:
    """What is in a line, or why it is no record."""
    try:
        value = strict_json.loads(line.rstrip(b"\r\n"))
    except strict_json.NotJson as error:
        place = f" (column {error.column})" if error.column else ""
        return Unreadable(f"{error.what}{place}", number)
    if isinstance(value, dict) and len(value) == 1:
        [(key, content)] = value.items()
        if key in set(RecordKind):
            return Record(RecordKind(key), None, content, {(): number})
    return Unreadable(f"must be an object with exactly one key of {_KINDS}", number)
