"""`authz-service policy explain`."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from authz_service.cli.policy import explanation
from authz_service.cli.policy.asked import Asked, ask, read_json, read_request
from authz_service.cli.policy.bench import opa, shown
from authz_service.cli.policy.recorded import facts_of, recorded_decision, then_and_now
from authz_service.cli.progress import progress
from authz_service.customers.domain import question_of
from authz_service.policy.explain import explain as explain_all
from authz_service.policy.sentences import read_phrases
from authz_service.policy.situations import Facts, InputSchema, read_schema
from authz_service.policy.stated import read_situation
from authz_service.settings import CHECKOUT_POLICIES
from authz_service.words import Channel

_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_CHANNELS = [channel.value for channel in Channel]
_NEEDED = ("subject", "action", "resource")


@click.command(
    short_help="Tell why a decision is as it is, and what would turn it.",
    epilog="""\b
Examples:
  authz-service policy explain --subject mary.jones --action view_usage --resource mobile-2003
  authz-service policy explain --subject mary.jones --action activate_option \\
      --resource mobile-2002 --option extra-data-5gb --channel app
  authz-service policy explain --data fixtures/customers/stranger.yaml < request.json
  authz-service policy explain --format json < request.json | jq .facts > facts.json
  authz-service policy explain --policies policies --facts - < facts.json
  authz-service policy explain 01M8AP7ACYZB5DBZ9GTCDH1AYP
""",
)
@click.argument("decision", required=False)
@click.option("--subject", help="The id of a person.")
@click.option("--action", help="The action, such as view_usage.")
@click.option("--resource", help="customer:NUMBER or subscription:ID; of an id alone, digits are a customer number.")
@click.option("--option", help="The id of the option to activate or deactivate.")
@click.option("--channel", type=click.Choice(_CHANNELS), help="Where the person is; not said if left out.")
@click.option("--facts", "stated", metavar="JSON", help="The facts instead of a request; - for standard input.")
@click.option("--data", type=_EXISTING, help="Customer data for a request, YAML or NDJSON, instead of the database.")
@click.option("--policies", type=_FOLDER, help="The policies folder; that of the checkout if left out.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def explain(  # noqa: PLR0913 - Click hands over each option as an argument
    *,
    decision: str | None,
    subject: str | None,
    action: str | None,
    resource: str | None,
    option: str | None,
    channel: str | None,
    stated: str | None,
    data: Path | None,
    policies: Path | None,
    style: str,
) -> None:
    """Explain one decision: its facts, the rules that fired or nearly did, and what would turn it.

    The request is given by options, or as the body of an AuthZEN evaluation on standard input. Its facts are read from
    the database of AUTHZ_DATABASE_URL, or from --data; in a checkout without either, from the Smith family. Nothing is
    written anywhere.

    DECISION is the id of one that was made: it is explained with the facts in the journal, by the policy of today.
    """
    folder = policies or shown(CHECKOUT_POLICIES)
    schema = read_schema(folder)
    phrases = read_phrases(folder, schema)
    named = {"subject": subject, "action": action, "resource": resource, "option": option, "channel": channel}
    asked: Asked | None = None
    kept = recorded_decision(decision) if decision is not None else None
    if kept is not None:
        _refuse_both("DECISION says all that is", {**named, "facts": stated}, data)
        facts = facts_of(kept, schema)
    elif stated is not None:
        _refuse_both("--facts are all that is", named, data)
        facts = _stated(stated, schema)
    else:
        asked = _asked(named, data)
        facts = read_situation(asked.facts, schema)
    with progress("Judging every situation") as on_progress:
        [explained] = explain_all(opa(), folder, schema, [facts], on_progress)
    if kept is not None:
        click.echo(then_and_now(kept, explained, folder), err=True)
    if style == "json":
        click.echo(json.dumps(explanation.as_json(explained, phrases, asked), indent=2, ensure_ascii=False))
    else:
        explanation.tell(explained, phrases, asked)


def _asked(named: Mapping[str, str | None], data: Path | None) -> Asked:
    subject, action, resource = (named[name] for name in _NEEDED)
    if subject and action and resource:
        return ask(question_of(subject, action, resource, named["option"], named["channel"]), data)
    given = [name for name, value in named.items() if value]
    if given:
        missing = " and ".join(f"--{name}" for name in _NEEDED if not named[name])
        raise click.UsageError(f"A request needs {missing} too.")
    request = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
    if not request.strip():
        raise click.UsageError(
            "Say what is asked: --subject, --action and --resource, or --facts, or a request on standard input."
        )
    return ask(read_request(request), data)


def _stated(stated: str, schema: InputSchema) -> Facts:
    text = sys.stdin.buffer.read() if stated == "-" else stated.encode()
    return read_situation(read_json(text, "--facts"), schema)


def _refuse_both(all_that_is: str, named: Mapping[str, str | None], data: Path | None) -> None:
    given = [name for name, value in {**named, "data": data}.items() if value]
    if given:
        raise click.UsageError(f"{all_that_is} asked about; leave out --{given[0]}.")
