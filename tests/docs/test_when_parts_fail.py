"""The table of what happens when parts fail is whole: each row is a test, and each such test a row."""

import ast
import re
from pathlib import Path

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "explanation" / "when-parts-fail.md"
_ROW = re.compile(r"^\| (?!what fails|---)(.+) \|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
# What can fail, by the headings and words that the page has to have for it.
PARTS = {
    "OPA": [
        "killed",
        "away",
        "frozen, or slow",
        "lies",
        "no result",
        "a warning",
        "another revision",
        "another policy",
    ],
    "Database": ["down", "frozen", "locked", "disk is full"],
    "Journal": ["disk is full", "reading only"],
    "Mail server, provider of accounts, issuer of access tokens": [
        "mail server is down",
        "provider is down",
        "issuer of access tokens is away",
    ],
    "Clock": ["jumps"],
    "Processes and memory": ["memory", "a worker is killed", "whole service is killed"],
    "Clients": ["byte by byte", "does not end"],
}


def rows() -> list[list[str]]:
    return [[cell.strip() for cell in row.split(" | ")] for row in _ROW.findall(PAGE.read_text())]


def named_in(file: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}


def test_each_row_tells_everything_and_names_a_test_that_there_is() -> None:
    found = rows()
    assert len(found) >= 30
    for row in found:
        assert len(row) == 5, row
        assert all(row)
        named = _TEST.findall(row[4])
        assert named, row
        for file, test in named:
            assert (ROOT / file).exists(), file
            assert test in named_in(ROOT / file), test


def test_each_test_of_a_failure_is_a_row() -> None:
    named = {(ROOT / file, test) for row in rows() for file, test in _TEST.findall(row[4])}
    files = sorted((ROOT / "tests" / "failures").glob("test_*.py"))
    assert len(files) >= 8
    there = {(file, test) for file in files for test in named_in(file) if test.startswith("test_")}
    assert there - named == set()


def test_each_part_that_can_fail_is_there() -> None:
    sections = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", PAGE.read_text(), re.MULTILINE))
    assert list(sections) == list(PARTS)
    for part, faults in PARTS.items():
        assert [fault for fault in faults if fault not in sections[part]] == []
