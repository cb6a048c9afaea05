"""How many connections to the database there are, for the tally."""

from sqlalchemy import Engine, QueuePool

from authz_service.telemetry.tally import Tally

CONNECTIONS = "authz_database_connections"
MOST = "authz_database_connections_max"
WORK, DECISIONS = "work", "decisions"


def tell_connections(engine: Engine, tally: Tally) -> None:
    """Tells of the pool that everything but the facts of decisions is read and written with."""
    pool = engine.pool
    if isinstance(pool, QueuePool):
        tally.gauge(pool.checkedout, CONNECTIONS, WORK, "in_use")
        tally.gauge(pool.checkedin, CONNECTIONS, WORK, "idle")
        tally.gauge(lambda: pool.size() + max(pool._max_overflow, 0), MOST, WORK)  # noqa: SLF001 - the pool has no other word for it
