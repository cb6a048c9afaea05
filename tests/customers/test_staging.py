"""Temporary tables are empty again for each batch of a feed, and do not grow however many there are."""

import pytest
from sqlalchemy import Connection, Engine, func, select, text

from authz_service.customers.staging import PEOPLE, Stage, people, staging_tables


def place(stage: Stage, number: int) -> None:
    stage.add({PEOPLE: [(0, line, None, None, f"person-{line}", None, None, None) for line in range(number)]})


def staged(connection: Connection) -> int | None:
    return connection.scalar(select(func.count()).select_from(people))


@pytest.mark.parametrize("number", [1, 5_000])
def test_what_was_staged_is_gone(any_database: Engine, number: int) -> None:
    with any_database.connect() as connection, staging_tables(connection) as stage, connection.begin():
        place(stage, number)
        assert staged(connection) == number
        stage.clear()
        assert staged(connection) == 0


def test_on_postgresql_they_do_not_grow_and_give_much_room_back(on_postgresql: Engine) -> None:
    def size_after(number: int) -> int:
        with connection.begin():
            place(stage, number)
            stage.clear()
            size: int = connection.scalar(text("SELECT pg_relation_size('pg_temp.staged_people')"))
            return size

    with on_postgresql.connect() as connection, staging_tables(connection) as stage:
        small = [size_after(10) for _ in range(200)]
        assert max(small) < 100_000
        assert size_after(5_000) == 0
