import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from authz_service.callers.callers import Caller, Limits
from authz_service.callers.limits import Limiter
from authz_service.words import Scope
from tests.clock import Clock
from tests.conftest import ROOT

ANY = frozenset(Scope)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(tmp_path: Path, clock: Clock) -> Iterator[Limiter]:
    made = Limiter(tmp_path, clock)
    yield made
    made.close()


def caller(name: str = "zone", **limits: float) -> Caller:
    return Caller(name, "", ANY, limits=Limits(**limits))  # type: ignore[arg-type]  # as the tests name them


def passed(limiter: Limiter, who: Caller) -> float:
    """How long it has to wait; it is answered at once where it has not."""
    wait = limiter.enter(who)
    if not wait:
        limiter.leave(who)
    return wait


def test_a_caller_without_limits_is_never_counted(limiter: Limiter) -> None:
    unlimited = Caller("zone", "", ANY)
    assert {limiter.enter(unlimited) for _ in range(10_000)} == {0.0}


def test_a_burst_goes_through_and_then_so_many_a_second(limiter: Limiter, clock: Clock) -> None:
    who = caller(per_second=10, burst=5)
    assert [passed(limiter, who) for _ in range(5)] == [0.0] * 5
    assert passed(limiter, who) == pytest.approx(0.1)
    clock.now += 0.05
    assert passed(limiter, who) == pytest.approx(0.05)
    clock.now += 0.05
    assert passed(limiter, who) == 0.0
    assert passed(limiter, who) == pytest.approx(0.1)
    clock.now += 1_000
    assert [passed(limiter, who) > 0 for _ in range(6)] == [False] * 5 + [True]


def test_over_a_long_time_it_is_the_rate_to_the_request(limiter: Limiter, clock: Clock) -> None:
    who, let_in = caller(per_second=7, burst=3), 0
    for _ in range(10_000):
        let_in += not passed(limiter, who)
        clock.now += 0.01
    assert 700 <= let_in <= 703


def test_who_is_refused_is_not_counted_so_waiting_as_told_is_enough(limiter: Limiter, clock: Clock) -> None:
    who = caller(per_second=1, burst=1)
    passed(limiter, who)
    for _ in range(50):
        wait = passed(limiter, who)
    clock.now += wait
    assert passed(limiter, who) == 0.0


def test_each_caller_has_its_own(limiter: Limiter) -> None:
    assert passed(limiter, caller("one", per_second=1)) == 0.0
    assert passed(limiter, caller("one", per_second=1)) > 0
    assert passed(limiter, caller("two", per_second=1)) == 0.0


def test_limits_that_are_widened_are_so_at_once(limiter: Limiter) -> None:
    passed(limiter, caller(per_second=0.001, burst=1))
    assert passed(limiter, caller(per_second=0.001, burst=1)) > 900
    assert passed(limiter, caller(per_second=100, burst=10)) == pytest.approx(0.01)


def test_only_so_many_are_answered_at_the_same_time(limiter: Limiter) -> None:
    who = caller(concurrent=2)
    assert [limiter.enter(who) for _ in range(3)] == [0.0, 0.0, 1.0]
    limiter.leave(who)
    assert limiter.enter(who) == 0.0
    assert limiter.enter(who) == 1.0


def test_who_is_refused_as_too_many_are_answered_has_not_used_up_the_rate(limiter: Limiter) -> None:
    who = caller(per_second=0.001, burst=2, concurrent=1)
    assert limiter.enter(who) == 0.0
    assert limiter.enter(who) == 1.0
    limiter.leave(who)
    assert limiter.enter(who) == 0.0
    limiter.leave(who)
    assert limiter.enter(who) > 900


def test_threads_together_get_no_more_than_the_burst(tmp_path: Path) -> None:
    limiter, who = Limiter(tmp_path), caller(per_second=0.001, burst=100)
    let_in: list[bool] = []

    def ask() -> None:
        let_in.extend(not passed(limiter, who) for _ in range(100))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    limiter.close()
    assert let_in.count(True) == 100


def test_workers_together_get_no_more_than_the_burst(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from authz_service.callers.callers import Caller, Limits
from authz_service.callers.limits import Limiter
limiter, who = Limiter(Path({str(tmp_path)!r})), Caller("zone", "", frozenset(), limits=Limits(0.001, 20_000))
print("ready", flush=True)
input()
print(sum(not limiter.enter(who) for _ in range(15_000)))
"""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdout
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("\n")
        worker.stdin.flush()
    assert sum(int(worker.communicate()[0]) for worker in workers) == 20_000
    assert [worker.returncode for worker in workers] == [0, 0, 0]


def test_without_a_folder_it_makes_one_and_takes_it_away() -> None:
    limiter = Limiter(None)
    assert passed(limiter, caller(per_second=1)) == 0.0
    folder = limiter._folder  # noqa: SLF001 - it is to be gone
    assert folder
    assert folder.exists()
    limiter.close()
    assert not folder.exists()
