"""`authz-service policy`: what an author runs."""

import click

from authz_service.cli.policy.accept import accept
from authz_service.cli.policy.build import build


@click.group()
def policy() -> None:
    """Check, compare, explain and publish policies."""


for command in (accept, build):
    policy.add_command(command)
