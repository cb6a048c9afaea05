"""Lines are read as they come, whatever the pieces that they come in."""

import os
import threading
from pathlib import Path

import pytest

from authz_service.customers.feed import arriving
from authz_service.customers.feed.arriving import lines_as_they_come


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1000])
def test_lines_are_whole_whatever_the_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(arriving, "_CHUNK_BYTES", chunk)
    assert read(tmp_path, b"\xef\xbb\xbfone\n\n  \ntwo\r\nthree") == [(1, b"one"), (4, b"two"), (5, b"three")]


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n \n"])
def test_there_may_be_none(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) == []


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_a_line_that_is_too_long_is_told_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(arriving, "_CHUNK_BYTES", chunk)
    monkeypatch.setattr(arriving, "LONGEST_LINE_BYTES", 5)
    assert read(tmp_path, b"12345\n123456\n12\n1234567890") == [(1, b"12345"), (2, None), (3, b"12"), (4, None)]


def test_a_pause_is_told_once_and_what_comes_after_it_is_read() -> None:
    reading, writing = os.pipe()
    lines = lines_as_they_come(reading)
    os.write(writing, b"one\ntw")
    assert next(lines) == (1, b"one", 6)
    assert next(lines) is None
    # Nothing more is told until more comes.

    def write_more() -> None:
        os.write(writing, b"o\n")
        os.close(writing)

    later = threading.Timer(0.2, write_more)
    later.start()
    assert next(lines) == (2, b"two", 8)
    assert [line for line in lines if line is not None] == []
    later.join()
    os.close(reading)


def read(folder: Path, content: bytes) -> list[tuple[int, bytes | None]]:
    (folder / "lines").write_bytes(content)
    descriptor = os.open(folder / "lines", os.O_RDONLY)
    try:
        return [(line.number, line.content) for line in lines_as_they_come(descriptor) if line is not None]
    finally:
        os.close(descriptor)
