"""`authz-service letters`: the outbox."""

import json

import click

from authz_service.administrators.mail_server import SmtpServer
from authz_service.administrators.outbox import KeptLetter, list_letters, retry_letters
from authz_service.administrators.worker import send_due_letters
from authz_service.cli.counted import counted
from authz_service.cli.database import configured_database
from authz_service.errors import ConfigurationError
from authz_service.words import LetterState

_UNSENT = (LetterState.WAITING, LetterState.FAILED)


@click.group()
def letters() -> None:
    """Send and mend the letters that follow from take-overs."""


@letters.command(
    "list",
    short_help="Show letters, the oldest first.",
    epilog="""\b
Examples:
  authz-service letters list
  authz-service letters list --state failed --format json
""",
)
@click.option(
    "--state",
    type=click.Choice([state.value for state in LetterState]),
    help="Only those; all that are not sent if left out.",
)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_(state: str | None, style: str) -> None:
    """Show letters, the oldest first, with what the mail server said of them."""
    with configured_database() as (_, database):
        found = list_letters(database, [LetterState(state)] if state else _UNSENT)
    if style == "json":
        click.echo(json.dumps([_object(kept) for kept in found], indent=2))
        return
    for kept in found:
        colour = "red" if kept.state is LetterState.FAILED else None
        when = kept.ordered_at.isoformat(timespec="seconds")
        tries = f"tried {kept.attempts} times" if kept.attempts != 1 else "tried once"
        line = f"{kept.id}  {kept.state:<7}  {when}  {kept.letter.person}  {tries}"
        click.secho(f"{line}  {kept.said}".rstrip(), fg=colour)
    click.echo(counted(len(found), "letter", "letters"), err=True)


@letters.command(
    short_help="Have letters tried again now.",
    epilog="""\b
Examples:
  authz-service letters retry
  authz-service letters retry 01JD0000000000000000000000
""",
)
@click.argument("ids", nargs=-1)
def retry(ids: tuple[str, ...]) -> None:
    """Have letters tried again now: those named, or every one that failed."""
    with configured_database() as (_, database):
        again = retry_letters(database, ids)
    click.echo(f"{counted(again, 'letter', 'letters')} will be tried again.")


@letters.command(
    short_help="Send every letter that is due, once.",
    epilog="""\b
Example:
  AUTHZ_SMTP_URL=smtp://localhost authz-service letters send
""",
)
def send() -> None:
    """Send every letter that is due, once; for a cron where no service runs that does it."""
    with configured_database() as (settings, database):
        if settings.smtp_url is None or settings.mail_from is None:
            raise ConfigurationError("AUTHZ_SMTP_URL and AUTHZ_MAIL_FROM: have to be set to send letters.")
        sent = send_due_letters(database, SmtpServer(settings.smtp_url), settings.mail_from)
    click.echo(f"{counted(sent, 'letter', 'letters')} sent.")


def _object(kept: KeptLetter) -> dict[str, object]:
    return {
        "id": kept.id,
        "state": kept.state,
        "letter": kept.letter.kind,
        "language": kept.letter.language,
        "person": kept.letter.person,
        "ordered_at": kept.ordered_at.isoformat(),
        "attempts": kept.attempts,
        "said": kept.said,
    }
