"""What a process counts, and what all processes of a service have counted together.

Each process tells its numbers again and again in a file of its own. One that takes the place of another goes on in the
file of that, so that no count is lost with a process, and there are no more files than there were processes at a time.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from authz_service.telemetry.histogram import Histogram
from authz_service.telemetry.tally_file import TallyFile, Told, told_in

Key = tuple[str, ...]
"""The name of a metric, then the values of its labels."""
Settle = Callable[[Counter[Key]], bool]
"""Adds to the counts what it has noted since it was last called; says whether there was any."""

_BEAT_SECONDS = 1.0
_GONE_AFTER_SECONDS = 5.0


class Totals(NamedTuple):
    """The numbers of all processes.

    Attributes:
        counts: Added up, also those of processes that are gone.
        histograms: The same.
        gauges: What each process that is there tells of now.
    """

    counts: Counter[Key]
    histograms: dict[Key, Histogram]
    gauges: list[dict[Key, float]]

    def gauge(self, *key: str) -> list[float]:
        """Of each process that tells of it."""
        return [told[key] for told in self.gauges if key in told]


class Tally:
    """Counts for one process, from any thread.

    Args:
        folder: Where all processes of the service tell their numbers; None where there is one process.
        clock: What time it is, in seconds, the same in all of them.
    """

    def __init__(self, folder: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._file = TallyFile(folder) if folder else None
        before = _read(self._file.taken_over) if self._file and self._file.taken_over else None
        self._counts: Counter[Key] = before.counts if before else Counter()
        self._histograms = before.histograms if before else {}
        self._gauges: dict[Key, Callable[[], float]] = {}
        self._settles: list[Settle] = []
        self._told_at = float("-inf")
        self._has_changed = False
        self._changing = threading.Lock()

    def count(self, *key: str, number: int = 1) -> None:
        """Counts what does not happen with every decision."""
        with self._changing:
            self._counts[key] += number
            self._has_changed = True

    def histogram(self, bounds: Sequence[float], *key: str) -> Histogram:
        """The histogram of this key, with these bounds where it is not there yet."""
        with self._changing:
            return self._histograms.setdefault(key, Histogram(bounds))

    def gauge(self, read: Callable[[], float], *key: str) -> None:
        """Has this read each time when the numbers are told; it has to be quick."""
        self._gauges[key] = read

    def settles(self, settle: Settle) -> None:
        """Has this called each time before the numbers are told."""
        self._settles.append(settle)

    def tell(self) -> None:
        """Tells the numbers, where they have changed or it is time to show that this process is there."""
        with self._changing:
            self._settle()
            if self._has_changed or self._clock() - self._told_at >= _BEAT_SECONDS:
                self._tell()

    def totals(self) -> Totals:
        """The numbers of all processes, those of this one as they are now."""
        with self._changing:
            self._settle()
            if self._folder is None or self._file is None:
                return _added_up([self._said()], self._clock())
            self._tell()
        return _added_up(told_in(self._folder), self._clock())

    def close(self) -> None:
        """Tells the numbers for the last time; the gauges end with the process."""
        with self._changing:
            self._settle()
            self._gauges.clear()
            self._tell()
            if self._file:
                self._file.close()
                self._file = None

    def _settle(self) -> None:
        for settle in self._settles:
            self._has_changed |= settle(self._counts)
        for histogram in self._histograms.values():
            self._has_changed |= histogram.settle()

    def _tell(self) -> None:
        if self._file:
            self._file.tell(self._said())
            self._told_at, self._has_changed = self._clock(), False

    def _said(self) -> Told:
        return {
            "at": self._clock(),
            "counts": [[*key, number] for key, number in self._counts.items()],
            "histograms": [[key, each.bounds, each.buckets, each.total] for key, each in self._histograms.items()],
            "gauges": [[*key, read()] for key, read in self._gauges.items()],
        }


def _read(told: Told) -> Totals:
    return Totals(
        Counter({tuple(key): number for *key, number in told["counts"]}),
        {tuple(key): Histogram(*parts) for key, *parts in told["histograms"]},
        [{tuple(key): value for *key, value in told["gauges"]}],
    )


def _added_up(all_told: Sequence[Told], now: float) -> Totals:
    totals = Totals(Counter(), {}, [])
    for told in all_told:
        of_one = _read(told)
        totals.counts.update(of_one.counts)
        for key, histogram in of_one.histograms.items():
            mine = totals.histograms.get(key)
            totals.histograms[key] = mine.plus(histogram) if mine else histogram
        if now - told["at"] <= _GONE_AFTER_SECONDS:
            totals.gauges.extend(of_one.gauges)
    return totals
