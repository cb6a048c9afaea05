"""`authz-service policy verify`."""

from pathlib import Path

import click

from authz_service.cli.policy.bench import opa
from authz_service.opa.signing import read_public_key
from authz_service.opa.verifying import verify_bundle


@click.command(
    short_help="Verify the signature of a bundle, and whether it is the policy of a folder.",
    epilog="""\b
Examples:
  authz-service policy verify bundle.tar.gz --key public.pem
  authz-service policy verify bundle.tar.gz --policies policies
""",
)
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A PEM file of the public key of who signs.",
)
@click.option(
    "--policies",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The policies folder that it has to be made of.",
)
def verify(bundle: Path, key: Path | None, policies: Path | None) -> None:
    """Verify the signature of a bundle, and whether it is the policy of a folder.

    Prints its revision, its roots, and what it was made of and by. Exit 1 unless it is signed with the key; what is not
    signed has to have just the content that the folder is built to.
    """
    verified = verify_bundle(opa(), bundle, read_public_key(key) if key else None, policies)
    if verified.is_signed:
        _right("signed", f"by the private key that {key} belongs to")
    else:
        click.echo("- not signed")
    if policies:
        _right("policy", f"that of {policies}")
    sequence = {} if verified.sequence is None else {"sequence": str(verified.sequence)}
    said = {"revision": verified.revision, **sequence, "roots": ", ".join(verified.roots), **verified.metadata}
    width = max(map(len, said))
    for name, value in said.items():
        click.echo(f"  {name:<{width}}  {value}")


def _right(what: str, detail: str) -> None:
    click.echo(click.style(f"✓ {what}", fg="green") + f"  {detail}")
