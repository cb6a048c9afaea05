"""`authz-service db`: the tables, and backups."""

import os
import sys
from pathlib import Path

import click

from authz_service.cli.database import refuse_missing_file
from authz_service.journal.backup import back_up
from authz_service.journal.place import journal_folder
from authz_service.settings import read_settings
from authz_service.storage.database import REVISION, connect, is_current, revision_of, upgrade
from authz_service.storage.migrating import steps_after


@click.group()
def db() -> None:
    """Look at the database's tables, bring them up to date, and back up what is kept."""


@db.command(
    short_help="Tell whether the tables serve this version.",
    epilog="""\b
Examples:
  authz-service db check
""",
)
def check() -> None:
    """Tell whether the tables serve this version, and what an upgrade would do. Exit 1 if one is needed."""
    settings = read_settings(os.environ)
    refuse_missing_file(settings.database_url)
    database = connect(settings.database_url)
    try:
        revision, _ = revision_of(database)
        serves = is_current(database)
    finally:
        database.dispose()
    if revision == REVISION:
        click.echo(f"The tables are at {revision}, as this version expects.")
    elif serves:
        click.echo(f"The tables are at {revision}, of a later version, and serve this one, which expects {REVISION}.")
    elif revision is not None and revision > REVISION:
        click.echo(f"The tables are at {revision}, of a later version, and do not serve this one: start that version.")
    else:
        click.echo(f"The tables are at {revision or 'nothing yet'}; `authz-service db upgrade` takes these steps:")
        for step in steps_after(revision):
            click.echo(f"  {step}")
    sys.exit(0 if serves else 1)


@db.command(
    "upgrade",
    short_help="Make the tables or bring them up to date.",
    epilog="""\b
Examples:
  authz-service db upgrade
""",
)
def upgrade_() -> None:
    """Make the tables or bring them up to date, in one transaction: all steps or none."""
    settings = read_settings(os.environ)
    database = connect(settings.database_url)
    try:
        before, _ = revision_of(database)
        upgrade(database)
        after, _ = revision_of(database)
    finally:
        database.dispose()
    if before == after:
        click.echo(f"The tables are at {after}: nothing to do.")
    else:
        click.echo(f"The tables are at {after}; they were at {before or 'nothing yet'}.")


@db.command(
    short_help="Copy a SQLite database and its journal while they are used.",
    epilog="""\b
Examples:
  authz-service db backup /var/backups/authz/2026-11-27
""",
)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def backup(folder: Path) -> None:
    """Copy a SQLite database with its keys and its journal to a new FOLDER, while the service runs.

    The copy is of one piece: all that the database has read of the journal's files is in the files copied.
    """
    settings = read_settings(os.environ)
    refuse_missing_file(settings.database_url)
    database = connect(settings.database_url)
    try:
        copied = list(back_up(database, journal_folder(settings, database), folder))
    finally:
        database.dispose()
    size = sum(file.stat().st_size for file in copied)
    click.echo(f"Copied {len(copied)} files, {size:,} bytes, to {folder}.")
    elsewhere = [
        name
        for name, value in (
            ("AUTHZ_ACTIVATION_KEY", settings.activation_key),
            ("AUTHZ_JOURNAL_KEY", settings.journal_key),
            ("AUTHZ_JOURNAL_SIGNING_KEY", settings.journal_signing_key),
        )
        if value
    ]
    if elsewhere:
        click.echo(f"Not in it, as they are kept elsewhere: {', '.join(elsewhere)}.")
