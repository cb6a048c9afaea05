"""The pages for readers lead somewhere, and none is left out."""

import re
from pathlib import Path

import pytest

from authz_service.settings import KNOWN
from tests.conftest import ROOT

_LINK = re.compile(r"\]\(([^)#\s]+)(?:#([^)\s]+))?\)")
_PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "policies").rglob("*.md")])


def _headings(page: Path) -> set[str]:
    lines = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).strip().replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", _PAGES, ids=[str(page.relative_to(ROOT)) for page in _PAGES])
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = []
    for target, heading in _LINK.findall(page.read_text()):
        if "://" in target:
            continue
        there = (page.parent / target).resolve()
        if not there.exists() or (heading and heading not in _headings(there)):
            dead.append(f"{target}#{heading}" if heading else target)
    assert dead == []


def test_every_how_to_and_explanation_is_linked_from_a_page_or_its_folder_is() -> None:
    linked = {
        (page.parent / target).resolve()
        for page in _PAGES
        for target, _ in _LINK.findall(page.read_text())
        if "://" not in target
    }
    orphans = [page for page in (ROOT / "docs").rglob("*.md") if page not in linked and page.parent not in linked]
    assert orphans == []


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 150


def test_every_setting_is_on_the_page_of_whoever_runs_the_service() -> None:

    page = (ROOT / "docs" / "how-to" / "run-it.md").read_text()
    assert [name for name in KNOWN if f"`{name}`" not in page] == []
