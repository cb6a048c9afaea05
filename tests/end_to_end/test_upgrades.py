"""A running service of an older version while a newer one brings the tables up to date."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.errors import ConfigurationError
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.settings import Settings
from authz_service.storage.database import REVISION, connect, is_current, reading, revision_of, upgrade
from authz_service.words import Scope
from tests.conftest import BEARER, SMITH_FAMILY, TOKEN
from tests.journals import journal_settings
from tests.services import question
from tests.storage.migrations import take_further_step

ADDS = (
    'op.add_column("people", sa.Column("nickname", sa.String(), nullable=False, server_default="")); '
    'op.create_table("things", sa.Column("id", sa.String()))'
)


@pytest.fixture
def older(any_database: Engine, tmp_path: Path, running_opa: SupervisedOpa) -> Iterator[Flask]:
    """The service over the Smith family; today's is the older one of a version to come."""
    url = any_database.url.render_as_string(hide_password=False)
    import_files(any_database, [SMITH_FAMILY], key_finder("k" * 32, any_database))
    settings = Settings(
        database_url=url,
        opa_url=running_opa.url,
        policy_status=running_opa.status_file,
        activation_key="k" * 32,
        **journal_settings(tmp_path),
    )
    app = create_app(settings, callers=[Caller("tests", token_sha256(TOKEN), frozenset(Scope))])
    yield app
    close_app(app)


def ask(app: Flask) -> tuple[bool, int]:
    """An answer, and the status of being ready."""
    client = app.test_client()
    asked = question("philip.smith", "view_bills", "customer", "123456789")
    answer = client.post("/access/v1/evaluation", json=asked, headers=BEARER)
    assert answer.status_code == 200, answer.text
    return answer.get_json()["decision"], client.get("/readyz").status_code


def put(app: Flask) -> int:
    body = {"id": "ann.new", "name": "Ann", "email": "ann@example.org"}
    return app.test_client().put("/v1/people/ann.new", json=body, headers=BEARER).status_code


def test_it_goes_on_where_tables_were_added_to(older: Flask, any_database: Engine, tmp_path: Path) -> None:
    assert ask(older) == (True, 200)
    take_further_step(any_database, tmp_path, ADDS, serves_from=None)
    assert revision_of(any_database)[0] == "9000"
    assert ask(older) == (True, 200)
    assert put(older) == 201


def test_a_replica_of_the_older_version_still_starts(older: Flask, any_database: Engine, tmp_path: Path) -> None:
    take_further_step(any_database, tmp_path, ADDS, serves_from=None)
    upgrade(any_database)
    assert is_current(any_database)
    assert revision_of(any_database)[0] == "9000"
    again = connect(any_database.url.render_as_string(hide_password=False))
    upgrade(again)
    again.dispose()
    assert ask(older) == (True, 200)


def test_it_goes_on_where_something_was_taken_away_that_it_does_without(
    older: Flask, any_database: Engine, tmp_path: Path
) -> None:
    take_further_step(any_database, tmp_path, 'op.drop_table("feed_sources")', serves_from=REVISION)
    assert ask(older) == (True, 200)
    assert put(older) == 201
    upgrade(any_database)
    assert is_current(any_database)


def test_it_says_so_where_something_was_taken_away(older: Flask, any_database: Engine, tmp_path: Path) -> None:
    take_further_step(any_database, tmp_path, 'op.drop_table("feed_sources")', serves_from="9000")
    readiness = older.test_client().get("/readyz")
    assert readiness.status_code == 503
    assert readiness.get_json()["checks"]["database"]["ok"] is False
    with pytest.raises(ConfigurationError, match="made by a later version"):
        upgrade(any_database)


def test_an_upgrade_that_fails_leaves_the_tables_as_they_were(any_database: Engine, tmp_path: Path) -> None:
    body = 'op.create_table("things", sa.Column("id", sa.String())); raise KeyError'
    with pytest.raises(KeyError):
        take_further_step(any_database, tmp_path, body, serves_from=None)
    assert revision_of(any_database)[0] == REVISION
    with reading(any_database) as connection:
        names = {"sqlite": "sqlite_master WHERE name", "postgresql": "pg_tables WHERE tablename"}
        there = text(f"SELECT count(*) FROM {names[any_database.dialect.name]} = 'things'")  # noqa: S608 - names of ours
        assert connection.scalar(there) == 0
