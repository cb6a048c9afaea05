"""Where the parts of a policies folder are, and at which line a thing is written."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from authz_service.policy.promises import FOLDER as PROMISES

_CASES = Path("fixtures") / "cases"


class Places(NamedTuple):
    """What is checked.

    Attributes:
        opa: The program.
        policies: The policies folder.
        cases: The folder of the decision tables, or None.
    """

    opa: Path
    policies: Path
    cases: Path | None

    @property
    def bundle(self) -> Path:
        return self.policies / "bundle"

    @property
    def promises(self) -> Path:
        return self.policies / PROMISES

    def with_tests(self) -> list[str]:
        """The folders that have Rego with its tests, as OPA is told of them when it runs in the policies folder."""
        return [os.path.relpath(folder.resolve(), self.policies.resolve()) for folder in self._folders()]

    def shown(self, file: str) -> str:
        """A file that OPA names when it runs in the policies folder, as its author finds it."""
        return os.path.normpath(self.policies / file)

    def _folders(self) -> Iterator[Path]:
        yield self.bundle
        if self.promises.exists():
            yield self.promises
        if self.cases:
            yield self.cases


def find_cases(policies: Path) -> Path | None:
    """The decision tables beside the parent of a policies folder, or else beside the current one."""
    candidates = [Path(os.path.normpath(policies / ".." / _CASES)), _CASES]
    return next((folder for folder in candidates if folder.is_dir()), None)


def line_of(file: Path, pattern: str) -> int:
    """The first line that matches; 0 where none does."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    return next((number for number, line in enumerate(lines, 1) if re.search(pattern, line)), 0)
