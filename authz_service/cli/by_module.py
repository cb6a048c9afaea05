"""A group of commands, each of which is imported only when it is asked for, as that costs time."""

from importlib import import_module
from typing import ClassVar

import click


class ByModule(click.Group):
    """Commands that have the names of modules: `allow-rollback` is what the module `allow_rollback` has of that name.

    Attributes:
        package: The package that has the modules.
        modules: Their names; one that would be a word of Python ends in an underscore.
    """

    package: ClassVar[str]
    modules: ClassVar[tuple[str, ...]]

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(map(_command_of, self.modules))

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        for module in self.modules:
            if _command_of(module) == cmd_name:
                found: click.Command = getattr(import_module(f"{self.package}.{module}"), module)
                return found
        return None


def _command_of(module: str) -> str:
    return module.rstrip("_").replace("_", "-")
