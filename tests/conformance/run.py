"""Runs the outside suites' cases against the scenarios: `python -m tests.conformance.run DIR`."""

import sys
from pathlib import Path

import click
from rich.console import Console

from authz_service.cli.main import unwind_on_termination
from authz_service.errors import AuthzServiceError
from tests.conformance.cases import FILES, read_suites
from tests.conformance.report import run_suites
from tests.conformance.served import served


@click.command(
    epilog="""\b
Example:
  python -m tests.conformance.run authzen-cases
"""
)
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
def command(folder: Path) -> None:
    """Ask a fresh service every case of the files in DIR, and tell which fail.

    Exit status: 0 none fails but by a known fault of its suite, 1 some fail, 2 there is nothing to ask.
    """
    try:
        suites = read_suites(folder)
    except AuthzServiceError as error:
        raise click.UsageError(str(error)) from error
    for name in FILES:
        if not (folder / name).exists():
            click.echo(f"- {name} is not there")
    with served() as service:
        is_passed = run_suites(service, suites, Console(highlight=False))
    sys.exit(0 if is_passed else 1)


def main() -> None:
    unwind_on_termination(status=1)
    try:
        command.main()
    except AuthzServiceError as error:
        click.secho(str(error), fg="red", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
