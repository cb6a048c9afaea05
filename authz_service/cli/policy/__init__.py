"""`authz-service policy`: what an author runs."""

import click

from authz_service.cli.by_module import ByModule


class _Commands(ByModule):
    package = __name__
    modules = (
        "accept",
        "allow_rollback",
        "build",
        "check",
        "diff",
        "explain",
        "matrix",
        "try_",
        "verify",
        "watch",
    )


@click.group(cls=_Commands)
def policy() -> None:
    """Check, compare, explain and publish policies."""
