"""`authz-service demo`: everything on one machine."""

import os
import re
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from authz_service.administrators.mail_server import PrintedMail
from authz_service.callers.callers import Caller, new_token, token_sha256
from authz_service.cli.database import SMITH_FAMILY, recording_imports
from authz_service.cli.progress import importing
from authz_service.customers.activation_code import key_finder
from authz_service.customers.contents import is_empty
from authz_service.customers.importing import import_files
from authz_service.errors import ConfigurationError
from authz_service.secret_settings import is_given
from authz_service.serve import serve
from authz_service.settings import Settings, read_settings
from authz_service.storage.database import connect, upgrade
from authz_service.words import Scope
from authz_service.workers import prepare_workers

_HOST = "127.0.0.1"
_TOKEN = re.compile(r"[!-~]+")
_SENDER = "MyProximus <no-reply@myproximus.example>"
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(
    epilog="""\b
Examples:
  authz-service demo
  authz-service demo --port 9000 --data family.yaml --data options.yaml --state ./state
"""
)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="The port.")
@click.option(
    "--data", multiple=True, type=_EXISTING, help="Customer data, YAML or NDJSON; the Smith family if left out."
)
@click.option("--token", help="The token to take, with every scope; a new one if left out.")
@click.option("--policies", type=click.Path(exists=True, path_type=Path), help="The policies folder; it is watched.")
@click.option(
    "--state",
    type=_FOLDER,
    help="Where the database is, unless AUTHZ_DATABASE_URL names one; a fresh temporary folder if left out.",
)
def demo(port: int, data: tuple[Path, ...], token: str | None, policies: Path | None, state: Path | None) -> None:
    """Run everything on this machine, on the Smith family."""
    if token is not None and not _TOKEN.fullmatch(token):
        raise ConfigurationError("--token: must be printable ASCII without spaces, as a header cannot carry the rest.")
    with ExitStack() as started:
        if state is None:
            state = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="authz-demo-")))
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = _settings(state, policies)
        prepare_workers(settings)
        _load(settings, data or (SMITH_FAMILY,))
        token = token or new_token()
        callers = [Caller("demo", token_sha256(token), frozenset(Scope))]
        serve(settings, callers, (_HOST, port), lambda: _greet(port, token), PrintedMail())


def _settings(state: Path, policies: Path | None) -> Settings:
    given: dict[str, object] = {}
    if not is_given(os.environ, "AUTHZ_DATABASE_URL"):
        given["database_url"] = f"sqlite:///{state.resolve() / 'authz.db'}"
    if not os.environ.get("AUTHZ_MAIL_FROM"):
        given["mail_from"] = _SENDER
    if policies is not None:
        given["policies"] = policies
    return read_settings(os.environ, **given)


def _load(settings: Settings, files: tuple[Path, ...]) -> None:
    missing = [file for file in files if not file.exists()]
    if missing:
        raise ConfigurationError(f"{missing[0]}: does not exist. Name your own data with --data FILE.")
    database = connect(settings.database_url)
    try:
        upgrade(database)
        if is_empty(database):
            with importing(files) as on_progress:
                find_key = key_finder(settings.activation_key, database)
                import_files(database, files, find_key, on_progress, recording_imports(settings))
    finally:
        database.dispose()


def _greet(port: int, token: str) -> None:
    click.echo(f"""\
Ready at http://{_HOST}:{port}   (documentation of the API: http://{_HOST}:{port}/docs)
Token    {token}
Pages    http://{_HOST}:{port}/   sign in there with the token, and read who may do what, and why

May Mary Jones see the usage of her own mobile?

curl -s http://{_HOST}:{port}/v1/decide \\
  -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \\
  -d '{{"subject": {{"type": "person", "id": "mary.jones"}}, "action": {{"name": "view_usage"}},
       "resource": {{"type": "subscription", "id": "mobile-2002"}}}}'

Ctrl-C ends it.""")
