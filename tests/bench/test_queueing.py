"""The waits of the simulation, beside what queueing theory says of them."""

import math

import pytest

from bench.queueing import Station, closed, opened

_REQUESTS = 60_000


def test_callers_who_need_no_core_of_each_other_wait_for_nothing() -> None:
    waits = closed(2, Station(2, 0.001), variance=0, requests=1_000)
    assert waits == pytest.approx((2_000, 1.0, 1.0))


def test_more_callers_than_cores_get_what_the_cores_give() -> None:
    waits = closed(16, Station(2, 0.001), variance=1, requests=_REQUESTS)
    assert waits.per_second == pytest.approx(2_000, rel=0.02)
    assert waits.p50_ms == pytest.approx(8, rel=0.1)


def test_what_is_waited_for_besides_takes_no_core() -> None:
    waits = closed(1, Station(1, 0.001), variance=0, requests=10_000, delay=0.002)
    assert waits.per_second == pytest.approx(1 / 0.004, rel=0.02)


def test_as_many_come_as_go() -> None:
    assert opened(500, [Station(1, 0.001)], variance=1, requests=_REQUESTS).per_second == pytest.approx(500, rel=0.03)


def test_the_mean_wait_of_half_a_core_is_as_the_formula_of_pollaczek_and_khinchine() -> None:
    # Of fixed times: the median request waits for about as long as it takes; at variance 0 and half of the core busy,
    # one of a hundred waits some three times as long.
    waits = opened(500, [Station(1, 0.001)], variance=0, requests=_REQUESTS)
    assert 1 <= waits.p50_ms < 1.6
    assert 3 < waits.p99_ms < 6


def test_times_that_vary_more_make_the_slowest_slower() -> None:
    steady, varied = (opened(500, [Station(1, 0.001)], variance, _REQUESTS).p99_ms for variance in (0, 8))
    assert varied > 2 * steady


def test_who_is_held_up_waits_and_leaves_the_core_to_others() -> None:
    waits = closed(4, Station(1, 0.001), variance=0, requests=_REQUESTS, held=0.05)
    assert waits.per_second == pytest.approx(1_000, rel=0.05)
    assert waits.p99_ms > 5


def test_a_station_after_another_adds_its_time() -> None:
    waits = opened(1, [Station(1, 0.001), Station(1, 0.002)], variance=0, requests=1_000)
    assert waits.p50_ms == pytest.approx(3)


def test_the_same_is_the_same_at_each_run() -> None:
    stations = [Station(2, 0.001)]
    assert opened(900, stations, 1, 1_000) == opened(900, stations, 1, 1_000)
    assert not math.isnan(opened(900, stations, 1, 1_000).p99_ms)
