"""`authz-service customers`: customer data in and out."""

import sys
from pathlib import Path

import click

from authz_service.cli.counted import counted
from authz_service.cli.database import configured_database, recording_imports
from authz_service.cli.progress import importing, progress
from authz_service.cli.sync import sync
from authz_service.customers.activation_code import key_finder
from authz_service.customers.exporting import FileFormat, export
from authz_service.customers.importing import import_files

_FORMATS = [style.value for style in FileFormat]
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def customers() -> None:
    """Bring customer data in, or take it out."""


customers.add_command(sync)


@customers.command(
    "import",
    short_help="Store what is in YAML or NDJSON files, or tell every fault.",
    epilog="""\b
Examples:
  authz-service customers import family.yaml options.yaml
  authz-service customers import customers.ndjson
""",
)
@click.argument("files", nargs=-1, required=True, type=_EXISTING)
def import_(files: tuple[Path, ...]) -> None:
    """Store what is in YAML or NDJSON files: all of it, or nothing and every fault told."""
    with configured_database() as (settings, database), importing(files) as on_progress:
        done = import_files(
            database, files, key_finder(settings.activation_key, database), on_progress, recording_imports(settings)
        )
    people = counted(done.people, "person", "people")
    options = counted(done.options, "option", "options")
    click.echo(f"Stored {people}, {options} and {counted(done.customers, 'customer', 'customers')}.")


@customers.command(
    "export",
    epilog="""\b
Examples:
  authz-service customers export > customers.yaml
  authz-service customers export --format ndjson --output customers.ndjson
""",
)
@click.option("--format", "style", type=click.Choice(_FORMATS), default="yaml", show_default=True)
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="The file; standard output if left out."
)
def export_(style: str, output: Path | None) -> None:
    """Write everything that is stored, but for activation codes."""
    with configured_database() as (_, database), progress("Exporting") as on_progress:
        if output is None:
            export(database, sys.stdout.buffer, FileFormat(style), on_progress)
            # While a reader that has gone away is still nobody's error.
            sys.stdout.buffer.flush()
            return
        with output.open("wb") as stream:
            export(database, stream, FileFormat(style), on_progress)
