"""What a load needs: a simulation from the costs that were measured, with nothing run.

    python -m bench.scale [--rate N] [--customers N] [--journal off|buffered|strict] [--searches PART] [--json]

It reads docs/benchmarks/engines.json and scaling.json, and says last how far it is off where it was measured.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench.carrying import (
    CONNECTIONS_A_REPLICA,
    CONNECTIONS_A_WORKER,
    VARIANCE,
    Load,
    Machines,
    Needs,
    Step,
    carried_by_database,
    carried_by_replica,
    needs_of,
    steps,
)
from bench.costs import Measured, Run, read_costs
from bench.queueing import Station, Waits, closed

_REQUESTS = 40_000
_HELD = [n / 200 for n in range(61)]
_GIB = 2**30
_MEASURED = (
    "CPU of a decision and of a page of a search, of the service and of PostgreSQL",
    "how that grows with the customers; bytes of journal, index and customers",
    "how long the disk takes to keep a block",
)
_ASSUMED = (
    "requests come at random, independent of each other, and each situation is remembered already",
    "a core is one as of the machine that was measured; the network takes no time",
    "replicas and partitions share the load evenly, and PostgreSQL has machines of its own",
    "requests are held up as often as in the one run that this is fitted to, 5 ms on average",
    f"a worker keeps {CONNECTIONS_A_WORKER} connections, a replica {CONNECTIONS_A_REPLICA} more",
)


class Check(NamedTuple):
    """What the model says of a run, beside what was measured."""

    run: Run
    model: Waits


def main(arguments: Sequence[str] | None = None) -> None:
    load, machines, as_json = _arguments(arguments)
    measured = read_costs()
    held = fitted_hold_ups(measured)
    needs = needs_of(measured, load, machines, held)
    checked = [Check(run, modelled(run, measured, held)) for run in measured.runs]
    carried = _carried(measured, load, machines)
    growing = steps(measured, load, machines)
    if as_json:
        told = {
            "load": load._asdict(),
            "machines": machines._asdict(),
            "needs": {**needs._asdict(), "waits": needs.waits._asdict()},
            "carries": carried,
            "grows": [step._asdict() for step in growing],
            "held_up": held,
            "model": [
                {"run": each.run.name, "model": each.model._asdict(), "measured": _waits(each.run)._asdict()}
                for each in checked
            ],
            "measured": _MEASURED,
            "assumed": _ASSUMED,
        }
        print(json.dumps(told, indent=2))
        return
    for part in (
        _needs_lines(load, needs, machines),
        _carried_lines(carried, machines),
        _steps_lines(growing, load),
        _check_lines(checked),
        ("\nMeasured", *(f"  {each}" for each in _MEASURED), "\nAssumed", *(f"  {each}" for each in _ASSUMED)),
    ):
        print("\n".join(part))


def fitted_hold_ups(measured: Measured) -> float:
    """Which part of the requests is held up, so that the p99 of the first run comes out; the other runs are a test."""
    run = measured.runs[0]
    return min(_HELD, key=lambda held: abs(modelled(run, measured, held).p99_ms - run.p99_ms))


def modelled(run: Run, measured: Measured, held: float) -> Waits:
    """What the model says of a run, in which the callers and PostgreSQL took from the same cores."""
    station = Station(run.cores, run.cost.service + run.cost.database + run.caller)
    delay = measured.flush if "strict" in run.name else 0.0
    return closed(run.callers, station, VARIANCE, _REQUESTS, delay, held)


def _carried(measured: Measured, load: Load, machines: Machines) -> dict[str, float]:
    database = carried_by_database(measured, load, machines)
    return {
        f"one replica of {machines.cores} cores, all on SQLite": carried_by_replica(measured, load, machines, "sqlite"),
        f"one replica of {machines.cores} cores, PostgreSQL elsewhere": carried_by_replica(
            measured, load, machines, "postgresql"
        ),
        f"one PostgreSQL of {machines.database_cores} cores": database,
        f"{machines.partitions} partitions, each such a server": database * machines.partitions,
    }


def _needs_lines(load: Load, needs: Needs, machines: Machines) -> Iterator[str]:
    yield (
        f"{load.rate:,.0f} requests a second, {load.searches:.0%} of them searches, about {load.customers:,} "
        f"customers; journal {load.journal}"
    )
    yield ""
    busy = f"{needs.replica_busy:.0%} busy"
    yield _row("replicas", f"{needs.replicas:,} of {machines.cores} cores", busy)
    servers = f"on {needs.partitions} servers" if needs.partitions > 1 else "on one server"
    yield _row("PostgreSQL", f"{needs.database_cores:,} cores", servers)
    yield _row("connections", f"{needs.connections:,} kept", f"{needs.connections_busy:,.1f} in use at a time")
    yield _row("journal, on the replicas", f"{needs.journal_bytes_a_day / _GIB:,.1f} GiB a day", "")
    yield _row("its index, in PostgreSQL", f"{needs.index_bytes_a_day / _GIB:,.1f} GiB a day", "")
    yield _row("customers, in PostgreSQL", f"{needs.customer_bytes / _GIB:,.1f} GiB", "")
    yield _row("callers wait", f"p50 {needs.waits.p50_ms:.1f} ms", f"p99 {needs.waits.p99_ms:.1f} ms")


def _carried_lines(carried: dict[str, float], machines: Machines) -> Iterator[str]:
    yield f"\nWhat each carries, requests a second, with its cores {machines.busy:.0%} busy"
    for what, rate in carried.items():
        yield f"  {what:<52}{rate:>10,.0f}"


def _steps_lines(growing: Sequence[Step], load: Load) -> Iterator[str]:
    yield "\nWhat has to grow, as the load rises"
    for step in growing:
        yield f"  {step.rate:>10,.0f}/s  {step.what}{' (passed at this load)' if step.rate < load.rate else ''}"


def _check_lines(checked: Sequence[Check]) -> Iterator[str]:
    yield f"\n{'How far the model is off':<48}{'a second':>9}{'model':>9}{'off':>7}{'p99 ms':>9}{'model':>7}{'off':>7}"
    for n, (run, model) in enumerate(checked):
        yield (
            f"  {run.name + ('' if n else ' (fitted)'):<46}{run.per_second:>9,.0f}{model.per_second:>9,.0f}"
            f"{model.per_second / run.per_second - 1:>+7.0%}{run.p99_ms:>9.1f}{model.p99_ms:>7.1f}"
            f"{model.p99_ms / run.p99_ms - 1:>+7.0%}"
        )


def _row(part: str, needs: str, more: str) -> str:
    return f"  {part:<28}{needs:>20}   {more}".rstrip()


def _waits(run: Run) -> Waits:
    return Waits(run.per_second, run.p50_ms, run.p99_ms)


def _arguments(arguments: Sequence[str] | None) -> tuple[Load, Machines, bool]:
    parser = argparse.ArgumentParser(
        prog="python -m bench.scale", description="What a load needs, from what was measured."
    )
    parser.add_argument("--rate", type=float, default=5_000, help="requests a second")
    parser.add_argument("--searches", type=float, default=0.02, help="which part of them are searches, 0 to 1")
    parser.add_argument("--customers", type=int, default=10_000_000)
    parser.add_argument("--journal", choices=("off", "buffered", "strict"), default="strict")
    parser.add_argument("--cores", type=int, default=2, help="of a replica")
    parser.add_argument("--database-cores", type=int, default=16, help="of the largest PostgreSQL server")
    parser.add_argument("--busy", type=float, default=0.6, help="which part of the cores may be busy, 0 to 1")
    parser.add_argument("--p99", type=float, default=50, help="milliseconds that 99 of 100 may take at most")
    parser.add_argument("--partitions", type=int, default=4, help="servers that the data is spread over")
    parser.add_argument("--json", action="store_true", help="all of it as JSON")
    given = parser.parse_args(arguments)
    for name in ("searches", "busy"):
        if not 0 <= getattr(given, name) <= 1:
            parser.error(f"--{name}: must be from 0 to 1, such as 0.5")
    if min(given.rate, given.customers, given.cores, given.database_cores, given.busy, given.partitions) <= 0:
        parser.error("--rate, --customers, --cores, --database-cores, --busy and --partitions: must be more than 0")
    load = Load(given.rate, given.searches, given.customers, given.journal)
    machines = Machines(given.cores, given.database_cores, given.busy, given.p99, given.partitions)
    return load, machines, given.json


if __name__ == "__main__":
    main()
