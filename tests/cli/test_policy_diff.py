import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Run
from tests.conftest import SMITH_FAMILY
from tests.policy.edits import BILLS_FOR_USERS, edit

BILLS = "see the bills, manage the bills, see the payment statements or manage the payment statements"


@pytest.fixture(scope="module")
def opened(policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped policy with bills open to users."""
    return edit(policies, tmp_path_factory.mktemp("opened") / "policies", BILLS_FOR_USERS)


def test_the_shipped_policy_with_itself_is_one_line_and_exit_0(cli: Cli, policies: Path) -> None:
    run = cli("policy", "diff", policies, policies)
    assert run == Run(0, "✓ No situation is answered differently (28,248 judged).\n", "")


def test_bills_opened_to_users_are_told_as_a_sentence_and_end_with_1(cli: Cli, policies: Path, opened: Path) -> None:
    status, stdout, stderr = cli("policy", "diff", policies, opened)
    assert (status, stderr) == (1, "")
    assert stdout == (
        "✓ Widened: denied before, permitted now\n"
        "\n"
        f"  a user may now {BILLS}\n"
        "    24 situations\n"
        "    + administrator_bills, - administrator_only\n"
        "\n"
        "✗ 24 of 28,248 situations are answered differently: 24 widened.\n"
    )


def test_a_gate_on_what_widens_lets_pass_what_narrows(cli: Cli, policies: Path, opened: Path) -> None:
    status, stdout, _ = cli("policy", "diff", opened, policies, "--fail-on", "widened")
    assert status == 0
    assert stdout.startswith(f"✗ Narrowed: permitted before, denied now\n\n  a user may no longer {BILLS}\n")
    assert stdout.endswith("✗ 24 of 28,248 situations are answered differently: 24 narrowed.\n")


def test_a_bundle_and_a_revision_in_git_differ_in_nothing_and_from_a_folder_in_the_same(
    cli: Cli, policies: Path, opened: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "rules" / "policies"
    shutil.copytree(policies, folder)
    who = ["-c", "user.name=Author", "-c", "user.email=author@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "First", "--no-gpg-sign"], ["tag", "first"]):
        subprocess.run(["git", "-C", tmp_path, *who, *arguments], check=True, capture_output=True)
    bundle = tmp_path / "bundle.tar.gz"
    assert cli("policy", "build", folder, "--output", bundle).status == 0
    assert cli("policy", "diff", "HEAD", bundle, "--policies", folder).status == 0
    assert cli("policy", "diff", "first", folder).status == 0
    said = cli("policy", "diff", bundle, opened, "--format", "json").stdout
    assert len(json.loads(said)["changed"]) == 24


def test_an_impact_is_told_in_people_and_customer_numbers(
    cli: Cli, policies: Path, opened: Path, database_url: str
) -> None:
    assert cli("customers", "import", SMITH_FAMILY, AUTHZ_DATABASE_URL=database_url).status == 0
    ask = ["policy", "diff", policies, opened, "--impact"]
    text = cli(*ask, AUTHZ_DATABASE_URL=database_url)
    assert text.status == 1
    assert "\n    24 situations, 2 people on 1 customer number today\n" in text.stdout


def test_an_impact_without_a_database_is_a_sentence_and_makes_none(
    cli: Cli, policies: Path, opened: Path, tmp_path: Path
) -> None:
    ask = ["policy", "diff", policies, opened, "--impact"]
    status, stdout, stderr = cli(*ask)
    assert (status, stdout) == (1, "")
    assert stderr.startswith("AUTHZ_DATABASE_URL: is not set")
    missing = tmp_path / "missing.db"
    status, stdout, stderr = cli(*ask, AUTHZ_DATABASE_URL=f"sqlite:///{missing}")
    assert (status, stdout) == (1, "")
    assert "does not exist yet" in stderr
    assert not missing.exists()


def test_what_is_neither_path_nor_revision_is_a_sentence(cli: Cli, policies: Path) -> None:
    status, stdout, stderr = cli("policy", "diff", "no-such-thing", policies)
    assert (status, stdout) == (1, "")
    assert stderr == "no-such-thing: is no file or folder, and no git revision that has this policies folder\n"


def test_a_broken_policy_is_told_at_its_line_in_its_revision(cli: Cli, policies: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rules" / "policies"
    edits = (("roles/roles.rego", 'is_user if input.role == "user"', 'is_user if input.roll == "user"'),)
    edit(policies, folder, edits)
    who = ["-c", "user.name=Author", "-c", "user.email=author@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "First", "--no-gpg-sign"]):
        subprocess.run(["git", "-C", tmp_path, *who, *arguments], check=True, capture_output=True)
    status, stdout, stderr = cli("policy", "diff", policies, "HEAD", "--policies", folder)
    assert (status, stdout) == (1, "")
    assert re.match(r"HEAD:bundle/authz/roles/roles\.rego:\d+: ", stderr)
