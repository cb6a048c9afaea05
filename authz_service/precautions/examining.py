"""Everything that is insecure, and what is done about it before the service starts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import structlog

from authz_service.callers.callers import Caller
from authz_service.errors import ConfigurationError
from authz_service.precautions.callers import guessable_callers
from authz_service.precautions.files import loose_files
from authz_service.precautions.finding import Finding
from authz_service.precautions.keys import weak_secrets
from authz_service.precautions.roads import open_roads
from authz_service.settings import Settings
from authz_service.words import Risk

log = structlog.get_logger()


def examine(settings: Settings, callers: Sequence[Caller], secret_files: Mapping[str, Path]) -> list[Finding]:
    """All that is insecure.

    Args:
        settings: The settings.
        callers: Who may call.
        secret_files: The files that secrets are in, by the setting that names each.
    """
    return [
        *guessable_callers(callers),
        *weak_secrets(settings),
        *open_roads(settings),
        *loose_files(settings, secret_files),
    ]


def refuse_or_tell(findings: Iterable[Finding], allowed: Collection[Risk], faults: Sequence[str] = ()) -> None:
    """Logs warnings, and faults whose risk is allowed.

    Args:
        findings: What is insecure.
        allowed: The risks that are taken all the same.
        faults: What else keeps the service from starting, a sentence each.

    Raises:
        ConfigurationError: With every fault that is not allowed, a line each.
    """
    refused = [finding for finding in findings if finding.is_fault and finding.risk not in allowed]
    lines = [*faults, *(finding.what for finding in refused)]
    if refused:
        risks = ",".join(sorted({finding.risk for finding in refused}))
        lines.append(f"Whoever has a reason to start all the same sets AUTHZ_ALLOW_INSECURE={risks}.")
    if lines:
        raise ConfigurationError("\n".join(lines))
    for finding in findings:
        if finding.is_fault:
            log.warning("insecure.allowed", what=finding.what, by=f"AUTHZ_ALLOW_INSECURE={finding.risk}")
        else:
            log.warning("insecure", what=finding.what)
