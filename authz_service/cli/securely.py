"""What is looked at before the service for production starts."""

from collections.abc import Callable, Mapping
from pathlib import Path

from authz_service.callers.callers import Caller
from authz_service.callers.callers_file import read_callers
from authz_service.errors import ConfigurationError
from authz_service.precautions.examining import examine, refuse_or_tell
from authz_service.serve import serve
from authz_service.settings import Settings


def serve_securely(
    settings: Settings,
    faults: list[str],
    files: Mapping[str, Path],
    address: tuple[str, int],
    on_ready: Callable[[], None],
) -> None:
    """Answers until SIGTERM or SIGINT, once settings and callers have been looked at.

    Args:
        settings: The settings.
        faults: What is wrong with them already.
        files: The files that secrets are in, by the variable that names each.
        address: Host and port to listen on.
        on_ready: Called once, when the service can decide.

    Raises:
        ConfigurationError: With everything that is wrong or insecure.
        InvalidPolicy: The policy to start with is broken.
    """
    callers: list[Caller] = []
    try:
        callers = _callers(settings)
    except ConfigurationError as error:
        faults = [*faults, str(error)]
    refuse_or_tell(examine(settings, callers, files), settings.allow_insecure, faults)
    serve(settings, [], address, on_ready)


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
