"""A PostgreSQL that takes too long is given up on by whoever answers callers, and by nobody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pytest
from sqlalchemy import Engine, text

from authz_service.errors import DatabaseUnavailable
from authz_service.storage import postgresql as of_package
from authz_service.storage.database import connect, reading
from authz_service.storage.reader import Reader
from tests.postgresql import PostgreSQL

SECONDS = 1.2
LONG = "SELECT pg_sleep(3)"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_package, "ANSWER_SECONDS", SECONDS)


@contextmanager
def engine(url: str, *, answers: bool) -> Iterator[Engine]:
    made = connect(url, answers=answers)
    try:
        yield made
    finally:
        made.dispose()


def test_a_statement_that_takes_too_long_is_given_up_and_the_next_has_a_connection(postgresql: PostgreSQL) -> None:
    with engine(postgresql.new_database(), answers=True) as database:
        began = monotonic()
        with pytest.raises(DatabaseUnavailable), reading(database) as connection:
            connection.execute(text(LONG))
        assert SECONDS <= monotonic() - began < 2 * SECONDS
        with reading(database) as connection:
            assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_so_it_is_with_what_decisions_read(postgresql: PostgreSQL) -> None:
    with engine(postgresql.new_database(), answers=False) as database:
        reader = Reader(database)
        began = monotonic()
        with pytest.raises(DatabaseUnavailable):
            reader.rows(LONG, ())
        assert SECONDS <= monotonic() - began < 2 * SECONDS
        assert reader.rows("SELECT 1", ()) == [(1,)]


def test_what_the_server_gives_up_is_not_asked_of_it_again(postgresql: PostgreSQL) -> None:
    url = f"{postgresql.new_database()}&options=-c%20statement_timeout%3D{int(SECONDS * 1000) // 2}"
    with engine(url, answers=False) as database:
        began = monotonic()
        with pytest.raises(DatabaseUnavailable):
            Reader(database).rows(LONG, ())
        assert SECONDS / 2 <= monotonic() - began < SECONDS


def test_a_connection_that_is_lost_while_it_is_waited_for_is_not_waited_for_twice(postgresql: PostgreSQL) -> None:
    ends_itself = "SELECT pg_sleep(1.1), pg_terminate_backend(pg_backend_pid()), pg_sleep(1.1)"
    with engine(postgresql.new_database(), answers=False) as database:
        reader = Reader(database)
        began = monotonic()
        with pytest.raises(DatabaseUnavailable):
            reader.rows(ends_itself, ())
        assert monotonic() - began < 2
        assert reader.rows("SELECT 1", ()) == [(1,)]


def test_whoever_does_not_answer_callers_has_the_time_that_it_takes(postgresql: PostgreSQL) -> None:
    with engine(postgresql.new_database(), answers=False) as database, reading(database) as connection:
        assert connection.execute(text("SELECT pg_sleep(1.5), 1")).one()[1] == 1


def test_a_server_that_is_gone_is_noticed_unless_the_url_says_otherwise(postgresql: PostgreSQL) -> None:
    url = postgresql.new_database()
    for query, wanted in (
        ("", {"connect_timeout": "5", "keepalives_idle": "10"}),
        ("&keepalives_idle=99", {"keepalives_idle": "99"}),
    ):
        with engine(url + query, answers=True) as database, database.connect() as connection:
            said = connection.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]  # it is connected
            assert {name: said[name] for name in wanted} == wanted
