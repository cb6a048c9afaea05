"""No pattern takes long with any text: proven, not timed."""

import ast
import importlib
import pkgutil
import re
from typing import Any

import pytest
from werkzeug.routing import BaseConverter

import authz_service
from authz_service.web.addresses import CONVERTERS
from tests.conftest import ROOT
from tests.patterns import ways_that_cross

# Patterns that this proof is not for, each with what holds instead.
_OTHERWISE = {
    "authz_service.journal.entries._MADE_BY_A_MACHINE": "three forms, of 36 characters at most: each is tried once",
    "authz_service.web.openapi._VARIABLE": "the addresses of this program",
    "authz_service.journal.loading._NUL": "it looks back: a row of backslashes is gone through once",
    "authz_service.journal.loading._USUAL": "possessive: nothing that it has taken is tried again",
    "authz_service.journal.loading._ANY": "the same beginning",
    "authz_service.web.request_ids._TRACEPARENT": "it looks ahead, over 32 characters and over 16: each once",
    "authz_service.opa.regal._UNPARSED": "what Regal says, a line at a time",
    "authz_service.opa.bundle._RULE_OF_ENTRYPOINT": "the policy, which its author may make slow otherwise",
    "authz_service.opa.bundle._PACKAGE_OF_ENTRYPOINT": "the same",
    "authz_service.policy.syntax._PACKAGE": "the same",
    "authz_service.policy.golden._PART": "a file of the repository",
}


def compiled() -> dict[str, re.Pattern[Any]]:
    """Every pattern that a module of the package holds, once, by its name."""
    found: dict[str, re.Pattern[Any]] = {}
    known: set[int] = set()
    for module in pkgutil.walk_packages(authz_service.__path__, "authz_service."):
        if ".migrations" in module.name:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern) and id(value) not in known:
                known.add(id(value))
                found[f"{module.name}.{name}"] = value
    return found


COMPILED = compiled()


def test_every_pattern_is_looked_at() -> None:
    assert len(COMPILED) >= 25
    assert [name for name in _OTHERWISE if name not in COMPILED] == []


@pytest.mark.parametrize("name", [name for name in COMPILED if name not in _OTHERWISE])
def test_at_each_character_there_is_one_way_to_go_on(name: str) -> None:
    assert ways_that_cross(COMPILED[name]) == []


@pytest.mark.parametrize("kind", CONVERTERS.values())
def test_so_it_is_with_the_parts_of_addresses(kind: type[BaseConverter]) -> None:
    # Werkzeug puts what is in an address around it, and what looks back takes nothing.
    assert ways_that_cross(re.compile(kind.regex.removesuffix("(?<!/roles)"))) == []


def test_no_pattern_is_made_of_a_value() -> None:
    """What is matched with is written in the program, but for one that looks for a word of the policy."""
    functions = {"compile", "match", "fullmatch", "search", "sub", "split", "findall", "finditer"}
    made = []
    for file in sorted((ROOT / "authz_service").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {f"re.{function}" for function in functions}:
                words = {name.id for name in ast.walk(node.args[0]) if isinstance(name, ast.Name)}
                if any(not word.isupper() for word in words):
                    made.append((file.name, ast.unparse(node.args[0])))
    assert made == [("places.py", "pattern")]


@pytest.mark.parametrize(
    ("pattern", "is_proven"),
    [
        (r"(a+)+b", False),
        (r"(a|a)*b", False),
        (r"(a|ab)*c", True),
        (r"\s*(\S+)?\s*$", False),
        (r"\d+\d+", False),
        (r".*,.*", False),
        (r"(\w+\s?)*", False),
        (r"[^,]*,[^,]*", True),
        (r"(?:\w+\s)*", True),
        (r"[0-9]{64}[0-9a-f]", True),
        (r"a?b?c", True),
    ],
)
def test_the_proof_tells_patterns_that_may_take_long_from_those_that_do_not(pattern: str, is_proven: bool) -> None:  # noqa: FBT001 - a column
    assert (ways_that_cross(re.compile(pattern)) == []) is is_proven
