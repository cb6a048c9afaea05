"""Two revisions of the policy side by side: what they answer differently, who is concerned, and in which cells."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from authz_service.errors import DatabaseUnavailable, InvalidPolicy
from authz_service.opa.binary import find_opa, project_tool_folder
from authz_service.opa.bundle import build_bundle
from authz_service.opa.folder import unpack_folder
from authz_service.policy.diff import Diff, Happened, Impact, compare, impact
from authz_service.policy.diff_texts import (
    Section,
    Situations,
    Told,
    one_sided,
    situations_of,
    size_of,
    summary,
    tell,
)
from authz_service.policy.matrix import Answer, Cell, Matrix, arrange
from authz_service.policy.matrix_layout import read_layout
from authz_service.policy.matrix_texts import title_of_row
from authz_service.policy.sentences import Phrases, read_phrases
from authz_service.policy.situations import SCHEMA, Facts, read_schema
from authz_service.policy.table import judge_all
from authz_service.storage.database import connect, reading

_BUNDLE = "bundle.tar.gz"


class ShownGroup(NamedTuple):
    """Situations that are answered differently for the same reason.

    Attributes:
        sentences: What they are, each with how many.
        size: How many situations, people and customer numbers, in words.
        allow: Whether they are allowed now.
        came: The reasons that the new answer has and the old has not, and what else it brings.
        went: The reasons that the old answer has and the new has not, and what else it brought.
        situations: The first of them.
        more: How many more there are.
    """

    sentences: Sequence[tuple[str, int]]
    size: str
    allow: bool
    came: Sequence[str]
    went: Sequence[str]
    situations: Situations
    more: int


class ShownSection(NamedTuple):
    """The groups to which the same happened."""

    happened: Happened
    title: str
    meaning: str
    size: str
    groups: Sequence[ShownGroup]


class CellAnswer(NamedTuple):
    """What a cell says, and in how many of its situations it is allowed."""

    answer: Answer
    allowed: int
    size: int


class ChangedCell(NamedTuple):
    """A cell of the matrix that allows other situations, as it was and as it is."""

    before: CellAnswer
    now: CellAnswer


class ChangedRow(NamedTuple):
    """A row of the matrix in which a cell has changed: its title, and each cell, None where it is as it was."""

    title: str
    cells: Sequence[ChangedCell | None]


class Comparison(NamedTuple):
    """The difference of two revisions.

    Attributes:
        old: The one revision.
        new: The other.
        summary: It, in a sentence.
        judged: How many situations both answer.
        is_empty: Whether there is no difference at all.
        sections: What happened, what widened first.
        one_sided: What only one of the two can be asked about, a sentence each.
        columns: The titles of the matrix.
        rows: Its rows in which something has changed.
        counted_at: When people were counted; None where they could not be.
        not_counted: Why not.
    """

    old: str
    new: str
    summary: str
    judged: int
    is_empty: bool
    sections: Sequence[ShownSection]
    one_sided: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[ChangedRow]
    counted_at: datetime | None
    not_counted: str


def compare_revisions(old: Path | bytes, new: Path | bytes, database_url: str) -> Comparison:
    """Judges every situation by both, and counts in the database who is concerned.

    Args:
        old: A policies folder or a bundle, or what is in that.
        new: The same.
        database_url: The database.

    Raises:
        ConfigurationError: There is no OPA to judge with.
        InvalidPolicy: One of them cannot be judged.
    """
    opa = find_opa(os.environ, project_tool_folder())
    with tempfile.TemporaryDirectory(prefix="authz-compared-") as made:
        before, after = (_unpacked(opa, source, Path(made) / name) for name, source in (("old", old), ("new", new)))
        # A bundle of an older service has no schema: what the other can be asked about, it is asked too.
        spoken, spoken_before = _with_schema(after, before), _with_schema(before, after)
        schema, schema_before = read_schema(spoken), read_schema(spoken_before)
        phrases, layout = read_phrases(spoken, schema), read_layout(spoken, schema)
        table, table_before = judge_all(opa, after / _BUNDLE, schema), judge_all(opa, before / _BUNDLE, schema_before)
    difference = compare(table_before, schema_before, table, schema)
    counted, why_not = _counted(difference, database_url)
    report = tell(table_before.revision, table.revision, difference, phrases, counted)
    matrix = arrange(table, layout)
    return Comparison(
        report.old,
        report.new,
        summary(report).partition(" ")[2],
        difference.judged,
        difference.is_empty,
        [_section(section) for section in report.sections],
        one_sided(report),
        matrix.columns,
        list(_changed_rows(arrange(table_before, layout), matrix, phrases)),
        None if counted is None else datetime.now(UTC),
        why_not,
    )


def _unpacked(opa: Path, source: Path | bytes, folder: Path) -> Path:
    """A folder with the policy as a bundle, and with what the bundle has of its policies folder."""
    folder.mkdir()
    if isinstance(source, bytes):
        given = folder / "given.tar.gz"
        given.write_bytes(source)
        source = given
    build_bundle(opa, source, folder / _BUNDLE)
    unpack_folder(folder / _BUNDLE, folder)
    return folder


def _with_schema(folder: Path, other: Path) -> Path:
    return folder if (folder / SCHEMA).exists() or not (other / SCHEMA).exists() else other


def _counted(difference: Diff, database_url: str) -> tuple[Impact | None, str]:
    """Who is concerned, or why that is not known."""
    database = connect(database_url)
    try:
        with reading(database) as connection:
            return impact(connection, difference), ""
    except (DatabaseUnavailable, InvalidPolicy) as error:
        return None, str(error)
    finally:
        database.dispose()


def _section(section: Section) -> ShownSection:
    heading = section.heading
    groups = [_group(told) for told in section.groups]
    return ShownSection(section.happened, heading.title, heading.meaning, size_of(section), groups)


def _group(told: Told) -> ShownGroup:
    why, situations = told.group.why, situations_of(told)
    return ShownGroup(
        told.sentences, size_of(told), why.allow, why.came, why.went, situations, told.size - len(situations.rows)
    )


def _changed_rows(before: Matrix, after: Matrix, phrases: Phrases) -> Iterator[ChangedRow]:
    """The rows of the later matrix in which a cell allows other situations than before."""
    earlier = {(row.group, str(row.facts)): row for row in before.rows}
    for row in after.rows:
        was = earlier.get((row.group, str(row.facts)))
        cells = [_changed(was.cells.get(title), cell) if was else None for title, cell in row.cells.items()]
        if any(cells):
            yield ChangedRow(title_of_row(row, phrases), cells)


def _changed(before: Cell | None, now: Cell) -> ChangedCell | None:
    if before is None or _allowed(before) == _allowed(now):
        return None
    return ChangedCell(*(CellAnswer(cell.answer, cell.allowed, cell.size) for cell in (before, now)))


def _allowed(cell: Cell) -> list[Facts]:
    return [facts for facts, outcome in cell.situations if outcome.allow]
