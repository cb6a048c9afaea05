"""`authz-service journal export`."""

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click

from authz_service.cli.journal.kept import existing_journal, since_option, until_option
from authz_service.cli.progress import progress
from authz_service.journal.exporting import COLUMNS, as_cells, count, read_all
from authz_service.journal.queries import KeptDecision
from authz_service.journal.shown import shown


@click.command(
    short_help="Write entries as NDJSON or CSV, the oldest first.",
    epilog="""\b
Examples:
  authz-service journal export --from 2026-11-01 --to 2026-12-01 --output november.ndjson
  authz-service journal export --format csv > journal.csv
""",
)
@since_option
@until_option
@click.option("--format", "style", type=click.Choice(["ndjson", "csv"]), default="ndjson", show_default=True)
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="The file; standard output if left out."
)
def export(since: datetime | None, until: datetime | None, style: str, output: Path | None) -> None:
    """Write every entry of a period, the oldest first: decisions, changes of data, revisions, refused callers."""
    with ExitStack() as opened:
        kept = opened.enter_context(existing_journal())
        on_progress = opened.enter_context(progress("Exporting"))
        stream: TextIO = sys.stdout
        if output is not None:
            stream = opened.enter_context(output.open("w", encoding="utf-8", newline=""))
        total = count(kept.database, since, until)
        write = _write_csv if style == "csv" else _write_ndjson
        for done in write(stream, read_all(kept.database, since, until)):
            on_progress(done, total)
        # While a reader that has gone away is still nobody's error.
        stream.flush()


def _write_ndjson(stream: TextIO, entries: Iterator[KeptDecision]) -> Iterator[int]:
    for done, entry in enumerate(entries, start=1):
        stream.write(json.dumps(shown(entry)) + "\n")
        yield done


def _write_csv(stream: TextIO, entries: Iterator[KeptDecision]) -> Iterator[int]:
    table = csv.writer(stream)
    table.writerow(COLUMNS)
    for done, entry in enumerate(entries, start=1):
        table.writerow(as_cells(shown(entry)))
        yield done
