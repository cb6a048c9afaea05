"""Whether time tells how far a guess was right: tokens and activation codes, compared by Welch's t-test.

    python -m bench.timing [--measurements 200000]

Guesses of two kinds are tried in random order: right but for the last three characters, and wrong in the first three.
Were they compared character by character, the first kind would take longer. The last line compares so on purpose, and
shows that a difference of that kind is seen here. Exit 1 where it is seen elsewhere, or is not seen there.
"""

import argparse
import datetime as dt
import gc
import random
import string
import sys
import time
from collections.abc import Callable, Sequence
from math import sqrt
from statistics import fmean, quantiles, variance
from typing import NamedTuple

from authz_service.callers.callers import Caller, Callers, new_token, token_sha256
from authz_service.customers.activation_code import digest, matches
from authz_service.words import Scope

_SEEN_ABOVE = 4.5
"""A |t| above this is a difference: the threshold of dudect (Reparaz et al. 2017), one in 100,000 by chance."""

_KEPT_PERCENT = 90
"""Of the measurements the quickest so many are compared: what is slower was interrupted."""

_GUESSES = 1_000
_WRONG = 3
_CHARACTERS = string.ascii_letters + string.digits
_CODE = "K7QF-2M9X"
_DATE = dt.date(2026, 11, 2)

Try = Callable[[str], object]


class Compared(NamedTuple):
    """What was measured.

    Attributes:
        nearly_ns: Nanoseconds of a guess that is right but for its last characters, on average.
        wrong_ns: Those of one that is wrong in its first.
        t: Welch's t of the two.
    """

    nearly_ns: float
    wrong_ns: float
    t: float

    @property
    def is_seen(self) -> bool:
        return abs(self.t) > _SEEN_ABOVE


def welch_t(first: Sequence[float], second: Sequence[float]) -> float:
    """Welch's t of two samples: how many standard errors their means are apart."""
    apart = fmean(first) - fmean(second)
    error = sqrt(variance(first) / len(first) + variance(second) / len(second))
    return apart / error if error else 0.0


def compare(attempt: Try, right: str, measurements: int, chance: random.Random) -> Compared:
    """Tries guesses of both kinds, so many of each."""
    # Made by turns, so that both kinds lie alike in memory, and of so many that few are the same.
    pairs = [
        (right[:-_WRONG] + _others(right[-_WRONG:], chance), _others(right[:_WRONG], chance) + right[_WRONG:])
        for _ in range(_GUESSES)
    ]
    guesses = tuple(zip(*pairs, strict=True))
    kinds = [0, 1] * measurements
    chance.shuffle(kinds)
    taken: tuple[list[list[float]], list[list[float]]] = [[] for _ in guesses[0]], [[] for _ in guesses[1]]
    clock = time.perf_counter_ns
    gc.disable()
    for n, kind in enumerate(kinds):
        guess = guesses[kind][n % _GUESSES]
        began = clock()
        attempt(guess)
        taken[kind][n % _GUESSES].append(float(clock() - began))
    gc.enable()
    everything = [each for of_kind in taken for of_guess in of_kind for each in of_guess]
    longest = quantiles(everything, n=100)[_KEPT_PERCENT - 1]
    # Where a text lies in memory makes it some nanoseconds faster or slower each time: a guess counts once.
    usual = ([[each for each in of_guess if each <= longest] for of_guess in of_kind] for of_kind in taken)
    nearly, wrong = ([fmean(of_guess) for of_guess in of_kind if of_guess] for of_kind in usual)
    return Compared(fmean(nearly), fmean(wrong), welch_t(nearly, wrong))


def targets() -> dict[str, tuple[Try, str]]:
    """What is tried by name, with what would be right; the last is the one that is to be seen."""
    token, key = new_token(), b"k" * 32
    others = [Caller(f"caller-{n}", token_sha256(new_token()), frozenset(Scope)) for n in range(50)]
    callers = Callers([*others, Caller("caller", token_sha256(token), frozenset(Scope))])
    kept = digest(key, "123456789", _CODE, _DATE)
    return {
        "token of a caller": (callers.caller_of, token),
        "activation code": (lambda guess: matches(key, kept, "123456789", guess, _DATE), _CODE),
        "character by character": (lambda guess: _naively_equal(guess, token), token),
    }


def _naively_equal(guess: str, right: str) -> bool:
    return len(guess) == len(right) and all(a == b for a, b in zip(guess, right, strict=True))


def _others(characters: str, chance: random.Random) -> str:
    return "".join(chance.choice(_CHARACTERS.replace(character, "")) for character in characters)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measurements", type=int, default=200_000, help="guesses of each kind; 200000 if left out")
    measurements = parser.parse_args().measurements
    chance = random.Random()
    print(f"{measurements:,} guesses of each kind; a difference is seen where |t| is above {_SEEN_ABOVE}.")
    print(f"{'':24}{'nearly right':>14}{'wrong at once':>15}{'t':>9}")
    results = {name: compare(attempt, right, measurements, chance) for name, (attempt, right) in targets().items()}
    for name, (nearly, wrong, t) in results.items():
        said = "seen" if results[name].is_seen else "none seen"
        print(f"{name:24}{nearly:11.1f} ns{wrong:12.1f} ns{t:9.1f}   {said}")
    *of_ours, control = results.values()
    return int(any(each.is_seen for each in of_ours) or not control.is_seen)


if __name__ == "__main__":
    sys.exit(main())
