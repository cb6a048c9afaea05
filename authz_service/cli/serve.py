"""`authz-service serve`: the service for production."""

import click

from authz_service.callers.callers import read_callers
from authz_service.errors import ConfigurationError
from authz_service.serve import serve as run
from authz_service.settings import KNOWN, read_settings

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
    settings = read_settings()
    if settings.callers is None:
        raise ConfigurationError(
            "AUTHZ_CALLERS: is not set, so nobody could call. Name a YAML file of who may call:\n"
            "  callers:\n"
            "    - {name: my-service, token_sha256: <printf %s TOKEN | sha256sum>, scopes: [decide]}"
        )
    callers = read_callers(settings.callers)
    shown = f"[{host}]" if ":" in host else host
    run(settings, callers, (host, port), lambda: click.echo(f"Ready at http://{shown}:{port}", err=True))
