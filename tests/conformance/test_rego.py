"""The policy of the scenarios is kept as the shipped one is."""

import json
import subprocess
from pathlib import Path

from tests.conformance.domain import POLICIES


def opa_says(opa: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([opa, *arguments], cwd=POLICIES, capture_output=True, text=True, check=False)


def test_every_rego_test_passes_and_every_line_is_covered(opa: Path) -> None:
    done = opa_says(opa, "test", "--coverage", "--format", "json", "bundle")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["coverage"] == 100


def test_the_policy_compiles_strictly_against_the_schema(opa: Path) -> None:
    done = opa_says(opa, "check", "--strict", "--schema", "schemas", "bundle")
    assert done.returncode == 0, done.stderr


def test_the_policy_is_formatted(opa: Path) -> None:
    done = opa_says(opa, "fmt", "--fail", "--list", ".")
    assert done.returncode == 0, done.stdout
