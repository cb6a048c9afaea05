import re
import shutil
from pathlib import Path

import pytest

from authz_service.opa.engine import OpaEngine
from authz_service.opa.supervisor import SupervisedOpa
from tests.cli.conftest import Cli


def test_a_build_prints_the_revision_and_nothing_else(
    cli: Cli, policies: Path, tmp_path: Path, running_opa: SupervisedOpa
) -> None:
    bundle = tmp_path / "bundle.tar.gz"
    built = cli("policy", "build", policies, "--output", bundle)
    assert (built.status, built.stderr) == (0, "")
    assert re.fullmatch(r"[0-9a-f]{16}\n", built.stdout)
    engine = OpaEngine(running_opa.url)
    assert engine.ask(()).revision == built.stdout.strip()
    engine.close()
    assert bundle.stat().st_size > 1000


def test_without_a_folder_the_policies_of_the_checkout_are_built_and_the_same_is_the_same_revision(
    cli: Cli, policies: Path, tmp_path: Path
) -> None:
    built = [cli("policy", "build", *folder, "-o", tmp_path / "b.tar.gz") for folder in ([], [policies])]
    assert built[0] == built[1]


def test_a_bundle_can_be_built_again_from_a_bundle(cli: Cli, policies: Path, tmp_path: Path) -> None:
    first = cli("policy", "build", policies, "-o", tmp_path / "first.tar.gz")
    assert cli("policy", "build", tmp_path / "first.tar.gz", "-o", tmp_path / "second.tar.gz") == first


def test_a_broken_policy_ends_with_1_and_the_finding_at_its_line(cli: Cli, policies: Path, tmp_path: Path) -> None:
    broken = tmp_path / "policies"
    shutil.copytree(policies, broken)
    rules = broken / "bundle" / "authz" / "roles" / "roles.rego"
    line = len(rules.read_text().splitlines()) + 2
    rules.write_text(rules.read_text() + '\nis_cousin if input.rôle == "cousin"\n'.replace("ô", "a"))
    status, stdout, stderr = cli("policy", "build", broken, "-o", tmp_path / "bundle.tar.gz")
    assert (status, stdout) == (1, "")
    assert stderr.startswith(f"{rules}:{line}: ")
    assert not (tmp_path / "bundle.tar.gz").exists()


def test_a_folder_that_is_no_policies_folder_is_a_sentence(cli: Cli, tmp_path: Path) -> None:
    built = cli("policy", "build", tmp_path, "-o", tmp_path / "bundle.tar.gz")
    assert (built.status, built.stdout) == (1, "")
    assert built.stderr == f"{tmp_path}: is no policies folder: it has no bundle\n"


def test_a_bundle_that_cannot_be_written_is_a_sentence(cli: Cli, policies: Path, tmp_path: Path) -> None:
    status, stdout, stderr = cli("policy", "build", policies, "-o", tmp_path / "nowhere" / "bundle.tar.gz")
    assert (status, stdout) == (1, "")
    assert "nowhere" in stderr
    assert stderr.endswith(": No such file or directory.\n")


@pytest.mark.parametrize("program", ["/nowhere/opa", "/bin/true"])
def test_another_opa_is_refused_with_the_one_that_is_wanted(
    cli: Cli, policies: Path, tmp_path: Path, program: str
) -> None:
    built = cli("policy", "build", policies, "-o", tmp_path / "bundle.tar.gz", AUTHZ_OPA_BIN=program)
    assert (built.status, built.stdout) == (1, "")
    assert built.stderr.startswith(f"AUTHZ_OPA_BIN: {program} ")
    assert "OPA 1.22.2 is wanted" in built.stderr
