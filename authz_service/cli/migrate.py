"""`authz-service migrate`: the tables of this version, before anything is started that needs them."""

import click

from authz_service.cli.database import configured_database
from authz_service.storage.database import REVISION, version_of


@click.command(
    epilog="""\b
Example:
  AUTHZ_DATABASE_URL=postgresql+psycopg://user:password@host/database authz-service migrate
"""
)
def migrate() -> None:
    """Make the tables of the database, or bring them up to date.

    `serve` does the same when it starts.
    """
    with configured_database() as (_, database):
        click.echo(f"{version_of(database)} has the tables of this version, {REVISION}.")
