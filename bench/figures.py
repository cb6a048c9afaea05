"""What is told of a comparison: figures a decision, and their ratios."""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from bench.contestants.contestant import HUNDRED, SEARCH, SINGLE, SIZES, THOUSAND
from bench.load import Measured

REFERENCES = {"opa": "OPA", "cerbos": "Cerbos", "openfga": "OpenFGA", "flask_cerbos": "Flask"}
# What only this service does is told in decisions of the others.
_AGAINST = {SINGLE: SINGLE, HUNDRED: HUNDRED, THOUSAND: HUNDRED, SEARCH: SINGLE}


class Figures(NamedTuple):
    """What one contestant, asked in one way, needs.

    Attributes:
        name: What it is called.
        per_second: Decisions a second; searches, where it is about those.
        cpu_us: Microseconds of CPU a decision, of all its processes but the database server.
        database_cpu_us: … of the database server.
        p50_ms: Milliseconds that half of the requests took at most.
        p99_ms: … that 99 of 100 took at most.
    """

    name: str
    per_second: float
    cpu_us: float
    database_cpu_us: float
    p50_ms: float
    p99_ms: float

    @property
    def all_cpu_us(self) -> float:
        return self.cpu_us + self.database_cpu_us


Results: TypeAlias = Mapping[str, Mapping[str, Figures]]
"""The figures by what is measured and by contestant."""


def figures_of(name: str, kind: str, measured: Measured) -> Figures:
    size = SIZES[kind]
    return Figures(
        name,
        round(measured.per_second * size, 1),
        round(measured.cpu_us / size, 2),
        round(measured.database_cpu_us / size, 2),
        measured.p50_ms,
        measured.p99_ms,
    )


def ratios(results: Results, kind: str, key: str) -> dict[str, dict[str, float]]:
    """What it needs of what each reference needs: below 1 it is less.

    CPU and decisions a second are comparable whatever the size of the request; times are told of the same size alone.
    """
    own, others = results[kind][key], results[_AGAINST[kind]]
    return {
        reference: _ratios(own, others[reference], has_times=_AGAINST[kind] == kind)
        for reference in REFERENCES
        if reference in others
    }


def _ratios(own: Figures, other: Figures, *, has_times: bool) -> dict[str, float]:
    told = {"cpu": own.all_cpu_us / other.all_cpu_us, "per_second": own.per_second / other.per_second}
    if has_times:
        told |= {"p50": own.p50_ms / other.p50_ms, "p99": own.p99_ms / other.p99_ms}
    return {name: round(value, 3) for name, value in told.items()}


def as_json(results: Results) -> dict[str, dict[str, dict[str, object]]]:
    return {
        kind: {key: {**each._asdict(), "of": ratios(results, kind, key)} for key, each in of_kind.items()}
        for kind, of_kind in results.items()
    }


def table(results: Results, kind: str) -> list[str]:
    """Lines to print: the figures, and the CPU as a ratio of each reference's."""
    head = f"{kind:<42}{'a second':>10}{'CPU µs':>9}{'+ db':>7}"
    for title in REFERENCES.values():
        head += f"{title:>9}"
    lines = [f"{head}{'p50 ms':>9}{'p99 ms':>9}"]
    for key, each in results[kind].items():
        line = f"{each.name:<42}{each.per_second:>10,.0f}{each.cpu_us:>9.1f}"
        line += f"{each.database_cpu_us:>7.1f}" if each.database_cpu_us else f"{'':>7}"
        of = ratios(results, kind, key)
        for reference in REFERENCES:
            line += f"{of[reference]['cpu']:>9.2f}" if reference in of else f"{'':>9}"
        lines.append(f"{line}{each.p50_ms:>9.1f}{each.p99_ms:>9.1f}")
    return lines
