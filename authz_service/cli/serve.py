"""`authz-service serve`: the service for production."""

import os

import click

from authz_service.callers.callers import Caller
from authz_service.callers.callers_file import read_callers
from authz_service.errors import ConfigurationError
from authz_service.secret_settings import secret_files
from authz_service.serve import serve as run
from authz_service.settings import KNOWN, Settings, settings_and_faults

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
    settings = _secure_settings()
    shown = f"[{host}]" if ":" in host else host
    run(settings, [], (host, port), lambda: click.echo(f"Ready at http://{shown}:{port}", err=True))


def _secure_settings() -> Settings:
    """The settings of the environment, once they and the callers have been looked at.

    Raises:
        ConfigurationError: With everything that is wrong or insecure.
    """
    from authz_service.precautions.examining import examine, refuse_or_tell  # noqa: PLC0415 - its lists of passwords take memory, which a worker that imports this module does without

    settings, faults = settings_and_faults(os.environ)
    callers: list[Caller] = []
    try:
        callers = _callers(settings)
    except ConfigurationError as error:
        faults.append(str(error))
    refuse_or_tell(examine(settings, callers, secret_files(os.environ)), settings.allow_insecure, faults)
    return settings


def _callers(settings: Settings) -> list[Caller]:
    if settings.callers is None and settings.token_issuer:
        return []
    if settings.callers is None:
        raise ConfigurationError(
            "AUTHZ_CALLERS: is not set, so nobody could call. Name a YAML file of who may call:\n"
            "  callers:\n"
            "    - {name: my-service, token_sha256: <printf %s TOKEN | sha256sum>, scopes: [decide]}"
        )
    return read_callers(settings.callers)
