"""`authz-service policy build`."""

from pathlib import Path

import click

from authz_service.cli.policy.bench import opa
from authz_service.opa.bundle import build_bundle
from authz_service.settings import CHECKOUT_POLICIES


@click.command(
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
    click.echo(build_bundle(opa(), folder, output))
