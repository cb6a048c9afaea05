"""`authz-service policy build`."""

from pathlib import Path

import click

from authz_service.cli.policy.bench import opa
from authz_service.handbook.history import record
from authz_service.opa.bundle import build_bundle
from authz_service.opa.signing import read_private_key
from authz_service.settings import BUNDLE_SIGNING_KEY, CHECKOUT_POLICIES


@click.command(
    short_help="Check a policies folder and make the bundle of it.",
    epilog="""\b
Examples:
  authz-service policy build policies --output bundle.tar.gz
  authz-service policy build policies --output bundle.tar.gz --signing-key private.pem
  authz-service policy build bundle.tar.gz --output signed.tar.gz --signing-key private.pem
""",
)
@click.argument("folder", type=click.Path(exists=True, path_type=Path), default=CHECKOUT_POLICIES)
@click.option("--output", "-o", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The bundle.")
@click.option(
    "--signing-key",
    envvar=BUNDLE_SIGNING_KEY,
    show_envvar=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A PEM file of the private key to sign it with, EC on P-256 or Ed25519.",
)
def build(folder: Path, output: Path, signing_key: Path | None) -> None:
    """Check a policies folder and make the bundle of it that an OPA sidecar loads. A bundle is taken too, to sign it.

    Prints the revision, which is a digest of the content. The same commit makes the same bundle to the byte, but for an
    ES256 signature, which is another each time. Since when each rule and fact is as it is, goes in as git knows it.
    """
    signing = read_private_key(signing_key) if signing_key else None
    history = record(folder) if folder.is_dir() else None
    click.echo(build_bundle(opa(), folder, output, signing=signing, history=history))
