import shutil
import subprocess
from pathlib import Path

import pytest

from authz_service.errors import Fault, InvalidPolicy
from authz_service.policy.source import policies_from


@pytest.fixture
def repository(policies: Path, tmp_path: Path) -> Path:
    """A repository with a policies folder in it, and an edit that is not committed."""
    shutil.copytree(policies, tmp_path / "rules" / "policies")

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=Author", "-c", "user.email=author@example.org"]
        subprocess.run(["git", "-C", tmp_path, *who, *arguments], check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "First", "--no-gpg-sign")
    folder = tmp_path / "rules" / "policies"
    (folder / "requirements.yaml").write_text("edited: true\n")
    return folder


def test_a_path_is_taken_as_it_is(policies: Path) -> None:
    with policies_from(str(policies), policies) as taken:
        assert taken == policies


def test_a_revision_gives_the_folder_as_it_was(policies: Path, repository: Path) -> None:
    with policies_from("HEAD", repository) as taken:
        assert (taken / "requirements.yaml").read_bytes() == (policies / "requirements.yaml").read_bytes()
        assert (taken / "bundle" / "authz").is_dir()
    assert not taken.exists()


@pytest.mark.parametrize("source", ["no-such-branch", "HEAD~7", "--output=x", "-h", ""])
def test_what_is_neither_path_nor_revision_is_a_sentence(repository: Path, source: str) -> None:
    with (
        pytest.raises(InvalidPolicy, match="is no file or folder, and no git revision"),
        policies_from(source, repository),
    ):
        pass


def test_outside_of_a_repository_there_are_no_revisions(tmp_path: Path) -> None:
    with pytest.raises(InvalidPolicy, match="no git revision"), policies_from("HEAD", tmp_path):
        pass


def test_a_finding_in_a_revision_names_the_revision(policies: Path, repository: Path) -> None:
    def find(*places: str) -> InvalidPolicy:
        with pytest.raises(InvalidPolicy) as found, policies_from("HEAD", repository) as taken:
            raise InvalidPolicy([Fault("is wrong", file=str(taken / place), line=3) for place in places])
        return found.value

    faults = find("bundle/authz/roles.rego", "", str(policies)).faults
    assert [fault.file for fault in faults] == ["HEAD:bundle/authz/roles.rego", "HEAD", str(policies)]
    assert {fault.line for fault in faults} == {3}
