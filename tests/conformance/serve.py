"""Serves the scenarios with the very same app: `python -m tests.conformance.serve --port P --token TOKEN`."""

import sys
import tempfile

import click

from authz_service.administrators.mail_server import PrintedMail
from authz_service.callers.callers import Caller, token_sha256
from authz_service.cli.main import unwind_on_termination
from authz_service.errors import AuthzServiceError
from authz_service.logs import configure_logs
from authz_service.serve import serve
from authz_service.settings import read_settings
from authz_service.words import Scope
from tests.conformance.domain import POLICIES, Scenarios

_HOST = "127.0.0.1"


@click.command(
    epilog="""\b
Examples:
  python -m tests.conformance.serve --port 8090 --token SECRET
  python -m tests.conformance.serve --port 8090 --token SECRET --public-url https://pdp.example.org
"""
)
@click.option("--port", required=True, type=click.IntRange(1, 65535), help="The port of this machine to listen on.")
@click.option("--token", required=True, help="The token to take, with every scope.")
@click.option("--public-url", help="Where callers find it, as its metadata says; http://127.0.0.1:PORT if left out.")
def command(port: int, token: str, public_url: str | None) -> None:
    """Answer about the AuthZEN scenarios: certification, Todo, API gateway, Search. Ctrl-C ends it."""
    url = f"http://{_HOST}:{port}"
    with tempfile.TemporaryDirectory(prefix="authz-conformance-") as state:
        settings = read_settings(
            {"AUTHZ_PUBLIC_URL": public_url or url}, database_url=f"sqlite:///{state}/authz.db", policies=POLICIES
        )
        callers = [Caller("conformance", token_sha256(token), frozenset(Scope))]
        serve(settings, callers, (_HOST, port), lambda: click.echo(f"Ready at {url}"), PrintedMail(), Scenarios())


def main() -> None:
    configure_logs()
    unwind_on_termination()
    try:
        command.main()
    except AuthzServiceError as error:
        click.secho(str(error), fg="red", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
