"""`authz-service journal shadow`."""

import sys
from pathlib import Path

import click

from authz_service.cli.journal.kept import existing_journal
from authz_service.cli.journal.told import tell_json, tell_text
from authz_service.cli.policy.bench import first_with
from authz_service.journal.counting import answered_otherwise
from authz_service.policy.replaying import shadowed
from authz_service.policy.sentences import FILE as PHRASES
from authz_service.policy.sentences import read_phrases
from authz_service.policy.situations import SCHEMA, read_schema
from authz_service.settings import CHECKOUT_POLICIES


@click.command(
    short_help="Tell what the shadow policy answers differently.",
    epilog="""\b
Examples:
  authz-service journal shadow
  authz-service journal shadow --format json
""",
)
@click.option(
    "--policies",
    type=click.Path(exists=True, path_type=Path),
    default=None,
    help="The policies folder whose words it is told in; AUTHZ_SHADOW_POLICIES, or the checkout's.",
)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def shadow(policies: Path | None, style: str) -> None:
    """Tell which decisions the policy of AUTHZ_SHADOW_POLICIES has answered differently, since it was set.

    Exit 1 if there are any, 0 if there are none.
    """
    with existing_journal() as kept:
        folders = [folder for folder in (policies, kept.settings.shadow_policies, CHECKOUT_POLICIES) if folder]
        schema = read_schema(first_with(SCHEMA, *folders))
        told = shadowed(answered_otherwise(kept.database), schema)
    if style == "json":
        click.echo(tell_json(told))
    else:
        tell_text(told, read_phrases(first_with(PHRASES, *folders), schema), instead="The shadow policy")
    sys.exit(1 if told else 0)
