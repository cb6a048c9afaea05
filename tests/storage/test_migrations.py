"""Migrations add; what takes away is marked, so that older programs are told and not surprised."""

from pathlib import Path
from types import ModuleType

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from authz_service.storage.database import connect, reading, writing
from authz_service.storage.migrating import STEPS, steps_after
from tests.storage.migrations import (
    shape_of,
    take_further_step,
    what_breaks_older_programs,
    what_older_programs_miss,
)

ADDITIVE = [
    'op.create_table("things", sa.Column("id", sa.String()), sa.UniqueConstraint("id"))',
    'op.create_table("things", sa.Column("id", sa.String())); op.create_index("ix", "things", ["id"], unique=True)',
    'op.add_column("people", sa.Column("nickname", sa.String()))',
    'op.add_column("people", sa.Column("nickname", sa.String(), nullable=False, server_default=""))',
    'op.create_index("ix_people_email", "people", ["email"])',
    'op.drop_index("ix_people_email", "people")',
]
BREAKING = [
    'op.drop_table("people")',
    'op.drop_column("people", "email")',
    'op.alter_column("people", "email", new_column_name="address")',
    'op.rename_table("people", "persons")',
    'op.add_column("people", sa.Column("nickname", sa.String(), nullable=False))',
    'op.create_index("ix_people_email", "people", ["email"], unique=True)',
    'op.create_check_constraint("ck", "people", "email <> name")',
    'op.create_unique_constraint("uq", "people", ["email"])',
    'op.create_foreign_key("fk", "people", "options", ["email"], ["id"])',
    'op.execute("DELETE FROM people")',
    'op.batch_alter_table("people")',
]


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", STEPS)
    return config


def all_steps() -> list[ModuleType]:
    return [step.module for step in ScriptDirectory.from_config(configuration()).walk_revisions()]


@pytest.mark.parametrize("step", all_steps(), ids=lambda step: step.revision)
def test_a_step_that_does_not_say_whom_it_serves_only_adds(step: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking = what_breaks_older_programs(step, monkeypatch)
    assert breaking == [] or getattr(step, "serves_from", None), (
        f"{step.revision} breaks programs that expect the step before it: {breaking}."
        " Add now, and take away later, by a step whose `serves_from` is the first revision that does without."
    )


@pytest.mark.parametrize("body", ADDITIVE)
def test_what_only_adds_is_known(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert what_breaks_older_programs(step_of(body), monkeypatch) == []


@pytest.mark.parametrize("body", BREAKING)
def test_what_older_programs_would_trip_over_is_found(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(what_breaks_older_programs(step_of(body), monkeypatch)) == 1


def step_of(body: str) -> ModuleType:
    step = ModuleType("step")
    exec(f"import sqlalchemy as sa\nfrom alembic import op\ndef upgrade():\n    {body}", step.__dict__)  # noqa: S102 - written above
    return step


@pytest.mark.parametrize("body", [*ADDITIVE[:-1], 'op.get_bind().exec_driver_sql("CREATE TABLE things (id TEXT)")'])
def test_what_only_adds_leaves_everything_to_older_programs(any_database: Engine, tmp_path: Path, body: str) -> None:
    assert missed_after(any_database, tmp_path, body) == []


@pytest.mark.parametrize(
    ("body", "missed"),
    [
        ("op.get_bind().exec_driver_sql('DROP TABLE feed_sources')", "feed_sources.source was VARCHAR and is gone"),
        (
            "op.get_bind().exec_driver_sql('ALTER TABLE people RENAME email TO address')",
            "people.email was VARCHAR and is gone",
        ),
        ("op.get_bind().exec_driver_sql('CREATE UNIQUE INDEX uq ON people (email)')", "people: one of each ['email']"),
        (
            "op.get_bind().exec_driver_sql('DROP INDEX one_administrator_on_a_residential_number')",
            "members: no longer one of each ['customer_number']",
        ),
    ],
)
def test_what_a_step_does_by_itself_is_seen_in_the_tables(
    any_database: Engine, tmp_path: Path, body: str, missed: str
) -> None:
    assert missed in missed_after(any_database, tmp_path, body)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_step_takes_what_older_programs_use_unless_it_says_so(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    is_sqlite = kind == "sqlite"
    url = f"sqlite:///{tmp_path / 'new.db'}" if is_sqlite else request.getfixturevalue("postgresql").new_database()
    database = connect(url)
    for step in all_steps()[::-1]:
        with writing(database) as connection:
            before = shape_of(connection)
            config = configuration()
            config.attributes["connection"] = connection
            command.upgrade(config, step.revision)
            missed = what_older_programs_miss(before, shape_of(connection))
        assert missed == [] or getattr(step, "serves_from", None), step.revision
    database.dispose()


def test_a_step_serves_programs_from_a_revision_that_there_is_not_later_than_its_own() -> None:
    for step in all_steps():
        oldest = getattr(step, "serves_from", "0001")
        assert oldest in {one.revision for one in all_steps()}
        assert oldest <= step.revision


def missed_after(database: Engine, folder: Path, body: str) -> list[str]:
    with reading(database) as connection:
        before = shape_of(connection)
    take_further_step(database, folder, body, serves_from=None)
    with reading(database) as connection:
        return what_older_programs_miss(before, shape_of(connection))


def test_the_steps_after_one_are_told_in_their_order() -> None:
    assert [step.partition(":")[0] for step in steps_after("0006")][:3] == ["0007", "0008", "0009"]
    assert steps_after(None)[0].startswith("0001: ")
