"""Reads lines as they come: from a file, or from a pipe whose writer may pause."""

import os
import select
from collections.abc import Iterator
from typing import NamedTuple

from authz_service.customers.ndjson_file import LONGEST_LINE_BYTES

_CHUNK_BYTES = 256 * 1024
_PAUSE_SECONDS = 0.05
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Arrived(NamedTuple):
    """A line that has come.

    Attributes:
        number: From 1.
        content: The line without its end; None where it is longer than `LONGEST_LINE_BYTES`.
        bytes_read: Of the whole input, at most a chunk more than up to here.
    """

    number: int
    content: bytes | None
    bytes_read: int


def lines_as_they_come(descriptor: int) -> Iterator[Arrived | None]:
    """Every line that is not blank, and None where for a moment no more has come. A byte order mark is skipped.

    Args:
        descriptor: An open file descriptor.

    Raises:
        OSError: It cannot be read.
    """
    lines = _Lines()
    bytes_read = 0
    while True:
        if not select.select([descriptor], [], [], _PAUSE_SECONDS)[0]:
            yield None
            select.select([descriptor], [], [])
        data = os.read(descriptor, _CHUNK_BYTES)
        bytes_read += len(data)
        # A last line may lack its end.
        for number, content in lines.of(data or b"\n"):
            if content is None or (content and not content.isspace()):
                yield Arrived(number, content, bytes_read)
        if not data:
            return


class _Lines:
    """Cuts what comes into lines."""

    def __init__(self) -> None:
        self._begun = bytearray()
        self._number = 0
        self._is_too_long = False

    def of(self, data: bytes) -> Iterator[tuple[int, bytes | None]]:
        *ended, begun = data.split(b"\n")
        for end in ended:
            self._number += 1
            line = bytes(self._begun) + end if self._begun else end
            is_too_long = self._is_too_long or len(line) > LONGEST_LINE_BYTES
            self._begun.clear()
            self._is_too_long = False
            if self._number == 1:
                line = line.removeprefix(_BYTE_ORDER_MARK)
            yield self._number, None if is_too_long else line.removesuffix(b"\r")
        if not self._is_too_long:
            self._begun += begun
        if len(self._begun) > LONGEST_LINE_BYTES:
            self._begun.clear()
            self._is_too_long = True
