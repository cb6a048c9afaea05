"""`authz-service journal prune`."""

from datetime import datetime

import click

from authz_service.cli.counted import counted
from authz_service.cli.journal.kept import Moment, existing_journal
from authz_service.errors import ConfigurationError
from authz_service.journal.entries import Entries, Origin
from authz_service.journal.journal import open_journal
from authz_service.journal.pruning import last_to_go
from authz_service.journal.pruning import prune as remove


@click.command(
    short_help="Remove old entries, by whole blocks.",
    epilog="""\b
Example:
  authz-service journal prune --before "$(date -d '2 years ago' +%F)"
""",
)
@click.option("--before", required=True, type=Moment(), help="What was made before, a day or a time, goes.")
def prune(before: datetime) -> None:
    """Remove the entries of blocks that were signed before a day, and say so in the journal.

    As a job of every night it keeps, say, two years. What is left is verified as before. In the files, a segment goes
    when all of it is old: a day's entries go together. It sees those of the folder where it runs, so each replica that
    has a folder of its own has to run it.
    """
    with existing_journal() as kept:
        last = last_to_go(kept.database, kept.folder, before)
        if not last:
            click.echo("Nothing is that old.")
            return
        journal = open_journal(kept.settings, kept.database)
        try:
            if journal.writer is None:
                raise ConfigurationError("AUTHZ_JOURNAL: is off, and what is removed has to be kept in the journal.")
            entry = Entries(journal.pseudonyms).pruning(Origin("journal prune"), before.isoformat(), last)
            gone = remove(kept.database, kept.folder, journal.writer, entry, last)
        finally:
            journal.close()
    entries, segments = counted(gone.entries, "entry", "entries"), counted(gone.segments, "segment", "segments")
    click.echo(f"{entries} of the database and {segments} are gone; the journal says so.")
