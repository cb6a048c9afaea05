"""The cases that the policy answers otherwise than they say, each told at its place in the decision tables."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import yaml

from authz_service.errors import Fault
from authz_service.policy.checks.places import Places, line_of
from authz_service.policy.table import Outcome, Table

_MEMBERS = {"allow": "allow", "codes": "reasons", "route": "route", "requires": "requires", "effects": "effects"}


def differing_cases(places: Places, failing: Collection[str], table: Table) -> list[Fault]:
    """The faults of cases that fail.

    Args:
        places: Where the cases are.
        failing: The names of those that fail, each with its topic and number before it.
        table: What the policy answers.
    """
    if not places.cases or not failing:
        return []
    return [
        Fault(
            f"`{case['name']}`: {_difference(case, table)}; correct the rule, or the case",
            file=str(file),
            line=line_of(file, rf"name: [\"']?{re.escape(case['name'])}"),
        )
        for file, name, case in read_cases(places.cases)
        if name in failing
    ]


def read_cases(folder: Path) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Each case with its file, and its name with topic and number before it."""
    for file in sorted(folder.glob("*.yaml")):
        for topic, cases in yaml.safe_load(file.read_text(encoding="utf-8"))["cases"].items():
            for number, case in enumerate(cases):
                yield file, f"{topic} {number}: {case['name']}", case


def _difference(case: dict[str, Any], table: Table) -> str:
    if case["facts"] not in table.situations:
        return "its facts are no situation that the schema has"
    said = table.outcomes[table.situations.index(case["facts"])]
    answer = case["answer"]
    wanted = Outcome(
        answer["allow"],
        tuple(sorted(answer["reasons"])),
        answer.get("route"),
        tuple(sorted(answer.get("requires", ()))),
        tuple(sorted(answer.get("effects", ()))),
    )
    differing = [
        f"{_MEMBERS[member]} {_word(is_so)} instead of {_word(should_be)}"
        for member, is_so, should_be in zip(Outcome._fields, said, wanted, strict=True)
        if is_so != should_be
    ]
    # Of all that a case says, the table lacks the facts cited alone.
    return f"the policy answers {', '.join(differing)}" if differing else "the policy cites other facts"


def _word(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    return str(value).lower()
