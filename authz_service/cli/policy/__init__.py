"""`authz-service policy`: what an author runs."""

import click

from authz_service.cli.policy.accept import accept
from authz_service.cli.policy.allow_rollback import allow_rollback
from authz_service.cli.policy.build import build
from authz_service.cli.policy.check import check
from authz_service.cli.policy.diff import diff
from authz_service.cli.policy.explain import explain
from authz_service.cli.policy.matrix import matrix
from authz_service.cli.policy.try_ import try_
from authz_service.cli.policy.verify import verify
from authz_service.cli.policy.watch import watch


@click.group()
def policy() -> None:
    """Check, compare, explain and publish policies."""


for command in (accept, allow_rollback, build, check, diff, explain, matrix, try_, verify, watch):
    policy.add_command(command)
