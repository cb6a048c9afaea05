"""Migrations add; what takes away is marked, so that older programs are told and not surprised."""

from types import ModuleType

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from authz_service.storage.migrating import STEPS, steps_after
from tests.storage.migrations import what_breaks_older_programs

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


def all_steps() -> list[ModuleType]:
    config = Config()
    config.set_main_option("script_location", STEPS)
    return [step.module for step in ScriptDirectory.from_config(config).walk_revisions()]


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


def test_the_steps_after_one_are_told_in_their_order() -> None:
    assert [step.partition(":")[0] for step in steps_after("0006")][:3] == ["0007", "0008", "0009"]
    assert steps_after(None)[0].startswith("0001: ")
