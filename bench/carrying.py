"""What a load needs, and what each part carries, by the costs that were measured."""

import math
from typing import NamedTuple

from bench.costs import Cost, Measured
from bench.queueing import Station, Waits, opened

_DAY_SECONDS = 86_400
_REQUESTS = 40_000
# Of the time of a request: as of one that ends by chance.
VARIANCE = 1.0
# Requests a second that never meet.
_SELDOM = 0.1
# What a PostgreSQL server allows as it comes, a few of them kept for its own work.
CONNECTIONS = 97
# What a worker keeps at most: as many for decisions as it has threads, and one for what else there is.
CONNECTIONS_A_WORKER = 9
CONNECTIONS_A_REPLICA = 3
_SMALLEST = 1_000


class Load(NamedTuple):
    """What is asked of it.

    Attributes:
        rate: Requests a second, searches among them.
        searches: Which part of them are pages of searches.
        customers: How many customer numbers there are.
        journal: `off`, `buffered` or `strict`.
    """

    rate: float
    searches: float
    customers: int
    journal: str


class Machines(NamedTuple):
    """What there is to carry it.

    Attributes:
        cores: Of a replica, with as many workers.
        database_cores: Of the largest PostgreSQL server that one would run.
        busy: Which part of the cores may be busy at most.
        p99_ms: What 99 of 100 requests may take at most.
        partitions: Over how many servers the data is spread where one does not do.
    """

    cores: int
    database_cores: int
    busy: float
    p99_ms: float
    partitions: int


class Needs(NamedTuple):
    """What a load needs.

    Attributes:
        replicas: So many, of the cores that a replica has.
        replica_busy: Which part of their cores is busy.
        database_cores: Of PostgreSQL, over all partitions.
        partitions: Over how many servers they are spread.
        connections: That all replicas keep at most.
        connections_busy: That are in use at a time.
        journal_bytes_a_day: On the disks of all replicas.
        index_bytes_a_day: In the database.
        customer_bytes: In the database.
        waits: What callers meet.
    """

    replicas: int
    replica_busy: float
    database_cores: int
    partitions: int
    connections: int
    connections_busy: float
    journal_bytes_a_day: float
    index_bytes_a_day: float
    customer_bytes: float
    waits: Waits


class Step(NamedTuple):
    """At which load what has to grow."""

    rate: float
    what: str


def cost_of(measured: Measured, load: Load, kind: str = "postgresql") -> Cost:
    """Of an average request of the load."""
    key = f"{kind}_{load.journal}"
    grown = _grown(measured, load, kind)
    decision, search = measured.decision[key], measured.search[key]
    return Cost(*(grown * (a * (1 - load.searches) + b * load.searches) for a, b in zip(decision, search, strict=True)))


def needs_of(measured: Measured, load: Load, machines: Machines, held: float) -> Needs:
    """What the load needs, with PostgreSQL, where that part of the requests is held up.

    Raises:
        SystemExit: No number of replicas keeps the time, as a request that is alone takes longer.
    """
    cost = cost_of(measured, load)
    replicas = _at_least(load.rate * cost.service / (machines.cores * machines.busy))
    database_cores = _at_least(load.rate * cost.database / machines.busy)
    delay = measured.flush if load.journal == "strict" else 0.0
    alone = opened(_SELDOM, (Station(1, cost.service), Station(1, cost.database)), VARIANCE, _REQUESTS, delay, held)
    if alone.p99_ms >= machines.p99_ms:
        raise SystemExit(
            f"✗ a p99 of {machines.p99_ms:g} ms cannot be had: of requests that wait for no other, 1 in 100 takes "
            f"{alone.p99_ms:.1f} ms. Choose a longer one with --p99."
        )
    while True:
        stations = (Station(machines.cores * replicas, cost.service), Station(database_cores, cost.database))
        waits = opened(load.rate, stations, VARIANCE, _REQUESTS, delay, held)
        if waits.p99_ms <= machines.p99_ms:
            break
        replicas, database_cores = _more(replicas), _more(database_cores)
    entries = 0.0 if load.journal == "off" else load.rate * _DAY_SECONDS
    return Needs(
        replicas,
        load.rate * cost.service / (replicas * machines.cores),
        database_cores,
        _at_least(database_cores / machines.database_cores),
        replicas * _connections_of_replica(machines),
        # Little's law, with a connection in use for the database's time and half as long again on the way.
        load.rate * cost.database * 1.5,
        entries * measured.journal_bytes,
        entries * measured.index_bytes["postgresql"],
        load.customers * measured.customer_bytes["postgresql"],
        waits,
    )


def carried_by_replica(measured: Measured, load: Load, machines: Machines, kind: str) -> float:
    """Requests a second that one replica carries; with SQLite, all of it."""
    return machines.cores * machines.busy / cost_of(measured, load, kind).service


def carried_by_database(measured: Measured, load: Load, machines: Machines) -> float:
    """Requests a second that one PostgreSQL server of the largest size carries."""
    return machines.database_cores * machines.busy / cost_of(measured, load).database


def steps(measured: Measured, load: Load, machines: Machines) -> list[Step]:
    """What has to grow as the load rises, in that order."""
    replica = carried_by_replica(measured, load, machines, "postgresql")
    database = carried_by_database(measured, load, machines)
    by_connections = CONNECTIONS // _connections_of_replica(machines) * replica
    partitions = machines.partitions
    return sorted(
        [
            Step(replica, f"a second replica of {machines.cores} cores, and one more at each {replica:,.0f}/s"),
            Step(
                by_connections, f"the connections: more than {CONNECTIONS} are kept; raise max_connections, or a pooler"
            ),
            Step(database, f"PostgreSQL: a server of {machines.database_cores} cores is full; spread the data"),
            Step(database * partitions, f"the partitions: {partitions} such servers are full"),
        ]
    )


def _grown(measured: Measured, load: Load, kind: str) -> float:
    """What a request costs among so many customers of one among few: it grows with the logarithm of their number."""
    # A mode that was not measured among many grows as the one that shows most of it.
    ratio = measured.many.get(f"{kind}_{load.journal}", measured.many[f"{kind}_off"])
    if load.customers <= _SMALLEST or measured.many_customers <= _SMALLEST:
        return 1.0
    part = math.log(load.customers / _SMALLEST) / math.log(measured.many_customers / _SMALLEST)
    return max(1.0, 1 + (ratio - 1) * part)


def _connections_of_replica(machines: Machines) -> int:
    return machines.cores * CONNECTIONS_A_WORKER + CONNECTIONS_A_REPLICA


def _more(number: int) -> int:
    # A tenth: where there are many, one more is not felt.
    return number + _at_least(number / 10)


def _at_least(number: float) -> int:
    return max(1, math.ceil(number))
