import shutil
from pathlib import Path

from tests.cli.conftest import Cli


def test_accepting_renews_the_golden_table_and_says_so(cli: Cli, policies: Path, tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    shutil.copytree(policies, folder)
    shipped = (folder / "golden.txt").read_text()
    (folder / "golden.txt").write_text("stale\n")
    status, stdout, stderr = cli("policy", "accept", folder)
    assert (status, stderr) == (0, "")
    assert stdout.endswith("golden.txt: has the answers to 28,248 situations.\n")
    assert (folder / "golden.txt").read_text() == shipped


def test_accepting_what_has_not_changed_says_so(cli: Cli, policies: Path) -> None:
    status, stdout, _ = cli("policy", "accept", policies)
    assert (status, stdout.endswith("golden.txt: says the same already.\n")) == (0, True)


def test_a_folder_that_is_no_policies_folder_is_a_sentence(cli: Cli, tmp_path: Path) -> None:
    status, stdout, stderr = cli("policy", "accept", tmp_path)
    assert (status, stdout) == (1, "")
    assert "must be a JSON schema with `anyOf`" in stderr
