"""What it costs to count a decision: as the service does, and as prometheus_client does.

    python -m bench.counting [--decisions 200000]

Each way counts a decision by action, answer and source, and how long it took; the service's own with what it takes to
add up and tell the numbers. CPU of one process that does nothing else.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from authz_service.decision.counting import DecisionCounts
from authz_service.telemetry.stages import BOUNDS, Stage, stage_times
from authz_service.telemetry.tally import Tally

_LABELS = ("view_usage", "permit", "memory")
_TOOK = 0.0001
_TELL_AFTER = 2_000  # what comes in a quarter of a second under load
_ROUNDS = 5


def as_the_service_does(folder: Path) -> Callable[[int], None]:
    tally = Tally(folder)
    counts = DecisionCounts(tally)
    _, took = stage_times(tally, Stage.WHOLE)

    def count(decisions: int) -> None:
        for n in range(decisions):
            counts.note(("view_usage", True, "memory", "cfa3c28af1dec776"))
            took(_TOOK)
            if n % _TELL_AFTER == 0:
                tally.tell()
        tally.tell()

    return count


def as_prometheus_client_does(folder: Path) -> Callable[[int], None]:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    from prometheus_client import CollectorRegistry, Counter, Histogram  # noqa: PLC0415 - reads the variable when it is imported

    registry = CollectorRegistry()
    counter = Counter("decisions", "Decisions.", ["action", "answer", "source"], registry=registry)
    histogram = Histogram("seconds", "Seconds.", ["stage"], buckets=BOUNDS, registry=registry)

    def count(decisions: int) -> None:
        for _ in range(decisions):
            counter.labels(*_LABELS).inc()
            histogram.labels("whole").observe(_TOOK)

    return count


def _nothing(decisions: int) -> None:
    for _ in range(decisions):
        pass


def _the_clock(decisions: int) -> None:
    for _ in range(decisions):
        time.perf_counter()
        time.perf_counter()


def nanoseconds(count: Callable[[int], None], decisions: int) -> float:
    """CPU of a decision, of the quickest of some rounds."""

    def once() -> float:
        began = time.process_time()
        count(decisions)
        return (time.process_time() - began) / decisions * 1e9

    return min(once() for _ in range(_ROUNDS))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decisions", type=int, default=200_000, help="in each round; 200000 if left out")
    decisions = parser.parse_args().decisions
    with TemporaryDirectory() as ours, TemporaryDirectory() as theirs:
        ways = {
            "nothing": _nothing,
            "the clock, twice": _the_clock,
            "as the service does": as_the_service_does(Path(ours)),
            "as prometheus_client does": as_prometheus_client_does(Path(theirs)),
        }
        for name, count in ways.items():
            print(f"{name:26}{nanoseconds(count, decisions):8.0f} ns a decision")
    return 0


if __name__ == "__main__":
    sys.exit(main())
