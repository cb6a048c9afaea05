"""Identifiers that sort by time."""

import os
import time
from datetime import UTC, datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BYTES = 10
_RANDOM_BITS = 8 * _RANDOM_BYTES
_TIME_CHARACTERS = 10
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_LAST_MILLISECOND = 2**48 - 1

LENGTH = 26


def new_id() -> str:
    """A ULID: 26 characters, the first ten of which are the time in milliseconds."""
    return _encode(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(_RANDOM_BYTES)))


def first_id_at(moment: datetime) -> str:
    """The least id of that millisecond: those of earlier moments are less, those of later ones are not."""
    return _encode(min(max(int(moment.timestamp() * 1000), 0), _LAST_MILLISECOND), 0)


def time_of(made: str) -> datetime:
    """When an id was made, to the millisecond."""
    value = 0
    for character in made[:_TIME_CHARACTERS]:
        value = value * 32 + _ALPHABET.index(character)
    return datetime.fromtimestamp(value / 1000, UTC)


def _encode(milliseconds: int, chance: int) -> str:
    value = milliseconds << _RANDOM_BITS | chance
    # Two characters at a time, as there is one for each decision.
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])
