"""The commands on the pages for operators are there, with the options that they are shown with."""

import re
import shlex

import click
import pytest

from authz_service.cli.main import cli
from tests.conftest import ROOT

PAGES = [*sorted((ROOT / "docs" / "how-to" / "operate").glob("*.md")), ROOT / "docs" / "how-to" / "follow-a-feed.md"]
COMMANDS = [
    (page.name, command)
    for page in PAGES
    for command in re.findall(
        r"(?:^ {4,}(?:.*\| )?|`)(?:AUTHZ_\S+ )?(authz-service [^`\n]+)", page.read_text(), re.MULTILINE
    )
]


def test_the_pages_show_commands() -> None:
    assert len(COMMANDS) >= 20
    shown = {page for page, _ in COMMANDS}
    assert shown >= {"install.md", "upgrade.md", "back-up-and-restore.md", "change-a-policy.md", "follow-a-feed.md"}


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_each_command_is_there_with_its_options(page: str, command: str) -> None:
    words = shlex.split(command.partition("#")[0])[1:]
    found: click.Command = cli
    context = click.Context(cli)
    while isinstance(found, click.Group):
        assert words, f"{page}: {command} names no command"
        inner = found.get_command(context, words.pop(0))
        assert inner is not None, f"{page}: there is no {command}"
        found = inner
    known = {option for parameter in found.params for option in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known
