"""`authz-service policy build`."""

from pathlib import Path

import click

from authz_service.cli.policy.bench import opa
from authz_service.handbook.history import last_commit_at, record
from authz_service.opa.bundle import build_bundle
from authz_service.opa.signing import read_private_key
from authz_service.opa.verifying import MOST_SEQUENCE
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
@click.option(
    "--sequence",
    type=click.IntRange(0, MOST_SEQUENCE),
    help="What tells it from earlier bundles, greater than theirs; when the last commit was, if left out.",
)
def build(folder: Path, output: Path, signing_key: Path | None, sequence: int | None) -> None:
    """Check a policies folder and make the bundle of it that an OPA sidecar loads. A bundle is taken too, to sign it.

    Prints the revision, which is a digest of the content. The same commit makes the same bundle to the byte, but for an
    ES256 signature, which is another each time. Since when each rule and fact is as it is, goes in as git knows it, and
    a sequence, by which `serve` tells a newer bundle from an older one. Neither changes the revision.
    """
    signing = read_private_key(signing_key) if signing_key else None
    if not folder.is_dir():
        if sequence is not None:
            raise click.UsageError("--sequence is for a folder; a bundle has the one that it was built with.")
        click.echo(build_bundle(opa(), folder, output, signing=signing))
        return
    if sequence is None:
        sequence = last_commit_at(folder)
    click.echo(build_bundle(opa(), folder, output, signing=signing, history=record(folder), sequence=sequence))
