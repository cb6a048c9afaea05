"""Edits of the callers' file while the service runs."""

from collections.abc import Collection, Sequence
from pathlib import Path

from authz_service.callers.callers import Caller
from authz_service.precautions.callers import guessable_callers
from authz_service.precautions.files import loose_callers
from authz_service.words import Risk


def refused_callers(allowed: Collection[Risk], path: Path, callers: Sequence[Caller]) -> tuple[str, ...]:
    """What keeps an edit from being in force, as it would keep `serve` from starting: a sentence each.

    Args:
        allowed: The risks that are taken all the same.
        path: The callers' file.
        callers: Those of its callers who are not in force yet.
    """
    found = [*guessable_callers(callers), *loose_callers(path)]
    return tuple(finding.what for finding in found if finding.is_fault and finding.risk not in allowed)
