"""`authz-service policy accept`."""

from pathlib import Path

import click

from authz_service.cli.counted import counted
from authz_service.cli.policy.bench import folder_argument, judged, shown
from authz_service.policy import golden
from authz_service.policy.situations import read_schema


@click.command(
    short_help="Renew the golden table: what the policy answers now is what it should.",
    epilog="""\b
Example:
  authz-service policy accept policies
""",
)
@folder_argument
def accept(folder: Path) -> None:
    """Renew the golden table of a policies folder.

    The table has the answers to all situations. Commit it with the edit: a review then shows which of them change.
    """
    schema = read_schema(folder)
    table = judged(folder, schema)
    file = shown(folder / golden.FILE)
    before = file.read_text(encoding="utf-8") if file.exists() else None
    after = golden.write(table, schema)
    if after == before:
        click.echo(f"{file}: says the same already.")
        return
    file.write_text(after, encoding="utf-8")
    click.echo(f"{file}: has the answers to {counted(len(table.situations), 'situation', 'situations')}.")
