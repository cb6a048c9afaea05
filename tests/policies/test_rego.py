"""The Rego tests and the decision tables, run by OPA itself."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

_TESTED = ["policies/bundle", "fixtures/cases"]


def _opa(opa: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([opa, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def results(opa: Path) -> list[dict[str, Any]]:
    done = _opa(opa, "test", "--format", "json", "--fail-on-empty", *_TESTED)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_every_rego_test_passes(results: list[dict[str, Any]]) -> None:
    failed = [result["name"] for result in results if result.get("fail") or result.get("error")]
    assert failed == []
    assert len(results) > 20


def test_every_case_is_judged(results: list[dict[str, Any]]) -> None:
    [cases] = [result for result in results if result["name"] == "test_cases"]
    assert len(cases["sub_results"]) >= 100


def test_every_line_is_covered(opa: Path) -> None:
    coverage = json.loads(_opa(opa, "test", "--coverage", "--format", "json", *_TESTED).stdout)
    uncovered = {file: said["not_covered"] for file, said in coverage["files"].items() if said.get("not_covered")}
    assert uncovered == {}
    assert coverage["coverage"] == 100


def test_the_policy_compiles_strictly_against_the_schema(opa: Path) -> None:
    done = _opa(opa, "check", "--strict", "--schema", "policies/schemas", *_TESTED)
    assert done.returncode == 0, done.stderr


def test_the_policy_is_formatted(opa: Path) -> None:
    done = _opa(opa, "fmt", "--fail", "--list", *_TESTED)
    assert done.returncode == 0, done.stdout


def test_a_misspelt_fact_is_refused_by_name(opa: Path, tmp_path: Path) -> None:
    rule = ROOT / "policies" / "bundle" / "authz" / "roles" / "roles.rego"
    copied = tmp_path / "authz"
    (copied / "roles").mkdir(parents=True)
    (copied / "authz.rego").write_bytes((rule.parents[1] / "authz.rego").read_bytes())
    (copied / "roles" / "roles.rego").write_text(rule.read_text().replace("input.role", "input.rolle"))
    done = _opa(opa, "check", "--strict", "--schema", "policies/schemas", str(copied))
    assert done.returncode == 1
    assert "undefined ref: input.rolle" in done.stderr
