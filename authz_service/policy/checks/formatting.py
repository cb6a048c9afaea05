"""Whether the Rego is as `opa fmt` writes it."""

from itertools import zip_longest
from pathlib import Path

from authz_service.errors import Fault, InvalidPolicy
from authz_service.opa.command import run_opa
from authz_service.policy.checks.places import Places

_RULES_ABOUT_RULES = ".regal"


def unformatted(places: Places) -> list[Fault]:
    return [fault for folder in [*places.with_tests(), _RULES_ABOUT_RULES] for fault in _in_folder(places, folder)]


def _in_folder(places: Places, folder: str) -> list[Fault]:
    try:
        listed = run_opa(places.opa, "fmt", "--list", folder, cwd=places.policies, shown=places.policies)
    except InvalidPolicy:
        # What cannot be parsed is told by the compiler.
        return []
    return [_fault(places, file) for file in listed.splitlines()]


def _fault(places: Places, file: str) -> Fault:
    shown = places.shown(file)
    written = Path(shown).read_text(encoding="utf-8").splitlines()
    formatted = run_opa(places.opa, "fmt", file, cwd=places.policies, shown=places.policies).splitlines()
    pairs = enumerate(zip_longest(written, formatted), 1)
    line = next((number for number, (is_so, should_be) in pairs if is_so != should_be), 0)
    return Fault(f"is not as `opa fmt` writes it; run: opa fmt --write {shown}", file=shown, line=line)
