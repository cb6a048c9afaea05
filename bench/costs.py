"""What was measured, read from the committed results: what a decision, a search and a customer cost."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bench.report import RESULTS


class Cost(NamedTuple):
    """What a request costs, in seconds of CPU.

    Attributes:
        service: Of the service, its OPA and what they start.
        database: Of the PostgreSQL server; 0 with SQLite.
    """

    service: float
    database: float


class Run(NamedTuple):
    """A run of load on one machine, which the model has to come near to."""

    name: str
    cores: int
    callers: int
    cost: Cost
    caller: float
    per_second: float
    p50_ms: float
    p99_ms: float


class Measured(NamedTuple):
    """What the simulation starts from.

    Attributes:
        decision: By database and mode, such as `postgresql_strict`, among few customers.
        search: A page of a search, likewise.
        many: What a decision among so many customers costs of one among few, by database and mode.
        many_customers: How many those are.
        journal_bytes: On disk, a decision.
        index_bytes: In the database, a decision, by database.
        customer_bytes: In the database, by database.
        flush: Seconds that the disk takes to keep what was written.
        runs: What to compare the model with.
    """

    decision: Mapping[str, Cost]
    search: Mapping[str, Cost]
    many: Mapping[str, float]
    many_customers: int
    journal_bytes: float
    index_bytes: Mapping[str, float]
    customer_bytes: Mapping[str, float]
    flush: float
    runs: tuple[Run, ...]


def read_costs(folder: Path = RESULTS) -> Measured:
    """From `engines.json` and `scaling.json`.

    Raises:
        SystemExit: One of them is not there, or lacks a part.
    """
    engines, scaling = (_read(folder / f"{name}.json") for name in ("engines", "scaling"))
    try:
        return measured(engines, scaling)
    except KeyError as missing:
        raise SystemExit(
            f"✗ {folder}: there is no {missing} in the results; write them with `make bench` and `make bench-scale`"
        ) from missing


def measured(engines: Mapping[str, Any], scaling: Mapping[str, Any]) -> Measured:
    """The same from what is in them."""
    of_engines, of_scaling = engines["results"], scaling["results"]
    memory = of_scaling["memory"]
    largest = str(scaling["settings"]["customers"])
    return Measured(
        _ours(of_engines["single"]),
        _ours(of_engines["search"]),
        {key: each["cpu_ratio"] for key, each in of_scaling["size"].items()},
        int(largest),
        max(each["journal_bytes_a_decision"] for each in memory.values()),
        {kind: each["index_bytes_a_decision"] for kind, each in memory.items()},
        {kind: sizes[largest]["bytes_a_customer"] for kind, sizes in of_scaling["imports"].items()},
        of_scaling["disk"]["flush_ms"] / 1000,
        tuple(_runs(scaling)),
    )


def _ours(contestants: Mapping[str, Any]) -> dict[str, Cost]:
    return {
        key.removeprefix("ours_"): Cost(each["cpu_us"] / 1e6, each["database_cpu_us"] / 1e6)
        for key, each in contestants.items()
        if key.startswith("ours_")
    }


def _runs(scaling: Mapping[str, Any]) -> list[Run]:
    cores, callers = scaling["machine"]["cores"], scaling["settings"]["callers"]
    return [
        Run(
            f"{key.replace('_', ', ')}, {size}",
            cores,
            callers,
            Cost(each["cpu_us"] / 1e6, each["database_cpu_us"] / 1e6),
            each["caller_cpu_us"] / 1e6,
            each["per_second"],
            each["p50_ms"],
            each["p99_ms"],
        )
        for key, compared in scaling["results"]["size"].items()
        for size, each in compared.items()
        if size != "cpu_ratio"
    ]


def _read(file: Path) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        raise SystemExit(f"✗ {file}: is not there; write it with `make bench` and `make bench-scale`") from None
    return found
