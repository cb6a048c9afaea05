"""`authz-service journal archive`."""

from pathlib import Path

import click

from authz_service.cli.counted import counted
from authz_service.cli.journal.kept import existing_journal
from authz_service.journal.pruning import archive as move


@click.command(
    short_help="Move segments that are closed and loaded to another folder.",
    epilog="""\b
Example:
  authz-service journal archive --to /mnt/archive
""",
)
@click.option("--to", "target", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder.")
def archive(target: Path) -> None:
    """Move the segment files that nobody writes any more, and that the database has whole, to another folder.

    They are verified there with `journal verify --archive`, and what the database has is verified without them.
    """
    with existing_journal() as kept:
        moved = move(kept.database, kept.folder, target)
    click.echo(f"{counted(len(moved), 'segment', 'segments')} moved to {target}.")
