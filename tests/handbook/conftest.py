import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Edit = Callable[[str, str, str], None]


@pytest.fixture
def folder(policies: Path, tmp_path: Path) -> Path:
    """A copy of the shipped policies."""
    return Path(shutil.copytree(policies, tmp_path / "policies"))


@pytest.fixture
def edit(folder: Path) -> Edit:
    """Replaces words in a file of that copy."""

    def edit(file: str, before: str, after: str) -> None:
        text = (folder / file).read_text()
        assert before in text
        (folder / file).write_text(text.replace(before, after, 1))

    return edit
