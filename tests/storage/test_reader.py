from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from authz_service.errors import DatabaseUnavailable
from authz_service.storage.database import connect, writing
from authz_service.storage.reader import Reader
from tests.postgresql import PostgreSQL

ADDRESS = {"sqlite": "SELECT id FROM people WHERE id = ?", "postgresql": "SELECT id FROM people WHERE id = %s"}


@pytest.fixture
def reader(any_database: Engine) -> Reader:
    with writing(any_database) as connection:
        connection.execute(text("INSERT INTO people (id, name, email) VALUES ('mary.jones', 'Mary', 'm@example.org')"))
    return Reader(any_database)


@pytest.fixture
def lasting(postgresql: PostgreSQL) -> Iterator[Engine]:
    engine = connect(postgresql.new_database())
    yield engine
    engine.dispose()


def test_it_reads_what_has_been_committed(reader: Reader, any_database: Engine) -> None:
    statement = ADDRESS[reader.dialect]
    assert reader.rows(statement, ("mary.jones",)) == [("mary.jones",)]
    assert reader.rows(statement, ("' OR 1=1 --",)) == []
    with writing(any_database) as connection:
        connection.execute(text("DELETE FROM people"))
        assert reader.rows(statement, ("mary.jones",)) == [("mary.jones",)]
    assert reader.rows(statement, ("mary.jones",)) == []


def test_many_threads_read_at_once(reader: Reader) -> None:
    statement = ADDRESS[reader.dialect]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: reader.rows(statement, ("mary.jones",)), range(500)))
    assert answers == [[("mary.jones",)]] * 500


def test_a_statement_that_cannot_be_is_refused_in_our_words_and_harms_nothing(reader: Reader) -> None:
    for _ in range(30):
        with pytest.raises(DatabaseUnavailable):
            reader.rows("SELECT nothing FROM nowhere", ())
    assert reader.rows(ADDRESS[reader.dialect], ("mary.jones",)) == [("mary.jones",)]


def test_a_lost_connection_is_replaced_and_nobody_hears_of_it(lasting: Engine) -> None:
    reader = Reader(lasting)
    with ThreadPoolExecutor(8) as pool:
        before = {
            pid
            for pid, _ in pool.map(lambda _: reader.rows("SELECT pg_backend_pid(), pg_sleep(0.05)", ())[0], range(8))
        }
    assert len(before) > 1
    with writing(lasting) as connection:
        killed = [
            connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid}).scalar_one()
            for pid in before
        ]
    assert all(killed)
    for _ in range(10):
        [[pid]] = reader.rows("SELECT pg_backend_pid()", ())
        assert pid not in before


def test_its_connections_go_with_the_engine(lasting: Engine) -> None:
    reader = Reader(lasting)
    [[pid]] = reader.rows("SELECT pg_backend_pid()", ())
    lasting.dispose()
    [[other]] = reader.rows("SELECT pg_backend_pid()", ())
    assert other != pid


def test_a_database_that_is_not_there_is_unavailable(tmp_path: Path, lasting: Engine) -> None:
    gone = connect(f"sqlite:///{tmp_path / 'gone.db'}")
    (tmp_path / "gone.db").write_bytes(b"no database at all, but long enough to be looked at" * 20)
    with pytest.raises(DatabaseUnavailable):
        Reader(gone).rows("SELECT 1 FROM people", ())
    elsewhere = connect(lasting.url.set(database="nowhere").render_as_string(hide_password=False))
    with pytest.raises(DatabaseUnavailable):
        Reader(elsewhere).rows("SELECT 1", ())


def test_a_connection_to_sqlite_keeps_less_than_a_mebibyte_of_pages(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'customers.db'}")
    [(size,)] = Reader(engine).rows("PRAGMA cache_size", ())
    engine.dispose()
    # Where it is negative, it is in KiB.
    assert -1024 < size < 0


def test_postgresql_plans_a_statement_once(lasting: Engine) -> None:
    reader = Reader(lasting)
    for _ in range(20):
        reader.rows("SELECT 1 WHERE 1 = %s", (1,))
    plans = reader.rows("SELECT sum(generic_plans), sum(custom_plans) FROM pg_prepared_statements", ())
    assert plans[0][0] >= 10
    assert plans[0][1] == 0
