"""`authz-service policy matrix`."""

import sys
from itertools import groupby
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from authz_service.cli.policy.bench import folder_argument, judged
from authz_service.policy import matrix_texts
from authz_service.policy.alternatives import told
from authz_service.policy.matrix import Answer, Cell, Matrix, arrange
from authz_service.policy.matrix_layout import read_layout
from authz_service.policy.sentences import Phrases, read_phrases
from authz_service.policy.situations import read_schema

_WIDTH_IN_A_PIPE = 120
_LONGEST_IN_A_CELL = 30
_COLOURS = {Answer.YES: "green", Answer.NO: "red", Answer.IF: "yellow", Answer.DOES_NOT_APPLY: "dim"}
_TEXTS = {
    "csv": matrix_texts.write_csv,
    "json": matrix_texts.write_json,
    "markdown": matrix_texts.write_markdown,
}


@click.command(
    short_help="Print who may do what, all situations in one table.",
    epilog="""\b
Examples:
  authz-service policy matrix
  authz-service policy matrix policies --format markdown > matrix.md
  authz-service policy matrix --format csv | grep ,if,
""",
)
@folder_argument
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", *_TEXTS]),
    default="table",
    show_default=True,
    help="How it is told.",
)
def matrix(folder: Path, style: str) -> None:
    """Print who may do what with a customer number: every situation judged, and told in one table.

    ✓ is allowed, ✗ is not, ◐ is allowed on a condition, and where there is no such situation there is a dash. The rows,
    the columns and what conditions are called are in schemas/matrix.yaml.
    """
    schema = read_schema(folder)
    phrases, layout = read_phrases(folder, schema), read_layout(folder, schema)
    arranged = arrange(judged(folder, schema), layout)
    if style == "table":
        _print(arranged, phrases)
    else:
        click.echo(_TEXTS[style](arranged, phrases), nl=False)


def _print(arranged: Matrix, phrases: Phrases) -> None:
    columns = [Column(title, min_width=max(map(len, title.split()))) for title in arranged.columns]
    table = Table(Column(no_wrap=True), *columns, box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    notes: list[str] = []
    for group, rows in groupby(arranged.rows, key=lambda row: row.group):
        table.add_row(Text(group, style="bold"))
        for row in rows:
            cells = [Text(_short(cell, phrases, notes), style=_COLOURS[cell.answer]) for cell in row.cells.values()]
            table.add_row(f"  {matrix_texts.title_of_row(row, phrases)}", *cells)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_IN_A_PIPE, highlight=False)
    with console.capture() as drawn:
        console.print(table)
    for line in drawn.get().splitlines():
        click.echo(line.rstrip())
    same, rest = matrix_texts.said_below(arranged, phrases)
    if notes:
        click.echo("\n".join(["", *(f"{number}) {note}" for number, note in enumerate(notes, start=1))]))
    if same:
        click.echo("\n".join(["", f"{matrix_texts.NO_DIFFERENCE}:", *(f"  {line}" for line in same)]))
    click.echo(f"\n{rest}")


def _short(cell: Cell, phrases: Phrases, notes: list[str]) -> str:
    """What fits into a cell; a longer condition becomes a note."""
    said = matrix_texts.said_of_cell(cell, phrases)
    if len(said) <= _LONGEST_IN_A_CELL:
        return said
    note = told(cell.condition, phrases)
    if note not in notes:
        notes.append(note)
    return f"{matrix_texts.SYMBOLS[cell.answer]} if {notes.index(note) + 1})"
