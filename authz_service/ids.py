"""Identifiers that sort by time."""

import os
import random
import threading
import time
from datetime import UTC, datetime, timedelta

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
_TIME_CHARACTERS = 10
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_LAST_MILLISECOND = 2**48 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

LENGTH = 26


class _Making:
    """What the next id is made with."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.lock = threading.Lock()
        # Ids are no secrets. Asking the system for each would have every thread wait for the interpreter again.
        self.chance = random.Random()  # noqa: S311 - no secret is made of it
        self.last = 0


_making = _Making()
# A child of this process makes ids of its own.
os.register_at_fork(after_in_child=_making.begin)


def new_id() -> str:
    """A ULID: 26 characters, the first ten of which are the time in milliseconds.

    Those that one process makes are in their order, also within a millisecond.
    """
    with _making.lock:
        milliseconds = time.time_ns() // 1_000_000
        made = milliseconds << _RANDOM_BITS | _making.chance.getrandbits(_RANDOM_BITS)
        if milliseconds == _making.last >> _RANDOM_BITS:
            made = max(made, _making.last + 1)
        _making.last = made
    return _encode(made)


def first_id_at(moment: datetime) -> str:
    """The least id of that millisecond: those of earlier moments are less, those of later ones are not."""
    # Not as a float, which now and then is a millisecond less.
    return _encode(min(max((moment - _EPOCH) // _MILLISECOND, 0), _LAST_MILLISECOND) << _RANDOM_BITS)


def time_of(made: str) -> datetime:
    """When an id was made, to the millisecond."""
    value = 0
    for character in made[:_TIME_CHARACTERS]:
        value = value * 32 + _ALPHABET.index(character)
    return _EPOCH + value * _MILLISECOND


def _encode(value: int) -> str:
    # Two characters at a time, as there is one for each decision.
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])
