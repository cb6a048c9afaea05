"""`authz-service policy watch`."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import click

from authz_service.cli.policy.bench import folder_argument, shown
from authz_service.cli.policy.check import checked
from authz_service.cli.policy.diff import compared
from authz_service.cli.policy.findings import STYLES
from authz_service.errors import AuthzServiceError, Fault, InvalidPolicy
from authz_service.opa.edits import LOOK_EVERY_SECONDS, Edits
from authz_service.policy.checks.places import find_cases
from authz_service.policy.diff_texts import SENTENCES_SHOWN, summary, tell
from authz_service.policy.source import policies_from

_LAST_COMMIT = "HEAD"
_START = "the start"


@click.command(
    short_help="At each save: all that can be found wrong, and what is answered differently.",
    epilog="""\b
Examples:
  authz-service policy watch
  authz-service policy watch policies
""",
)
@folder_argument
def watch(folder: Path) -> None:
    """At each save in a policies folder, check it and tell what it answers differently since the last commit.

    Outside a git repository, since the start. What `policy check` and `policy diff` say at length is said in short, the
    difference last. Ctrl-C ends it.
    """
    folder = shown(folder)
    cases = find_cases(folder)
    with suppress(KeyboardInterrupt), _before(folder) as (since, old):
        edits = Edits([folder, *([cases] if cases else [])])
        while True:
            _round(folder, since, old)
            while not edits.look():
                time.sleep(LOOK_EVERY_SECONDS)


@contextmanager
def _before(folder: Path) -> Iterator[tuple[str, str]]:
    """What it is compared with: how that is called, and where it is."""
    try:
        with policies_from(_LAST_COMMIT, folder):
            pass
    except InvalidPolicy:
        with tempfile.TemporaryDirectory(prefix="policy-watch-") as made:
            yield _START, str(shutil.copytree(folder, Path(made) / folder.resolve().name))
    else:
        yield _LAST_COMMIT, _LAST_COMMIT


def _round(folder: Path, since: str, old: str) -> None:
    # Does so on a terminal alone.
    click.clear()
    click.secho(f"{datetime.now(UTC).astimezone():%H:%M:%S} {folder}", bold=True)
    try:
        report = checked(folder)
        for line in STYLES["text"](report):
            click.echo(line)
        _tell_difference(folder, since, old, [fault for _, fault in report.findings])
    except (AuthzServiceError, OSError) as error:
        # Half a save, such as a file that is being replaced: the next look sees the rest.
        click.secho(str(error), fg="red")
        click.echo(f"Since {since}: not compared, as not everything can be read.")


def _tell_difference(folder: Path, since: str, old: str, found: list[Fault]) -> None:
    try:
        difference, phrases = compared(old, str(folder), folder)
    except InvalidPolicy as error:
        for fault in error.faults:
            # What was wrong at the start is at no place that the author knows.
            if fault not in found and not Path(fault.file).is_relative_to(old):
                click.echo(str(fault))
        click.echo(f"Since {since}: not compared, as not every situation can be judged.")
        return
    report = tell(since, str(folder), difference, phrases, None)
    for section in report.sections:
        told = [sentence for group in section.groups for sentence, _ in group.sentences]
        for sentence in told[:SENTENCES_SHOWN]:
            click.echo(f"{section.heading.symbol} {sentence}")
        if len(told) > SENTENCES_SHOWN:
            more = len(told) - SENTENCES_SHOWN
            click.echo(f"  … and {more:,} more, told by: authz-service policy diff {since} {folder}")
    click.echo(f"Since {since}: {summary(report)}")
