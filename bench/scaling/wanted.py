"""What is wanted of the figures, and whether it is so."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_IMPORTED_PER_SECOND = {"sqlite": 10_000, "postgresql": 20_000}
_RATIO = 1.2
_MIB = {"worker": 120, "opa": 100}
_GROWTH = 0.05
_START_SECONDS = 1.5
_P99_MS = 50


class Wanted(NamedTuple):
    """A figure beside the one that is wanted.

    Attributes:
        what: What is measured, with its unit.
        wanted: The most that it may be, or the least.
        measured: What it is.
        met: Whether that is so.
    """

    what: str
    wanted: float
    measured: float
    met: bool

    def __str__(self) -> str:
        return f"{'✓' if self.met else '✗'} {self.what}: {self.measured:g}, wanted {self.wanted:g}"


def wanted_of(results: Mapping[str, Any]) -> list[Wanted]:
    """Of what has been measured; what has not been is left out."""
    return [
        *_of_imports(results.get("imports", {})),
        *_of_ratios("decisions among many, CPU of that among few", results.get("size", {})),
        *_of_ratios("decisions on a business number, CPU of that on a family", results.get("business", {})),
        *_of_memory(results.get("memory", {})),
        *_of_starts(results.get("cold", {})),
        *_of_changes(results.get("change", {})),
    ]


def _most(what: str, wanted: float, measured: float) -> Wanted:
    return Wanted(what, wanted, measured, measured <= wanted)


def _of_imports(imports: Mapping[str, Any]) -> Iterator[Wanted]:
    for kind, sizes in imports.items():
        _, part, many = sizes
        rate, least = sizes[many]["customers_per_second"], _IMPORTED_PER_SECOND[kind]
        yield Wanted(f"{kind}: customers imported a second", least, rate, rate >= least)
        ratio = round(sizes[many]["peak_mib"] / sizes[part]["peak_mib"], 3)
        yield _most(f"{kind}: memory of an import, of that of a tenth", _RATIO, ratio)


def _of_ratios(what: str, results: Mapping[str, Any]) -> Iterator[Wanted]:
    for kind, compared in results.items():
        yield _most(f"{kind.replace('_', ', journal ')}: {what}", _RATIO, compared["cpu_ratio"])


def _of_memory(results: Mapping[str, Any]) -> Iterator[Wanted]:
    for kind, each in results.items():
        for name, peak in each["peak_mib"].items():
            most = _MIB.get(name.split()[0])
            if most is not None:
                yield _most(f"{kind}: MiB of {name} at most", most, peak)
                growth = round(each["growth_after_warm"][name] * 100, 2)
                yield _most(f"{kind}: % that {name} has grown since it was warm", _GROWTH * 100, growth)


def _of_starts(results: Mapping[str, Any]) -> Iterator[Wanted]:
    for kind, each in results.items():
        yield _most(f"{kind}: seconds from start to first answer", _START_SECONDS, each["median_s"])


def _of_changes(results: Mapping[str, Any]) -> Iterator[Wanted]:
    for kind, each in results.items():
        yield _most(f"{kind}: requests that failed while the policy was changed", 0, each["failed"])
        yield _most(
            f"{kind}: p99 in ms of the worst window with a change", _P99_MS, each["with_a_change"]["p99_ms_max"]
        )
