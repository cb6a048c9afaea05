"""`authz-service journal`: what was decided."""

import click

from authz_service.cli.by_module import ByModule


class _Commands(ByModule):
    package = __name__
    modules = ("archive", "export", "proof", "prune", "reindex", "replay", "shadow", "verify")


@click.group(cls=_Commands)
def journal() -> None:
    """See what was decided, prove that nobody has touched it, and judge it again."""
