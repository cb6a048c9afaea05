"""What migrations do to the tables that are there, and further ones for tests."""

import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import MagicMock

import pytest
from sqlalchemy import Connection, Engine, Inspector, inspect
from sqlalchemy.exc import SAWarning

from authz_service.storage import migrations
from authz_service.storage.database import REVISION, writing
from authz_service.storage.migrating import migrate

# An older program does not notice: it neither reads nor fills what is new, and goes without an index.
_ADDITIVE = {"create_table", "create_index", "drop_index", "add_column", "bulk_insert", "get_bind", "f"}


class _Recorder:
    """Stands in for Alembic's operations."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as the operation has it
        def record(*positional: Any, **named: Any) -> Any:  # noqa: ANN401 - the same
            self.calls.append((name, positional, named))
            return positional[0] if name == "f" else MagicMock()

        return record


def what_breaks_older_programs(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each operation of a migration that is not additive, in words."""
    recorder = _Recorder()
    with monkeypatch.context() as recorded:
        recorded.setattr(module, "op", recorder)
        module.upgrade()
    made = {positional[0] for name, positional, _ in recorder.calls if name == "create_table"}
    found = []
    for name, positional, named in recorder.calls:
        if name not in _ADDITIVE:
            found.append(name)
        elif name == "add_column" and not (positional[1].nullable or positional[1].server_default is not None):
            found.append(f"add_column {positional[1].name}, which older programs do not fill")
        elif name == "create_index" and named.get("unique") and positional[1] not in made:
            found.append(f"create_index {positional[0]}, which refuses rows that were right")
    return found


class Shape(NamedTuple):
    """What a program may rely on of the tables.

    Attributes:
        columns: By table and name, the type of each.
        filled: Those that a row cannot be without, and that have no default.
        rules: Whatever refuses rows, in words that begin with the table.
    """

    columns: Mapping[tuple[str, str], str]
    filled: set[tuple[str, str]]
    rules: set[tuple[str, str]]


def shape_of(connection: Connection) -> Shape:
    """That of the tables as they are in the database."""
    seen = inspect(connection)
    shape = Shape({}, set(), set())
    columns = dict(shape.columns)
    for table in seen.get_table_names():
        for column in seen.get_columns(table):
            place = (table, column["name"])
            columns[place] = str(column["type"])
            if not column["nullable"] and column["default"] is None and column.get("autoincrement") is not True:
                shape.filled.add(place)
        shape.rules.update((table, f"one of each {one}") for one in _unique_in(seen, table))
        shape.rules.update((table, f"has to hold {one['sqltext']}") for one in seen.get_check_constraints(table))
        shape.rules.update(
            (table, f"{one['constrained_columns']} of {one['referred_table']} {one['referred_columns']}")
            for one in seen.get_foreign_keys(table)
        )
    return shape._replace(columns=columns)


def _unique_in(seen: Inspector, table: str) -> set[str]:
    with warnings.catch_warnings():
        # It does not tell of those over expressions, of which none is unique.
        warnings.simplefilter("ignore", SAWarning)
        indexes = [[str(name) for name in one["column_names"]] for one in seen.get_indexes(table) if one["unique"]]
        constraints = [one["column_names"] for one in seen.get_unique_constraints(table)]
    key = seen.get_pk_constraint(table)["constrained_columns"]
    return {str(sorted(names)) for names in (key, *indexes, *constraints)}


def what_older_programs_miss(before: Shape, after: Shape) -> list[str]:
    """Whatever they rely on that has gone, and whatever of theirs would be refused, in words."""
    tables = {table for table, _ in before.columns}
    found = [
        f"{'.'.join(place)} was {kind} and is {after.columns.get(place, 'gone')}"
        for place, kind in before.columns.items()
        if after.columns.get(place) != kind
    ]
    found += [f"{'.'.join(place)} has to be filled" for place in after.filled - before.filled if place[0] in tables]
    found += [f"{table}: {rule}" for table, rule in after.rules - before.rules if table in tables]
    # By such a one rows are added or replaced.
    return found + [f"{table}: no longer {rule}" for table, rule in before.rules - after.rules if "one of each" in rule]


def with_further_step(folder: Path, body: str, *, serves_from: str | None) -> Path:
    """All migrations and one more, as a later version has them."""
    steps = Path(shutil.copytree(Path(migrations.__file__).parent, folder / "steps"))
    contract = f'serves_from = "{serves_from}"' if serves_from else ""
    (steps / "versions" / "9000_later.py").write_text(
        f'"""A later step."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\nrevision = "9000"\n'
        f'down_revision = "{REVISION}"\nbranch_labels = None\ndepends_on = None\n{contract}\n\n\n'
        f"def upgrade() -> None:\n    {body}\n"
    )
    return steps


def take_further_step(database: Engine, folder: Path, body: str, *, serves_from: str | None) -> None:
    """Has the tables as a later version leaves them."""
    with writing(database) as connection:
        migrate(connection, str(with_further_step(folder, body, serves_from=serves_from)))
