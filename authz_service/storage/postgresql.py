"""Connections to PostgreSQL that do not wait for ever: a server that is frozen, cut off or gone is given up on."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import URL, Engine, create_engine, event

T = TypeVar("T")

ANSWER_SECONDS = 10.0
"""How long a statement may take on a connection of whoever answers callers."""

CONNECT_SECONDS = 5
# A server that is gone does not say so: the kernel finds out by asking, or as nothing of what it sends is taken.
_GONE_AFTER: Mapping[str, int] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


class _Connection(psycopg.Connection[Any]):
    """Is closed by a statement that takes too long: what the server says to it later, nobody waits for."""

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.close()
            raise


def make_engine(url: URL, *, answers: bool, **options: Any) -> Engine:  # noqa: ANN401 - whatever SQLAlchemy takes
    """An engine.

    Args:
        url: The URL; what is in its query goes before what is set here.
        answers: Whether callers wait for what it is asked, so that it has `ANSWER_SECONDS`.
        options: Those of `create_engine`.
    """
    patience = {"connect_timeout": CONNECT_SECONDS, **_GONE_AFTER}
    unset = {name: value for name, value in patience.items() if name not in url.query}
    # A statement's parameters are personal data and stay out of messages and logs.
    engine = create_engine(url, hide_parameters=True, connect_args=unset, **options)
    if answers:
        event.listen(engine, "do_connect", _connect)
    return engine


def _connect(_dialect: object, _record: object, arguments: list[Any], named: dict[str, Any]) -> _Connection:
    connect: Callable[..., _Connection] = _Connection.connect
    return connect(*arguments, **named)
