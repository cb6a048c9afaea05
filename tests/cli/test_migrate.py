"""`authz-service migrate`: the tables, and nothing that answers."""

from sqlalchemy import Engine

from authz_service.storage.database import REVISION, connect, is_current
from tests.cli.conftest import Cli


def test_the_tables_are_made_and_named_and_a_second_time_changes_nothing(cli: Cli, database_url: str) -> None:
    first, second = (cli("migrate", AUTHZ_DATABASE_URL=database_url) for _ in range(2))
    assert first.status == second.status == 0
    assert first.stdout == second.stdout
    assert f"has the tables of this version, {REVISION}." in first.stdout
    assert _is_current(connect(database_url))


def test_without_a_database_it_says_which_setting_is_missing(cli: Cli) -> None:
    run = cli("migrate")
    assert run.status == 1
    assert "AUTHZ_DATABASE_URL" in run.stderr


def _is_current(database: Engine) -> bool:
    try:
        return is_current(database)
    finally:
        database.dispose()
