"""A rule, its reason and its sentence are one thing: every rule says what it is, and which facts it rests on."""

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from authz_service.words import Language
from tests.conftest import ROOT

_BUNDLE = ROOT / "policies" / "bundle"
_GIVE_REASONS = {"grants", "obstacles"}

Rule = dict[str, Any]


def _name(rule: Rule) -> str:
    return str(rule["head"]["name"])


def _custom(rule: Rule) -> dict[str, Any]:
    found: dict[str, Any] = next((a["custom"] for a in rule.get("annotations", []) if "custom" in a), {})
    return found


def _is_in_a_set(rule: Rule) -> bool:
    return "key" in rule["head"]


@pytest.fixture(scope="module")
def rules(opa: Path) -> list[tuple[str, Rule]]:
    """Every rule of the policy with where it stands, functions left out."""
    files = sorted(path for path in _BUNDLE.rglob("*.rego") if not path.name.endswith("_test.rego"))
    found = []
    for path in files:
        parsed = subprocess.run(
            [opa, "parse", "--format", "json", "--json-include", "locations", path],
            capture_output=True,
            text=True,
            check=True,
        )
        rules = [rule for rule in json.loads(parsed.stdout).get("rules", []) if "args" not in rule["head"]]
        found += [(f"{path.relative_to(ROOT)}:{rule['location']['row']}", rule) for rule in rules]
    return found


@pytest.fixture(scope="module")
def requirements() -> set[str]:
    content = yaml.safe_load((ROOT / "policies" / "requirements.yaml").read_text())
    return {*content["facts"], *content["readings"]}


def test_the_policy_has_its_rules(rules: list[tuple[str, Rule]]) -> None:
    assert len(rules) > 50


def test_every_rule_says_what_it_is(rules: list[tuple[str, Rule]]) -> None:
    described: set[tuple[str, str]] = set()
    faults = []
    for place, rule in rules:
        one_of_several = (place.rpartition(":")[0], _name(rule))
        annotations = rule.get("annotations", [])
        # Another definition of the same rule is described with the first; an element of a set is a rule of its own.
        if not annotations and one_of_several in described and not _is_in_a_set(rule):
            continue
        described.add(one_of_several)
        said = {key for annotation in annotations for key in annotation}
        faults += [f"{place}: has no {part}" for part in ("title", "description", "custom") if part not in said]
        faults += [f"{place}: has no custom.{part}" for part in ("code", "cites") if not _custom(rule).get(part)]
    assert faults == []


def test_a_code_belongs_to_one_rule(rules: list[tuple[str, Rule]]) -> None:
    # The definitions of one rule share its annotation; an element of a set is a rule of its own.
    described = {
        (_custom(rule)["code"], place if _is_in_a_set(rule) else (place.rpartition(":")[0], _name(rule)))
        for place, rule in rules
        if _custom(rule)
    }
    codes = Counter(code for code, _ in described)
    assert [code for code, number in codes.items() if number > 1] == []


def test_every_cited_fact_exists(rules: list[tuple[str, Rule]], requirements: set[str]) -> None:
    unknown = {place: set(_custom(rule).get("cites", [])) - requirements for place, rule in rules}
    assert {place: facts for place, facts in unknown.items() if facts} == {}


def test_every_fact_is_cited(rules: list[tuple[str, Rule]], requirements: set[str]) -> None:
    cited = {fact for _, rule in rules for fact in _custom(rule).get("cites", [])}
    assert requirements - cited == set()


def test_every_rule_that_gives_a_reason_has_a_sentence_for_the_person_in_every_language(
    rules: list[tuple[str, Rule]],
) -> None:
    reasons = [(place, rule) for place, rule in rules if _name(rule) in _GIVE_REASONS and _is_in_a_set(rule)]
    assert len(reasons) > 30
    for place, rule in rules:
        message = _custom(rule).get("message", {})
        if (place, rule) in reasons or message:
            assert set(message) == set(Language), place
            # A sentence that was copied instead of written.
            assert len(set(message.values())) == len(Language), place
