"""The commands, listed by who needs them, and how their errors are told."""

import os
import signal
import sys
from importlib import import_module
from typing import NoReturn

import click

from authz_service import __version__
from authz_service.errors import AuthzServiceError
from authz_service.logs import configure_logs

# What the help of each begins with, so that a list of them imports none.
_BY_READER = {
    "Try it and serve": {
        "demo": "Run everything on this machine, on the Smith family.",
        "serve": "Answer questions, set up by AUTHZ_… variables.",
    },
    "Write policies": {"policy": "Check, compare, explain and publish policies."},
    "Review": {"journal": "See what was decided, prove that nobody has touched it, and judge it again."},
    "Operate": {
        "customers": "Bring customer data in, or take it out.",
        "db": "Look at the database's tables, bring them up to date, and back up what is kept.",
        "letters": "Send and mend the letters that follow from take-overs.",
        "doctor": "Look at what is installed, reachable and configured.",
    },
}


_FOR_OTHERS = "policy"
_PRIVATE = 0o077


class _ByReader(click.Group):
    """Each command is of that name in the module of that name, imported only when asked for, as it costs time."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click calls it with the context
        return [name for names in _BY_READER.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        found: click.Command = getattr(import_module(f"authz_service.cli.{cmd_name}"), cmd_name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - Click calls it with the context
        for reader, commands in _BY_READER.items():
            with formatter.section(reader):
                formatter.write_dl([*commands.items()])


@click.group(
    cls=_ByReader,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="authz-service")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Who may do what with a customer number, decided by policy."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    if ctx.invoked_subcommand != _FOR_OTHERS:
        # Whatever is made from customer data is its owner's alone; what authors make is for others to read.
        os.umask(_PRIVATE)


def main() -> None:
    """Runs a command. Exit status: 0 done, 1 something is wrong with what was given, 2 the call itself is wrong."""
    configure_logs()
    unwind_on_termination()
    try:
        cli.main()
    except AuthzServiceError as error:
        _end(error.for_operators())
    except OSError as error:
        if error.filename is None:
            raise
        _end(f"{error.filename}: {error.strerror}.")


def unwind_on_termination(status: int = 0) -> None:
    """Has SIGTERM end the process after what has been started is undone, such as a temporary folder."""

    def unwind(*_: object) -> NoReturn:
        # A second one, as to a whole process group, would break off the unwinding of the first.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.exit(status)

    signal.signal(signal.SIGTERM, unwind)


def _end(sentences: str) -> NoReturn:
    for line in sentences.splitlines():
        click.secho(line, fg="red", err=True)
    sys.exit(1)
