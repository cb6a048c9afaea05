"""Each threat has a defence, and each defence a test that there is."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "explanation" / "threat-model.md").read_text()
THE_WAY = (ROOT / "docs" / "explanation" / "the-way-of-a-decision.md").read_text()
STRIDE = "STRIDE"
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def rows() -> Iterator[tuple[str, list[str]]]:
    """The rows of threats, each with the heading that it is under."""
    for section in PAGE.split("\n## ")[1:]:
        heading, _, content = section.partition("\n")
        for line in content.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if line.startswith("|") and len(cells) == 4 and cells[1] not in {"threat", "---"}:
                yield heading, cells


@cache
def defined_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("file", "name"), sorted(set(_TEST.findall(PAGE))))
def test_each_test_that_is_named_exists(file: str, name: str) -> None:
    assert name in defined_in(file)


def test_each_threat_is_of_a_kind_and_has_a_defence_and_a_test() -> None:
    listed = list(rows())
    assert len(listed) > 40
    for _, (kind, threat, defence, tests) in listed:
        assert re.fullmatch(f"[{STRIDE}]", kind), threat
        assert threat
        assert defence
        assert re.sub(_TEST, "", tests).strip(", ") == "", threat
        assert _TEST.search(tests), threat


def test_all_kinds_of_threats_are_looked_for() -> None:
    assert {cells[0] for _, cells in rows()} == set(STRIDE)


def test_they_are_looked_for_at_each_step_of_the_way_of_a_decision() -> None:
    [way] = re.findall(r"^    (HTTP → .*)$", THE_WAY, re.MULTILINE)
    assert f"    {way}\n" in PAGE
    steps = [re.sub(r" \(.*\)", "", step).capitalize() for step in way.split(" → ")]
    headings = list(dict.fromkeys(heading for heading, _ in rows()))
    assert headings == ["HTTP", *steps[1:-1], "HTTP, back", "Around it"]
