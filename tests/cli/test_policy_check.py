import json
import re
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import validate

from authz_service.cli.policy.findings import STYLES
from authz_service.errors import Fault
from authz_service.policy.check import STEPS, Report, Step
from tests.cli.conftest import Cli
from tests.conftest import ROOT

_ROLES = Path("bundle/authz/roles/roles.rego")

_FOUND = {
    "compile": Fault("undefined ref: input.rol", file="policies/bundle/b.rego", line=7),
    "requirements": Fault("is not YAML & <more>", "facts", file="policies/requirements.yaml"),
}
_MISSED = ("rules", "promises")


@pytest.fixture
def report() -> Report:
    """Two findings, and two steps that were not run."""
    steps = [Step(name, (_FOUND[name],) if name in _FOUND else (), None if name in _MISSED else 0.25) for name in STEPS]
    return Report(tuple(steps), situations=28_248, promises=41, tests=300, seconds=4.5)


@pytest.fixture
def clean() -> Report:
    """Nothing was found."""
    steps = tuple(Step(name, (), 0.25) for name in STEPS)
    return Report(steps, situations=28_248, promises=41, tests=300, seconds=4.5)


def _told(style: str, report: Report) -> str:
    return "\n".join(STYLES[style](report))


def test_the_shipped_policy_has_no_finding_and_a_line_says_what_was_looked_at(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    status, stdout, stderr = cli("policy", "check")
    assert (status, stderr) == (0, ""), stdout
    found = re.fullmatch(r"✓ 28,248 situations, (\d+) promises hold, (\d+) tests pass \(\d+\.\d s\)\n", stdout)
    assert found
    assert int(found[1]) > 40
    assert int(found[2]) > 300


def test_findings_are_lines_with_their_place_as_the_folder_was_named_and_the_exit_status_is_1(
    cli: Cli, policies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = shutil.copytree(policies, tmp_path / "mine")
    rules = (copied / _ROLES).read_text()
    (copied / _ROLES).write_text(rules.replace('input.role == "user"', 'input.rolle  == "user"'))
    line = rules.splitlines().index('is_user if input.role == "user"') + 1
    monkeypatch.chdir(tmp_path)
    status, stdout, stderr = cli("policy", "check", "mine")
    assert (status, stderr) == (1, "")
    *findings, summary = stdout.splitlines()
    place = f"mine/{_ROLES}:{line}: "
    assert [finding.removeprefix(place).partition(";")[0] for finding in findings] == [
        "is not as `opa fmt` writes it",
        "undefined ref: input.rolle",
    ]
    assert re.fullmatch(
        r"✗ 2 findings; then still to be looked at: tests, coverage, cases, literals, requirements, words, situations, "
        r"rules, promises, golden \(\d+\.\d s\)",
        summary,
    )


def test_a_folder_that_is_none_is_a_finding(cli: Cli, tmp_path: Path) -> None:
    status, stdout, _ = cli("policy", "check", tmp_path)
    assert status == 1
    assert f"{tmp_path}: is no policies folder: it has no bundle\n" in stdout


def test_the_steps_are_in_the_help(cli: Cli) -> None:
    status, stdout, _ = cli("policy", "check", "--help")
    assert status == 0
    for name, what in STEPS.items():
        assert re.search(rf"  {name} +{re.escape(what)}\n", stdout), name


def test_text_is_sorted_with_the_summary_last(report: Report, clean: Report) -> None:
    assert _told("text", report).splitlines() == [
        "\x1b[1mpolicies/bundle/b.rego:7\x1b[0m: undefined ref: input.rol",
        "\x1b[1mpolicies/requirements.yaml\x1b[0m: facts: is not YAML & <more>",
        "\x1b[31m✗ 2 findings; then still to be looked at: rules, promises (4.5 s)\x1b[0m",
    ]
    assert _told("text", clean) == ("\x1b[32m✓ 28,248 situations, 41 promises hold, 300 tests pass (4.5 s)\x1b[0m")


def test_json_has_every_finding_and_every_step(report: Report) -> None:
    said = json.loads(_told("json", report))
    assert said["findings"] == [
        {"step": "compile", "file": "policies/bundle/b.rego", "line": 7, "what": "undefined ref: input.rol"},
        {
            "step": "requirements",
            "file": "policies/requirements.yaml",
            "line": 0,
            "what": "facts: is not YAML & <more>",
        },
    ]
    assert [step["name"] for step in said["steps"]] == list(STEPS)
    assert [step["name"] for step in said["steps"] if step["seconds"] is None] == list(_MISSED)
    assert {name: said[name] for name in ("situations", "promises", "tests", "seconds")} == {
        "situations": 28_248,
        "promises": 41,
        "tests": 300,
        "seconds": 4.5,
    }


_TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
# What of SARIF 2.1.0 is used here, as its schema has it.
_SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": {"type": "string"},
                                    "version": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "additionalProperties": False,
                                            "properties": {"id": {"type": "string"}, "shortDescription": _TEXT},
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message", "ruleId", "locations"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": _TEXT,
                                "locations": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["physicalLocation"],
                                        "additionalProperties": False,
                                        "properties": {
                                            "physicalLocation": {
                                                "type": "object",
                                                "required": ["artifactLocation"],
                                                "additionalProperties": False,
                                                "properties": {
                                                    "artifactLocation": {
                                                        "type": "object",
                                                        "required": ["uri"],
                                                        "properties": {"uri": {"type": "string"}},
                                                    },
                                                    "region": {
                                                        "type": "object",
                                                        "required": ["startLine"],
                                                        "properties": {"startLine": {"type": "integer", "minimum": 1}},
                                                    },
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def test_sarif_has_rules_and_places_in_its_structure(report: Report, clean: Report) -> None:
    said = json.loads(_told("sarif", report))
    for log in (said, json.loads(_told("sarif", clean))):
        validate(log, _SARIF)
    [run] = said["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(STEPS)
    first, second = run["results"]
    assert rules[first["ruleIndex"]]["id"] == first["ruleId"] == "compile"
    assert first["locations"] == [
        {"physicalLocation": {"artifactLocation": {"uri": "policies/bundle/b.rego"}, "region": {"startLine": 7}}}
    ]
    assert second["message"]["text"] == "facts: is not YAML & <more>"
    assert "region" not in second["locations"][0]["physicalLocation"]


def test_sarif_names_a_file_elsewhere_by_its_url(report: Report) -> None:
    elsewhere = Fault("is wrong", file="/srv/my policies/a.rego", line=1)
    found = report._replace(steps=(Step("lint", (elsewhere,), 0.1),))
    [run] = json.loads(_told("sarif", found))["runs"]
    location = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location == {"uri": "file:///srv/my%20policies/a.rego"}


def test_junit_has_a_test_for_each_step_and_each_finding(report: Report) -> None:
    suites = ET.fromstring(_told("junit", report))  # noqa: S314 - written by ourselves
    [suite] = suites
    assert dict(suites.items()) == {"tests": "13", "failures": "2", "skipped": "2", "time": "4.500"}
    cases = {case.get("classname"): case for case in suite}
    assert list(cases) == [f"policy.{name}" for name in STEPS]
    assert cases["policy.format"].get("name") == STEPS["format"]
    failed = cases["policy.compile"]
    assert (failed.get("name"), failed.get("file")) == ("policies/bundle/b.rego:7", "policies/bundle/b.rego")
    [failure] = failed
    assert failure.get("message") == "undefined ref: input.rol"
    assert failure.text == "policies/bundle/b.rego:7: undefined ref: input.rol"
    assert [name for name, case in cases.items() if case.find("skipped") is not None] == [
        f"policy.{name}" for name in _MISSED
    ]
