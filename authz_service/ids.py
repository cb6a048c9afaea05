"""Identifiers that sort by time."""

import os
import random
import threading
import time
from datetime import UTC, datetime, timedelta

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
_HALF_BITS = 40
_TIME_BITS = 50
_TIME_CHARACTERS = 10
# Two characters at a time, as there is an id for each decision.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_LAST_MILLISECOND = 2**48 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

LENGTH = 26
AFTER_ALL = "~"
"""Comes after every id; and after the beginning of one, after all that begin so."""


def _encode(value: int, bits: int = 130) -> str:
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(bits - 10, -1, -10)])


class _Making:
    """What the next id is made with: after the time, 40 bits that are the process's own, and 40 that count up."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.lock = threading.Lock()
        # Ids are no secrets: they have to differ, and in every process from those of others.
        chance = random.Random()  # noqa: S311 - no secret is made of it
        self.process = _encode(chance.getrandbits(_HALF_BITS), _HALF_BITS)
        # The highest bit is left, so that it can count on.
        self.count = chance.getrandbits(_HALF_BITS - 1)
        self.milliseconds = -1
        self.beginning = ""


_making = _Making()
# A child of this process makes ids of its own.
os.register_at_fork(after_in_child=_making.begin)


def new_id() -> str:
    """A ULID: 26 characters, the first ten of which are the time in milliseconds.

    Those that one process makes are in their order, also within a millisecond.
    """
    with _making.lock:
        milliseconds = time.time_ns() // 1_000_000
        if milliseconds != _making.milliseconds:
            _making.milliseconds = milliseconds
            _making.beginning = _encode(milliseconds, _TIME_BITS) + _making.process
        _making.count = count = _making.count + 1
        beginning = _making.beginning
    return (
        f"{beginning}{_PAIRS[count >> 30 & 1023]}{_PAIRS[count >> 20 & 1023]}"
        f"{_PAIRS[count >> 10 & 1023]}{_PAIRS[count & 1023]}"
    )


def first_id_at(moment: datetime) -> str:
    """The least id of that millisecond: those of earlier moments are less, those of later ones are not."""
    # Not as a float, which now and then is a millisecond less.
    return _encode(min(max((moment - _EPOCH) // _MILLISECOND, 0), _LAST_MILLISECOND) << _RANDOM_BITS)


def time_of(made: str) -> datetime:
    """When an id was made, to the millisecond."""
    return _EPOCH + number_of(made[:_TIME_CHARACTERS]) * _MILLISECOND


def number_of(characters: str) -> int:
    """What characters of an id are as a number.

    Raises:
        ValueError: No id has one of them.
    """
    value = 0
    for character in characters:
        value = value * 32 + _ALPHABET.index(character)
    return value
