import pytest
from sqlalchemy import Engine, MetaData, text
from structlog.testing import capture_logs

from authz_service.customers.importing import import_files
from authz_service.storage.bulk import add_rows
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import customers, options
from tests.conftest import SMITH_FAMILY


def test_rows_come_in_as_they_are(any_database: Engine) -> None:
    rows: list[tuple[object, ...]] = [("a\tb", 'c"\\N', "mobile", 0, 1), ("b\n", "\\", "tv", 1, 2)]
    with writing(any_database) as connection:
        add_rows(connection, options, rows)
    with reading(any_database) as connection:
        assert [tuple(row) for row in connection.execute(options.select().order_by(options.c.id))] == rows


def test_after_an_import_postgresql_knows_its_tables(on_postgresql: Engine) -> None:
    import_files(on_postgresql, [SMITH_FAMILY], lambda: b"k" * 32)
    with reading(on_postgresql) as connection:
        known = set(connection.scalars(text("SELECT tablename FROM pg_stats WHERE schemaname = 'public'")))
    assert {"people", "customers", "members", "subscriptions", "options"} <= known


def test_sqlite_does_not_take_small_tables_for_small_for_ever(database: Engine) -> None:
    import_files(database, [SMITH_FAMILY], lambda: b"k" * 32)
    with reading(database) as connection:
        assert connection.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'")) == 0


def test_what_is_stored_stays_so_where_the_tables_cannot_be_looked_at(
    on_postgresql: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = options.to_metadata(MetaData(), name="gone")
    monkeypatch.setattr("authz_service.customers.importing._FILLED", [customers, gone])
    with capture_logs() as logs:
        assert import_files(on_postgresql, [SMITH_FAMILY], lambda: b"k" * 32).customers == 1
    assert [entry["event"] for entry in logs] == ["tables.not_analyzed"]
    with reading(on_postgresql) as connection:
        assert connection.execute(customers.select()).one()
