"""`authz-service policy check`."""

import os
import sys
from pathlib import Path

import click

from authz_service.cli.policy.bench import folder_argument, opa, shown
from authz_service.cli.policy.findings import STYLES
from authz_service.cli.progress import progress_of_steps
from authz_service.opa.binary import find_regal, project_tool_folder
from authz_service.policy import check as checking
from authz_service.policy.checks.places import Places, find_cases

_STEPS = "\n".join(f"  {name:<13} {what}" for name, what in checking.STEPS.items())


@click.command(
    short_help="All that can be found wrong with a policies folder, before it is committed.",
    epilog=f"""\b
What is so where it finds nothing:
{_STEPS}

\b
Examples:
  authz-service policy check
  authz-service policy check policies --format sarif > policies.sarif
""",
)
@folder_argument
@click.option("--format", "style", type=click.Choice(list(STYLES)), default="text", show_default=True)
def check(folder: Path, style: str) -> None:
    """Find all that is wrong with a policies folder, in its rules, its tests and what they come to in every situation.

    The decision tables in `fixtures/cases` are run too, where they are beside the folder or in the current one. Exit 1
    with every finding as `file:line: what, and what to do`.
    """
    report = checked(shown(folder))
    for line in STYLES[style](report):
        click.echo(line)
    sys.exit(1 if report.findings else 0)


def checked(folder: Path) -> checking.Report:
    """What is found in a policies folder."""
    program = opa()
    with progress_of_steps(len(checking.STEPS)) as on_step:
        places = Places(program, folder, find_cases(folder))
        return checking.check(places, lambda: find_regal(os.environ, project_tool_folder()), on_step)
