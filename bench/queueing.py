"""Requests that wait for cores: a small simulation of single events, whose chance is the same at each run.

A station has some cores and takes requests in the order in which they come. How long a request takes there is
log-normal. A few requests are held up besides, and take no core meanwhile: another thread has Python's lock, which it
gives up after five milliseconds only, or the system has given the core to another process.
"""

import heapq
import math
import random
from collections.abc import Sequence
from typing import NamedTuple

_SEED = 7
_WARM_PART = 0.1
_HOLD_UP_SECONDS = 0.005


class Station(NamedTuple):
    """Where requests wait for a core.

    Attributes:
        cores: How many there are.
        seconds: How long a request takes one of them, on average.
    """

    cores: int
    seconds: float


class Waits(NamedTuple):
    """What callers meet.

    Attributes:
        per_second: Requests answered a second.
        p50_ms: Milliseconds that half of the requests take at most.
        p99_ms: … that 99 of 100 take at most.
    """

    per_second: float
    p50_ms: float
    p99_ms: float


def closed(
    callers: int, station: Station, variance: float, requests: int, delay: float = 0.0, held: float = 0.0
) -> Waits:
    """Callers who ask again as soon as they are answered.

    Args:
        callers: How many.
        station: All that works for an answer, on one machine.
        variance: Of the time at the station, as a part of the square of its mean.
        requests: How many are simulated.
        delay: Seconds that a request waits besides, for what is no core, such as a disk; up to twice as long.
        held: Which part of the requests is held up.
    """
    chance = random.Random(_SEED)
    ready = [0.0] * callers
    free = [0.0] * station.cores
    taken, first, last = [], 0.0, 0.0
    for n in range(requests):
        asked = heapq.heappop(ready)
        done = _serve(free, asked, _time(chance, station.seconds, variance)) + _besides(chance, delay, held)
        heapq.heappush(ready, done)
        if n >= requests * _WARM_PART:
            first, last = first or asked, max(last, done)
            taken.append(done - asked)
    return _waits(taken, last - first)


def opened(
    rate: float, stations: Sequence[Station], variance: float, requests: int, delay: float = 0.0, held: float = 0.0
) -> Waits:
    """Callers who know nothing of each other: requests come at random, and go from one station to the next.

    Args:
        rate: Requests a second.
        stations: Each busy for less than all the time, or the waits grow without end.
        variance: As for `closed`.
        requests: How many are simulated.
        delay: As for `closed`.
        held: As for `closed`.
    """
    chance = random.Random(_SEED)
    came, now = [], 0.0
    for _ in range(requests):
        now += chance.expovariate(rate)
        came.append(now)
    at = [(time, n) for n, time in enumerate(came)]
    for station in stations:
        free = [0.0] * station.cores
        at = sorted((_serve(free, time, _time(chance, station.seconds, variance)), n) for time, n in at)
    taken = [time - came[n] + _besides(chance, delay, held) for time, n in at if n >= requests * _WARM_PART]
    return _waits(taken, (now - came[0]) * (1 - _WARM_PART))


def _serve(free: list[float], asked: float, seconds: float) -> float:
    done = max(asked, free[0]) + seconds
    heapq.heapreplace(free, done)
    return done


def _besides(chance: random.Random, delay: float, held: float) -> float:
    is_held = chance.random() < held
    return delay * chance.uniform(1, 2) + (chance.expovariate(1 / _HOLD_UP_SECONDS) if is_held else 0.0)


def _time(chance: random.Random, mean: float, variance: float) -> float:
    if not variance:
        return mean
    spread = math.log1p(variance)
    return mean * math.exp(chance.gauss(-spread / 2, math.sqrt(spread)))


def _waits(taken: list[float], seconds: float) -> Waits:
    taken.sort()
    p50, p99 = (taken[int(len(taken) * part)] * 1000 for part in (0.5, 0.99))
    return Waits(len(taken) / seconds, p50, p99)
