"""`authz-service journal`: what was decided."""

import click

from authz_service.cli.journal.archive import archive
from authz_service.cli.journal.export import export
from authz_service.cli.journal.proof import proof
from authz_service.cli.journal.prune import prune
from authz_service.cli.journal.replay import replay
from authz_service.cli.journal.shadow import shadow
from authz_service.cli.journal.verify import verify


@click.group()
def journal() -> None:
    """See what was decided, prove that nobody has touched it, and judge it again."""


for command in (verify, proof, export, replay, shadow, archive, prune):
    journal.add_command(command)
