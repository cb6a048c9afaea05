"""`authz-service policy allow-rollback`."""

from pathlib import Path

import click

from authz_service.cli.database import configured_database
from authz_service.cli.policy.bench import opa
from authz_service.errors import ConfigurationError
from authz_service.opa.signed import SignedPolicies
from authz_service.opa.signing import read_public_key
from authz_service.settings import BUNDLE_VERIFICATION_KEY


@click.command(
    "allow-rollback",
    short_help="Have an older signed bundle taken once.",
    epilog="""\b
Example:
  authz-service policy allow-rollback last-week.tar.gz
""",
)
@click.argument("bundle", type=click.Path(exists=True, path_type=Path))
def allow_rollback(bundle: Path) -> None:
    """Have `serve` take BUNDLE once, though a newer one has been taken. Then put it in the place of AUTHZ_POLICIES.

    It has to be signed with AUTHZ_BUNDLE_VERIFICATION_KEY. Once it is taken, the one before it is refused, as any other
    that is not newer than all before.
    """
    with configured_database() as (settings, database):
        if settings.bundle_verification_key is None:
            raise ConfigurationError(f"{BUNDLE_VERIFICATION_KEY}: is not set; without it, any bundle is taken.")
        key = read_public_key(settings.bundle_verification_key)
        allowed = SignedPolicies(key, database).allow_rollback(opa(), bundle)
    click.echo(f"Revision {allowed.revision}, sequence {allowed.sequence}, is taken once. Put it in place now.")
