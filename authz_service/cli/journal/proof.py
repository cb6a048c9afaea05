"""`authz-service journal proof`."""

import json

import click

from authz_service.cli.journal.kept import existing_journal
from authz_service.journal.proof import prove
from authz_service.journal.queries import get_decision


@click.command(
    short_help="Print the proof that a decision is in the journal.",
    epilog="""\b
Example:
  authz-service journal proof 01M8AP7ACYZB5DBZ9GTCDH1AYP > proof.json
""",
)
@click.argument("decision")
def proof(decision: str) -> None:
    """Print the proof that DECISION, an id, is in the journal.

    It is checked with `journal verify --proof` and the public key alone, without the journal.
    """
    with existing_journal() as kept:
        click.echo(json.dumps(prove(kept.database, get_decision(kept.database, decision)), indent=2))
