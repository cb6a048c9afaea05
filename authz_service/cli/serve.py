"""`authz-service serve`: the service for production."""

import os

import click

from authz_service.secret_settings import secret_files
from authz_service.settings import KNOWN, settings_and_faults
from authz_service.workers import prepare_workers

_SETTINGS = "\n".join(f"  {name}\n      {what}" for name, what in KNOWN.items())


@click.command(
    epilog=f"""\b
Settings:
{_SETTINGS}

\b
Example:
  AUTHZ_DATABASE_URL=sqlite:////var/lib/authz/authz.db AUTHZ_CALLERS=callers.yaml authz-service serve
"""
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="The port.")
def serve(host: str, port: int) -> None:
    """Answer questions, set up by AUTHZ_… variables."""
    settings, faults = settings_and_faults(os.environ)
    files = secret_files(os.environ)
    prepare_workers(settings)
    from authz_service.cli.securely import serve_securely  # noqa: PLC0415 - above, it would take half a second before the process that workers are forked from is started, and each start as much longer

    shown = f"[{host}]" if ":" in host else host
    ready = f"Ready at http://{shown}:{port}"
    serve_securely(settings, faults, files, (host, port), lambda: click.echo(ready, err=True))
