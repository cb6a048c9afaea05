"""`authz-service journal replay`."""

import sys
from datetime import datetime

import click

from authz_service.cli.journal.kept import existing_journal, since_option, until_option
from authz_service.cli.journal.told import tell_json, tell_text
from authz_service.cli.policy.bench import first_with, judged
from authz_service.cli.progress import progress
from authz_service.journal.counting import rulings_given
from authz_service.policy.replaying import replay as judge_again
from authz_service.policy.sentences import FILE as PHRASES
from authz_service.policy.sentences import read_phrases
from authz_service.policy.situations import SCHEMA, read_schema
from authz_service.policy.source import policies_from
from authz_service.settings import CHECKOUT_POLICIES


@click.command(
    short_help="Tell which recorded decisions another policy would answer differently.",
    epilog="""\b
Examples:
  authz-service journal replay --policy policies --from 2026-11-01
  authz-service journal replay --policy bundle.tar.gz --format json
""",
)
@click.option("--policy", required=True, help="A policies folder, a bundle or a git revision.")
@since_option
@until_option
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def replay(policy: str, since: datetime | None, until: datetime | None, style: str) -> None:
    """Judge the decisions of a period again, with the facts that were known, by another policy.

    Exit 1 if any would be answered differently, 0 if none.
    """
    with policies_from(policy, CHECKOUT_POLICIES) as source:
        schema = read_schema(first_with(SCHEMA, source, CHECKOUT_POLICIES))
        phrases = read_phrases(first_with(PHRASES, source, CHECKOUT_POLICIES), schema)
        with existing_journal() as kept, progress("Reading the journal"):
            given = rulings_given(kept.database, since, until)
        replayed = judge_again(given, judged(source, schema), schema)
    if style == "json":
        click.echo(tell_json(replayed))
    else:
        tell_text(replayed, phrases)
    sys.exit(1 if any(each.changed for each in replayed) else 0)
