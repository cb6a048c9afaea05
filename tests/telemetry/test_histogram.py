import threading

from hypothesis import given
from hypothesis import strategies as st

from authz_service.telemetry.histogram import Histogram, drained

BOUNDS = (0.1, 1.0, 10.0)


@given(st.lists(st.floats(0, 20)), st.lists(st.sampled_from(BOUNDS)))
def test_each_duration_is_in_the_first_bucket_that_reaches_to_it(some: list[float], exact: list[float]) -> None:
    histogram = Histogram(BOUNDS)
    for seconds in [*some, *exact]:
        histogram.observe(seconds)
    histogram.settle()
    expected = [0, 0, 0, 0]
    for seconds in [*some, *exact]:
        expected[next((n for n, bound in enumerate(BOUNDS) if seconds <= bound), 3)] += 1
    assert histogram.buckets == expected
    assert abs(histogram.total - sum(some) - sum(exact)) < 1e-6


def test_what_is_settled_twice_is_counted_once() -> None:
    histogram = Histogram(BOUNDS)
    histogram.observe(0.5)
    assert histogram.settle()
    assert not histogram.settle()
    assert (histogram.buckets, histogram.total) == ([0, 1, 0, 0], 0.5)


def test_two_of_the_same_bounds_are_added_up() -> None:
    both = Histogram(BOUNDS, [1, 2, 3, 4], 7.5).plus(Histogram(BOUNDS, [10, 0, 0, 1], 0.5))
    assert (both.buckets, both.total) == ([11, 2, 3, 5], 8.0)


def test_nothing_that_threads_note_while_it_is_drained_is_lost() -> None:
    noted: list[int] = []
    each, threads = 20_000, 4
    seen = 0

    def note() -> None:
        for _ in range(each):
            noted.append(1)  # noqa: PERF401 - one by one, as requests come

    noting = [threading.Thread(target=note) for _ in range(threads)]
    for thread in noting:
        thread.start()
    while any(thread.is_alive() for thread in noting):
        seen += len(drained(noted))
    assert seen + len(drained(noted)) == each * threads
