"""Loads pressed in turn, and the cost of one told of the cost of another."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from bench.load import Load, Measured, median, press, warm
from bench.settings import CALLERS, WARM_SECONDS


class Compared(NamedTuple):
    """What a decision costs here and there.

    Attributes:
        costs: The medians, by name of the load.
        cpu_ratio: The CPU of the last of the first, the database server's with it.
    """

    costs: Mapping[str, Measured]
    cpu_ratio: float


def compare(loads: Mapping[str, Callable[[int], Load]], rounds: int, seconds: int) -> Compared:
    """Presses each in turn, so that a machine whose speed drifts is as slow for each.

    Args:
        loads: By name, what makes the load of a turn.
        rounds: How often.
        seconds: How long each time.
    """
    for load in loads.values():
        warm(load(0), WARM_SECONDS, CALLERS)
    runs: dict[str, list[Measured]] = {name: [] for name in loads}
    for turn in range(1, rounds + 1):
        for name, load in loads.items():
            runs[name].append(press(load(turn), seconds, CALLERS))
    costs = {name: median(of_name) for name, of_name in runs.items()}
    first, *_, last = costs.values()
    return Compared(costs, round(_all(last) / _all(first), 3))


def as_json(compared: Compared) -> dict[str, object]:
    return {"cpu_ratio": compared.cpu_ratio, **{name: each._asdict() for name, each in compared.costs.items()}}


def lines(title: str, compared: Compared) -> list[str]:
    """To print: a line for each, the ratio in the last."""
    told = [f"{title:<34}{'a second':>10}{'CPU µs':>9}{'+ db':>7}{'p50 ms':>9}{'p99 ms':>9}"]
    for name, each in compared.costs.items():
        told.append(
            f"  {name:<32}{each.per_second:>10,.0f}{each.cpu_us:>9.1f}{each.database_cpu_us:>7.1f}"
            f"{each.p50_ms:>9.1f}{each.p99_ms:>9.1f}"
        )
    return [*told, f"  {'CPU, the last of the first':<32}{compared.cpu_ratio:>10.2f}"]


def _all(measured: Measured) -> float:
    return measured.cpu_us + measured.database_cpu_us
