"""What Regal finds, by its own rules and by ours."""

from collections.abc import Callable
from pathlib import Path

from authz_service.errors import ConfigurationError, Fault
from authz_service.opa.regal import lint
from authz_service.policy.checks.places import Places

# The formatter itself says at which line.
_TOLD_ELSEWHERE = "(style/opa-fmt,"


def unlinted(places: Places, find_regal: Callable[[], Path]) -> list[Fault]:
    """Args: `find_regal` finds the linter, or raises ConfigurationError, which is a finding then."""
    also = [folder for folder in (places.promises, places.cases) if folder and folder.exists()]
    try:
        found = lint(find_regal(), places.policies, also)
    except ConfigurationError as error:
        return [Fault(f"could not be linted: {error}", file=str(places.policies))]
    return [fault for fault in found if _TOLD_ELSEWHERE not in fault.what]
