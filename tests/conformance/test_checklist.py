"""No line of the checklist is lost: each has a test, or a reason why it has none."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.conformance.checklist import CHECKLIST, NOT_TESTED
from tests.conftest import ROOT

_ID = r"(?:[a-i]\d+|extra_\d\d)"
_NAME = re.compile(rf"test_({_ID}(?:_(?:and|to)_{_ID})*)_[a-z]")
_RANGE = re.compile(r"([a-i])(\d+)_to_\1(\d+)")


def ids_in(name: str) -> set[str]:
    """The ids at the beginning of a test's name."""
    named = _NAME.match(name)
    if named is None:
        return set()
    ranges = _RANGE.findall(named[1])
    between = {f"{section}{n}" for section, first, last in ranges for n in range(int(first), int(last) + 1)}
    return between | set(re.findall(_ID, named[1]))


def names_of_tests() -> Iterator[str]:
    for file in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("test_c3_the_order", {"c3"}),
        ("test_c9_to_c11_a_semantic", {"c9", "c10", "c11"}),
        ("test_d11_and_extra_15_and_i5_bytes", {"d11", "extra_15", "i5"}),
        ("test_http_is_for_this_machine", set()),
        ("test_and_c3_the_order", set()),
    ],
)
def test_a_name_tells_its_lines(name: str, ids: set[str]) -> None:
    assert ids_in(name) == ids


def test_every_line_has_a_test_or_a_reason_why_not() -> None:
    tested = {found for name in names_of_tests() for found in ids_in(name)}
    assert sorted(tested | NOT_TESTED.keys()) == sorted(CHECKLIST)
    assert tested & NOT_TESTED.keys() == set()


def test_the_checklist_has_as_many_lines_as_there_are() -> None:
    sections = {"a": 13, "b": 7, "c": 15, "d": 23, "e": 9, "f": 9, "g": 8, "h": 3, "i": 10}
    wanted = [f"{section}{n}" for section, count in sections.items() for n in range(1, count + 1)]
    assert list(CHECKLIST) == [*wanted, *(f"extra_{n:02}" for n in range(1, 17))]
