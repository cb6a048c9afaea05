"""What has changed since the last committed result: ratios of CPU, as the machine's own speed is in none of them.

A change is told and fails nothing: on a machine that others use it is a reason to run again and to look, no verdict.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

LIMIT = 0.15
_ROOT = Path(__file__).parents[1]


class Change(NamedTuple):
    """A ratio that is not what it was."""

    kind: str
    contestant: str
    reference: str
    before: float
    after: float

    def __str__(self) -> str:
        share = self.after / self.before - 1
        return (
            f"{'▲ dearer' if share > 0 else '▼ cheaper'}: {self.kind}, {self.contestant}: "
            f"{self.after:.2f} of the CPU of {self.reference}, was {self.before:.2f} ({share:+.0%})"
        )


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """The ratios in both reports that differ by more than 15 %."""
    for kind, key, reference, now in _ratios(after):
        try:
            then = before["results"][kind][key]["of"][reference]["cpu"]
        except KeyError:
            continue
        if abs(now / then - 1) > LIMIT:
            yield Change(kind, key, reference, then, now)


def committed(file: Path) -> Mapping[str, Any] | None:
    """A report as the last commit has it; None where it has none, or there is no git."""
    name = f"HEAD:{file.relative_to(_ROOT)}"
    git = shutil.which("git")
    if git is None:
        return None
    shown = subprocess.run([git, "show", name], cwd=_ROOT, capture_output=True, text=True, check=False)
    if shown.returncode != 0:
        return None
    report: Mapping[str, Any] = json.loads(shown.stdout)
    return report


def tell_changes(file: Path) -> list[str]:
    """Lines to print about a report that has just been written."""
    before = committed(file)
    if before is None:
        return ["No result is committed yet to compare with."]
    return tell(before, json.loads(file.read_text()))


def tell(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Lines to print about two reports: first what else was other, then each change."""
    others = [
        f"The committed result is of other {what}: {name} was {before.get(what, {}).get(name)}, and is {now}"
        for what in ("machine", "versions", "settings")
        for name, now in after[what].items()
        if before.get(what, {}).get(name) != now
    ]
    found = list(map(str, changes(before, after)))
    return [*others, *(found or [f"✓ No ratio of CPU is more than {LIMIT:.0%} from the committed result."])]


def _ratios(report: Mapping[str, Any]) -> Iterator[tuple[str, str, str, float]]:
    for kind, of_kind in report["results"].items():
        for key, each in of_kind.items():
            for reference, ratio in each["of"].items():
                if reference != key:
                    yield kind, key, reference, ratio["cpu"]
