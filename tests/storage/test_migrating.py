"""Tables of PostgreSQL that are in use are waited for without holding up others."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from authz_service.errors import DatabaseUnavailable
from authz_service.storage import migrating
from authz_service.storage.database import REVISION, connect, reading, revision_of, writing
from authz_service.storage.migrating import bring_up_to_date
from tests.postgresql import PostgreSQL
from tests.processes import wait_until
from tests.storage.migrations import with_further_step

# Roles are the server's, so they may be there.
_ROLES = """
DO $$
DECLARE each record;
BEGIN
  BEGIN CREATE ROLE serves LOGIN; EXCEPTION WHEN duplicate_object THEN END;
  BEGIN CREATE ROLE copies LOGIN; EXCEPTION WHEN duplicate_object THEN END;
  FOR each IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('ALTER TABLE %I OWNER TO serves', each.tablename);
    EXECUTE format('GRANT SELECT ON %I TO copies', each.tablename);
  END LOOP;
  GRANT CREATE ON SCHEMA public TO serves;
END $$
"""
ADDS = 'op.add_column("people", sa.Column("nickname", sa.String()))'


@pytest.fixture
def database(postgresql: PostgreSQL, migrated_postgresql: str) -> Iterator[Engine]:
    """That of a role which sees of other roles what everybody does."""
    url = postgresql.new_database(migrated_postgresql)
    owner = connect(url)
    with writing(owner) as connection:
        connection.execute(text(_ROLES))
    owner.dispose()
    engine = connect(f"{url}&user=serves")
    yield engine
    engine.dispose()


@pytest.fixture
def later(tmp_path: Path) -> str:
    return str(with_further_step(tmp_path, ADDS, serves_from=None))


@contextmanager
def long_reader(database: Engine) -> Iterator[threading.Event]:
    """Reads the people for as long as it is not told to end, as a copy of a large database does."""
    engine = connect(
        database.url.update_query_dict({"application_name": "pg_dump", "user": "copies"}).render_as_string()
    )
    end = threading.Event()

    def read() -> None:
        with reading(engine) as connection:
            connection.execute(text("SELECT count(*) FROM people"))
            begun.set()
            end.wait(30)
        engine.dispose()

    begun = threading.Event()
    thread = threading.Thread(target=read)
    thread.start()
    try:
        assert begun.wait(10)
        yield end
    finally:
        end.set()
        thread.join()


def slowest_read(database: Engine, running: threading.Event) -> float:
    """How long a reader who comes meanwhile waits at most, in seconds."""
    slowest = 0.0
    while running.is_set():
        began = time.monotonic()
        with reading(database) as connection:
            connection.execute(text("SELECT count(*) FROM people"))
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.02)
    return slowest


def test_a_table_that_stays_in_use_is_given_up_with_who_uses_it_and_others_wait_briefly(
    database: Engine, later: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "PATIENCE_SECONDS", 3.0)
    monkeypatch.setattr(migrating, "PAUSE_SECONDS", 0.5)
    running = threading.Event()
    running.set()
    with long_reader(database), ThreadPoolExecutor() as beside:
        slowest = beside.submit(slowest_read, database, running)
        try:
            with pytest.raises(DatabaseUnavailable, match=r"in use for 3 s.* used by: process \d+ \(pg_dump\)\. Wait"):
                bring_up_to_date(database, later)
        finally:
            running.clear()
        assert 0.3 < slowest.result() < 3
    assert revision_of(database)[0] == REVISION


def test_once_the_table_is_free_it_is_changed(database: Engine, later: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrating, "PAUSE_SECONDS", 0.1)
    with long_reader(database) as end, ThreadPoolExecutor() as beside:
        upgrading = beside.submit(bring_up_to_date, database, later)
        time.sleep(1.5)
        assert not upgrading.done()
        end.set()
        upgrading.result(timeout=20)
    wait_until(lambda: revision_of(database)[0] == "9000")


def test_a_reader_of_two_tables_is_not_ended_for_a_deadlock(
    database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "PAUSE_SECONDS", 0.1)
    # It comes to its second table once the reader waits for its first, so that the reader has waited for longer.
    two = f"{ADDS}; op.execute('SELECT pg_sleep(0.2)'); op.add_column('customers', sa.Column('alias', sa.String()))"
    later = str(with_further_step(tmp_path, two, serves_from=None))
    with ThreadPoolExecutor() as beside:
        with reading(database) as connection:
            connection.execute(text("SELECT count(*) FROM customers"))
            upgrading = beside.submit(bring_up_to_date, database, later)
            wait_until(lambda: is_locked(database, "people"))
            assert connection.scalar(text("SELECT count(*) FROM people")) == 0
        upgrading.result(timeout=20)
    assert revision_of(database)[0] == "9000"


def is_locked(database: Engine, table: str) -> bool:
    """Whether nobody else can read it now."""
    asked = (
        "SELECT count(*) FROM pg_locks"
        " WHERE relation = to_regclass(:table) AND mode = 'AccessExclusiveLock' AND granted"
    )
    with reading(database) as connection:
        return bool(connection.scalar(text(asked), {"table": table}))


def test_what_else_is_wrong_is_told_at_once(database: Engine, tmp_path: Path) -> None:
    wrong = with_further_step(tmp_path, 'op.execute("SELECT * FROM nothing_of_that_name")', serves_from=None)
    with pytest.raises(DatabaseUnavailable) as caught:
        bring_up_to_date(database, str(wrong))
    assert 'relation "nothing_of_that_name" does not exist' in caught.value.for_operators()
