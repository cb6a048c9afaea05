"""`authz-service policy diff`."""

import sys
import textwrap
from contextlib import nullcontext
from pathlib import Path
from shutil import get_terminal_size

import click
from sqlalchemy import Engine

from authz_service.cli.database import existing_database
from authz_service.cli.policy.bench import first_with, judged
from authz_service.cli.progress import progress
from authz_service.policy import diff_texts
from authz_service.policy.diff import Diff, Happened, Impact, compare, impact
from authz_service.policy.diff_texts import Report, Told, summary, tell
from authz_service.policy.sentences import FILE as PHRASES
from authz_service.policy.sentences import Phrases, read_phrases
from authz_service.policy.situations import SCHEMA, InputSchema, read_schema
from authz_service.policy.source import is_in_repository, policies_from
from authz_service.settings import CHECKOUT_POLICIES, read_settings
from authz_service.storage.database import reading

_COLOURS = {Happened.WIDENED: "green", Happened.NARROWED: "red"}
_TEXTS = {
    "json": diff_texts.write_json,
    "markdown": diff_texts.write_markdown,
    "html": diff_texts.write_html,
}


@click.command(
    short_help="Tell every situation that two versions of a policy answer differently.",
    epilog="""\b
Examples:
  authz-service policy diff HEAD policies
  authz-service policy diff main policies --fail-on widened --format markdown
  authz-service policy diff bundle.tar.gz policies --impact
""",
)
@click.argument("old")
@click.argument("new")
@click.option("--impact", "asks_impact", is_flag=True, help="Count who is concerned, in AUTHZ_DATABASE_URL.")
@click.option(
    "--format", "style", type=click.Choice(["text", *_TEXTS]), default="text", show_default=True, help="How it is told."
)
@click.option(
    "--fail-on",
    type=click.Choice(["any", "widened"]),
    default="any",
    show_default=True,
    help="Exit 1 on any difference, or only where more is permitted.",
)
@click.option(
    "--policies",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The policies folder whose state a git revision is; else OLD or NEW, if it is a folder in a repository.",
)
def diff(old: str, new: str, folder: Path | None, style: str, fail_on: str, *, asks_impact: bool) -> None:
    """Tell every situation that OLD and NEW answer differently.

    OLD and NEW are each a policies folder, a bundle or a git revision. Exit 1 if there are any such situations, 0 if
    there are none.
    """
    with existing_database(read_settings().database_url) if asks_impact else nullcontext() as database:
        difference, phrases = compared(old, new, folder or _in_repository(new, old))
        told = tell(old, new, difference, phrases, _impact(database, difference) if database else None)
    if style == "text":
        _print(told)
    else:
        click.echo(_TEXTS[style](told), nl=False)
    is_bad = difference.widens if fail_on == "widened" else not difference.is_empty
    sys.exit(1 if is_bad else 0)


def compared(old: str, new: str, folder: Path) -> tuple[Diff, Phrases]:
    """What two versions answer differently, and how it is told.

    Args:
        old: A policies folder, a bundle or a git revision.
        new: The same.
        folder: The policies folder whose state a git revision is.

    Raises:
        InvalidPolicy: One of them is broken, or not there.
    """
    with policies_from(old, folder) as before, policies_from(new, folder) as after:
        # A bundle has no schema: what the other can be asked about, it is asked too.
        old_schema = read_schema(first_with(SCHEMA, before, after, folder))
        new_schema = read_schema(first_with(SCHEMA, after, before, folder))
        spoken = first_with(PHRASES, after, before, folder)
        # The phrases are of their own schema, and have to do for what is compared.
        wanted = InputSchema((*read_schema(spoken).kinds, *new_schema.kinds), (), {})
        phrases = read_phrases(spoken, wanted)
        return compare(judged(before, old_schema), old_schema, judged(after, new_schema), new_schema), phrases


def _in_repository(*sources: str) -> Path:
    """The folder among them that git revisions are of; the checkout's own where there is none."""
    folders = [Path(source) for source in sources if Path(source, SCHEMA).exists()]
    return next((folder for folder in folders if is_in_repository(folder)), CHECKOUT_POLICIES)


def _impact(database: Engine, difference: Diff) -> Impact:
    with progress("Counting who is concerned"), reading(database) as connection:
        return impact(connection, difference)


def _print(report: Report) -> None:
    for section in report.sections:
        symbol, title, meaning = section.heading
        click.echo(click.style(f"{symbol} {title}", fg=_COLOURS.get(section.happened), bold=True) + f": {meaning}")
        if len(section.groups) > 1:
            click.secho(f"  {diff_texts.size_of(section)}", dim=True)
        for told in section.groups:
            _print_group(told)
        click.echo()
    for said in diff_texts.one_sided(report):
        click.echo(f"• {said}")
    click.secho(summary(report), fg="green" if report.diff.is_empty else None)


def _print_group(told: Told) -> None:
    click.echo()
    for sentence, size in told.sentences[: diff_texts.SENTENCES_SHOWN]:
        _print_wrapped(f"{sentence} ({size:,})" if len(told.sentences) > 1 else sentence)
    more = len(told.sentences) - diff_texts.SENTENCES_SHOWN
    if more > 0:
        _print_wrapped(f"… and {more:,} more; --format html has them all")
    click.secho(f"    {diff_texts.size_of(told)}", dim=True)
    click.secho(f"    {diff_texts.came_and_went(told)}", dim=True)


def _print_wrapped(sentence: str) -> None:
    # What reads a pipe wants a sentence a line.
    width = get_terminal_size().columns if sys.stdout.isatty() else len(sentence) + 10
    click.echo(textwrap.fill(sentence, width, initial_indent="  ", subsequent_indent="    "))
