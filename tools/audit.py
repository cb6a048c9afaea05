"""Ask every source about what is locked: known vulnerabilities, and releases taken back or given up.

    python -m tools.audit

Each source is told with whether it was asked. Exit 0: all were asked and none knows anything; 1: one does; 2: none
that was asked does, and another could not be asked.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import audit_go, audit_npm, audit_python
from tools.audit_source import NotAsked
from tools.setup_opa import RECIPE

ROOT = Path(__file__).resolve().parents[1]
ALL_WELL, FOUND, NOT_ALL_ASKED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Source:
    """Who is asked about what, and how: `ask` returns findings, a sentence each, or raises `NotAsked`."""

    title: str
    ask: Callable[[], Sequence[str]]


def sources(root: Path) -> Iterator[Source]:
    locks = sorted([*root.glob("requirements*.txt"), *root.glob("tools/requirements-*.txt")])
    yield Source("vulnerabilities of Python packages", lambda: audit_python.vulnerabilities(locks))
    yield Source("Python releases taken back, projects given up", lambda: audit_python.withdrawn(locks))
    opa = root / ".tools" / "bin" / RECIPE.program.name
    yield Source("vulnerabilities in the built OPA", lambda: audit_go.vulnerabilities(root / "tools/govulncheck", opa))
    for module in sorted(path.parent for path in root.glob("tools/*/go.mod")):
        title = f"Go modules of {module.relative_to(root)} taken back or given up"
        yield Source(title, lambda module=module: audit_go.withdrawn(module))  # type: ignore[misc]  # mypy gives a lambda's default no type
    for lock in sorted(root.glob("*/*/package-lock.json")):
        title = f"vulnerabilities of npm packages of {lock.parent.relative_to(root)}"
        yield Source(title, lambda lock=lock: audit_npm.vulnerabilities(lock.parent))  # type: ignore[misc]  # the same


def audit(asked: Iterator[Source]) -> int:
    """Ask each source, tell what it says, and return the exit status."""
    findings, missed = 0, 0
    for source in asked:
        try:
            found = source.ask()
        except NotAsked as error:
            missed += 1
            print(f"- not asked  {source.title}: {error}")
            continue
        findings += len(found)
        print(f"{'✗' if found else '✓'} asked      {source.title}: {f'{len(found)} found' if found else 'none known'}")
        for finding in found:
            print(f"    {finding}")
    return FOUND if findings else NOT_ALL_ASKED if missed else ALL_WELL


if __name__ == "__main__":
    sys.exit(audit(sources(ROOT)))
