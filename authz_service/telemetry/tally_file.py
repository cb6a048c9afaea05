"""The files in which processes tell their numbers: one for each, which outlives it and is taken over by the next."""

import fcntl
import json
import os
import zlib
from itertools import count
from pathlib import Path
from typing import Any

_NAME = "tally-"
# What is told takes turns between two places, so that there is always one that is whole.
_PLACE_BYTES = 1024 * 1024
_PLACES = 2
_TRIES = 10

Told = dict[str, Any]

_NOTHING: tuple[int, Told] = (-1, {})


class TallyFile:
    """A file that this process alone writes, until it is closed or the process is gone.

    Attributes:
        taken_over: What was last told in it, by a process that is gone; empty in a new one.

    Raises:
        OSError: The folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._file = _take(folder)
        self._number, self.taken_over = _last_told(self._file)

    def tell(self, told: Told) -> None:
        self._number += 1
        body = json.dumps([self._number, told], separators=(",", ":")).encode()
        whole = b"%08x%08x" % (len(body), zlib.crc32(body)) + body
        os.pwrite(self._file, whole, self._number % _PLACES * _PLACE_BYTES)

    def close(self) -> None:
        os.close(self._file)


def told_in(folder: Path) -> list[Told]:
    """What each process tells, also those that are gone."""
    found = []
    for path in sorted(folder.glob(f"{_NAME}*")):
        file = os.open(path, os.O_RDONLY)
        try:
            found.append(_last_told(file)[1])
        finally:
            os.close(file)
    return [told for told in found if told]


def _take(folder: Path) -> int:
    for number in count():
        file = os.open(folder / f"{_NAME}{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
        else:
            return file
    raise AssertionError  # there is always a further number


def _last_told(file: int) -> tuple[int, Told]:
    newest = _NOTHING
    for _ in range(_TRIES):
        places = [_told_at(file, place * _PLACE_BYTES) for place in range(_PLACES)]
        newest = max([newest, *filter(None, places)], key=lambda told: told[0])
        # One that is being written just now is newer than the other, which may have been read before its turn.
        if None not in places:
            break
    return newest


def _told_at(file: int, place: int) -> tuple[int, Told] | None:
    """What is told in a place, with its number; None where it is not whole."""
    whole = os.pread(file, _PLACE_BYTES, place)
    if not whole.strip(b"\0"):
        return _NOTHING
    try:
        size, check = int(whole[:8], 16), int(whole[8:16], 16)
        body = whole[16 : 16 + size]
        if len(body) != size or zlib.crc32(body) != check:
            return None
        number, told = json.loads(body)
    except ValueError:
        return None
    return number, told
