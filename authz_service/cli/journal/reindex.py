"""`authz-service journal reindex`."""

import click

from authz_service.cli.counted import counted
from authz_service.cli.journal.kept import existing_journal
from authz_service.cli.progress import progress
from authz_service.journal.reindexing import reindex as make_anew


@click.command(
    short_help="Have searches find every entry again, on SQLite.",
    epilog="""\b
Example:
  authz-service journal reindex && authz-service journal verify
""",
)
def reindex() -> None:
    """Make anew what searches find entries by, where `journal verify` says that it is not as it should be.

    The entries themselves stay as they are. A service may go on; until this is done, its searches find fewer.
    PostgreSQL has indexes of its own instead.
    """
    with existing_journal() as kept, progress("Reindexing") as on_progress:
        entries = make_anew(kept.database, on_progress)
    click.secho(f"✓ {counted(entries, 'entry is', 'entries are')} found by searches again.", fg="green")
