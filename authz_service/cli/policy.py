"""`authz-service policy`: what an author runs."""

import os
from pathlib import Path

import click

from authz_service.opa.binary import find_opa, project_tool_folder
from authz_service.opa.bundle import build_bundle
from authz_service.settings import CHECKOUT_POLICIES


@click.group()
def policy() -> None:
    """Check and publish policies."""


@policy.command(
    short_help="Check a policies folder and make the bundle of it.",
    epilog="""\b
Example:
  authz-service policy build policies --output bundle.tar.gz
""",
)
@click.argument("folder", type=click.Path(exists=True, path_type=Path), default=CHECKOUT_POLICIES)
@click.option("--output", "-o", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The bundle.")
def build(folder: Path, output: Path) -> None:
    """Check a policies folder and make the bundle of it that an OPA sidecar loads.

    Prints the revision, which is a digest of the content.
    """
    revision = build_bundle(find_opa(os.environ, project_tool_folder()), folder, output)
    click.echo(revision)
