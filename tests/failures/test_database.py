"""The database fails: it is gone, frozen, locked, or its disk is full."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from authz_service.storage.database import LOCK_WAIT_SECONDS, connect, reading
from authz_service.storage.postgresql import ANSWER_SECONDS, CONNECT_SECONDS
from tests.failures.asking import BILLS, OWN_USAGE, SMITHS, WISH, Clock, decided, is_alive, unready
from tests.failures.conftest import ACTIVATION_KEY, MakeDatabase
from tests.failures.disks import filled, small_disk
from tests.failures.road import Road, road
from tests.journals import journal_settings
from tests.postgresql import PostgreSQL, postgresql_server
from tests.processes import freeze, is_running, processes_below, thaw, wait_until
from tests.services import HOST, Service, serve

ADDRESS = f"/v1/customers/{SMITHS}"
TAKE_OVER = f"{ADDRESS}/administrators"
OPTION = {"id": "moon-calls", "name": "Calls to the moon", "for": "mobile", "price": "9.00"}

OTHER_CONNECTIONS = """
    SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
LOSE_CONNECTION = "SELECT pg_terminate_backend(:pid, 5000)"


def administrators(service: Service) -> list[str]:
    members = service.call("GET", ADDRESS).json()["members"]
    return [member["person"] for member in members if member["role"] == "administrator"]


# PostgreSQL


@pytest.fixture(scope="module")
def harmed() -> Iterator[PostgreSQL]:
    """A PostgreSQL that may be harmed."""
    with postgresql_server() as server:
        yield server


@pytest.fixture
def postgresql_url(harmed: PostgreSQL, with_smiths: MakeDatabase) -> str:
    return with_smiths(harmed.new_database())


@pytest.fixture
def road_to_postgresql(postgresql_url: str) -> Iterator[Road]:
    with road(Path(str(make_url(postgresql_url).query["host"])) / ".s.PGSQL.5432") as made:
        yield made


@pytest.fixture
def on_postgresql(opa: Path, postgresql_url: str, road_to_postgresql: Road, tmp_path: Path) -> Iterator[Service]:
    database = make_url(postgresql_url).database
    url = f"postgresql+psycopg://postgres@{HOST}:{road_to_postgresql.port}/{database}"
    more = {f"AUTHZ_{name.upper()}": str(value) for name, value in journal_settings(tmp_path).items()}
    with serve(opa, tmp_path / "service", url, more | {"AUTHZ_ACTIVATION_KEY": ACTIVATION_KEY}) as service:
        yield service


@contextmanager
def frozen(server: PostgreSQL) -> Iterator[None]:
    """None of its processes does anything."""
    stopped = [server.pid, *processes_below(server.pid)]
    for pid in stopped:
        freeze(pid)
    try:
        yield
    finally:
        for pid in stopped:
            thaw(pid)


@contextmanager
def locked_members(url: str) -> Iterator[None]:
    """Somebody is changing the table of members, and does not come to an end."""
    database = connect(url)
    try:
        with database.begin() as connection:
            connection.execute(text("LOCK TABLE members IN ACCESS EXCLUSIVE MODE"))
            yield
    finally:
        database.dispose()


@pytest.mark.parametrize("how", ["frozen", "cut off"])
def test_a_postgresql_that_is_frozen_or_cut_off_is_waited_for_so_long_and_everything_goes_on_afterwards(
    on_postgresql: Service, harmed: PostgreSQL, road_to_postgresql: Road, how: str
) -> None:
    service = on_postgresql
    assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)
    with frozen(harmed) if how == "frozen" else road_to_postgresql.cut():
        with ThreadPoolExecutor() as callers, Clock() as clock:
            answers = [callers.submit(decided, service, asked) for asked in (OWN_USAGE, BILLS)]
            named = callers.submit(unready, service)
            assert is_alive(service)
            with Clock() as deciding:
                assert [answer.result() for answer in answers] == [None, None]
            assert "database" in named.result()
        assert ANSWER_SECONDS - 1 <= deciding.took < ANSWER_SECONDS + 2
        assert clock.took < ANSWER_SECONDS + CONNECT_SECONDS + 2
        with Clock() as connecting:
            assert decided(service, OWN_USAGE) is None
        assert connecting.took < CONNECT_SECONDS + 2
    wait_until(lambda: decided(service, OWN_USAGE) is True)
    wait_until(lambda: unready(service) == set())
    assert service.call("POST", TAKE_OVER, WISH).status_code == 201
    assert administrators(service) == ["mary.jones"]


def test_a_postgresql_whose_table_is_locked_is_waited_for_once_and_everything_goes_on_afterwards(
    on_postgresql: Service, postgresql_url: str
) -> None:
    service = on_postgresql
    assert decided(service, OWN_USAGE) is True
    with locked_members(postgresql_url):
        with ThreadPoolExecutor() as callers, Clock() as clock:
            answers = [callers.submit(decided, service, asked) for asked in (OWN_USAGE, BILLS)]
            role = callers.submit(service.session.get, service.url + ADDRESS, timeout=40)
            change = callers.submit(service.session.post, service.url + TAKE_OVER, json=WISH, timeout=40)
            assert is_alive(service)
            # The database answers.
            assert unready(service) == set()
            assert [answer.result() for answer in answers] == [None, None]
            assert (role.result().status_code, change.result().status_code) == (503, 503)
        assert ANSWER_SECONDS <= clock.took < ANSWER_SECONDS + 2
    wait_until(lambda: decided(service, OWN_USAGE) is True)
    assert administrators(service) == ["philip.smith"]
    assert service.call("POST", TAKE_OVER, WISH).status_code == 201


def test_connections_that_are_lost_are_replaced_and_nobody_hears_of_it(
    on_postgresql: Service, postgresql_url: str
) -> None:
    service = on_postgresql
    database = connect(postgresql_url)
    for _ in range(3):
        assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)
        assert administrators(service) == ["philip.smith"]
        with reading(database) as connection:
            others = connection.scalars(text(OTHER_CONNECTIONS)).all()
            for pid in others:
                connection.execute(text(LOSE_CONNECTION), {"pid": pid})
        assert others
        # Whether it was ended or has ended by itself meanwhile.
        assert [pid for pid in others if is_running(pid)] == []
    database.dispose()
    assert (decided(service, OWN_USAGE), unready(service)) == (True, set())
    assert service.call("POST", TAKE_OVER, WISH).status_code == 201


def test_a_postgresql_that_is_down_is_a_503_at_once_and_everything_goes_on_when_it_is_back(
    on_postgresql: Service, harmed: PostgreSQL
) -> None:
    service = on_postgresql
    assert decided(service, OWN_USAGE) is True
    with harmed.down():
        with Clock() as clock:
            assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (None, None)
            assert service.call("POST", TAKE_OVER, WISH).status_code == 503
            assert service.call("GET", ADDRESS).status_code == 503
        assert clock.took < 4
        assert is_alive(service)
        assert "database" in unready(service)
    wait_until(lambda: decided(service, OWN_USAGE) is True)
    wait_until(lambda: unready(service) == set())
    assert administrators(service) == ["philip.smith"]


# SQLite


def test_a_sqlite_that_another_process_has_locked_is_read_and_not_written(
    opa: Path, database_url: str, tmp_path: Path
) -> None:
    with (
        serve(opa, tmp_path / "service", database_url) as service,
        closing(sqlite3.connect(tmp_path / "authz.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN EXCLUSIVE")
        with Clock() as reading:
            assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)
            assert administrators(service) == ["philip.smith"]
        assert reading.took < 2
        with Clock() as writing:
            assert service.call("POST", TAKE_OVER, WISH).status_code == 503
        assert LOCK_WAIT_SECONDS <= writing.took < LOCK_WAIT_SECONDS + 3
        assert unready(service) == set()
        other.execute("ROLLBACK")
        assert service.call("POST", TAKE_OVER, WISH).status_code == 201


def test_a_sqlite_whose_disk_is_full_is_read_and_not_written_and_nothing_is_half_done(
    opa: Path, with_smiths: MakeDatabase, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", megabytes=8) as disk:
        url = with_smiths(f"sqlite:///{disk / 'authz.db'}")
        more = {f"AUTHZ_{name.upper()}": str(value) for name, value in journal_settings(tmp_path).items()}
        with serve(opa, tmp_path / "service", url, more) as service:
            assert service.call("PUT", "/v1/options/moon-calls", OPTION).status_code == 201
            with filled(disk):
                assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)
                for _ in range(3):
                    assert service.call("POST", TAKE_OVER, WISH).status_code == 503
                    assert service.call("DELETE", "/v1/options/moon-calls").status_code == 503
                assert administrators(service) == ["philip.smith"]
                assert service.call("GET", "/v1/options/moon-calls").json() == OPTION
            assert service.call("POST", TAKE_OVER, WISH).status_code == 201
            assert administrators(service) == ["mary.jones"]
            assert service.call("DELETE", "/v1/options/moon-calls").status_code == 204
            wait_until(lambda: service.readiness()["journal"]["behind_bytes"] == 0)
