import shutil
from pathlib import Path

import pytest

from authz_service.opa.bundle import build_bundle
from authz_service.opa.signed import SignedPolicies
from authz_service.opa.signing import read_private_key, read_public_key
from authz_service.storage.database import connect, upgrade
from tests.cli.conftest import Cli
from tests.signing import ED25519, KeyPair, key_pair


@pytest.fixture
def key(tmp_path: Path) -> KeyPair:
    return key_pair(tmp_path, "key", ED25519)


@pytest.fixture
def older(opa: Path, policies: Path, tmp_path: Path, key: KeyPair, database_url: str) -> Path:
    """A bundle older than the one that was taken."""
    folder = shutil.copytree(policies, tmp_path / "policies")
    newer, older = tmp_path / "newer.tar.gz", tmp_path / "older.tar.gz"
    build_bundle(opa, folder, older, signing=read_private_key(key.private), sequence=1)
    (folder / "bundle" / "authz" / "more.rego").write_text("package authz.more\n\nmuch := 1\n")
    build_bundle(opa, folder, newer, signing=read_private_key(key.private), sequence=2)
    database = connect(database_url)
    upgrade(database)
    SignedPolicies(read_public_key(key.public), database).take(opa, newer, tmp_path / "taken.tar.gz")
    database.dispose()
    return older


def test_the_older_bundle_is_taken_then_and_doctor_says_so(
    cli: Cli, older: Path, key: KeyPair, database_url: str
) -> None:
    settings = {
        "AUTHZ_DATABASE_URL": database_url,
        "AUTHZ_BUNDLE_VERIFICATION_KEY": key.public,
        "AUTHZ_POLICIES": older,
    }
    said = cli("doctor", **settings).stdout
    assert f"{older}: is another policy than revision " in said
    allowed = cli("policy", "allow-rollback", older, **settings)
    assert (allowed.status, allowed.stderr) == (0, "")
    assert allowed.stdout.endswith("sequence 1, is taken once. Put it in place now.\n")
    said = cli("doctor", **settings).stdout
    assert f"{older} is signed with {key.public} and right, revision " in said


def test_without_a_key_there_is_nothing_to_allow(cli: Cli, older: Path, database_url: str) -> None:
    refused = cli("policy", "allow-rollback", older, AUTHZ_DATABASE_URL=database_url)
    assert refused.status == 1
    assert refused.stderr.startswith("AUTHZ_BUNDLE_VERIFICATION_KEY: is not set; ")


def test_a_folder_is_never_signed(cli: Cli, policies: Path, key: KeyPair, database_url: str) -> None:
    settings = {"AUTHZ_DATABASE_URL": database_url, "AUTHZ_BUNDLE_VERIFICATION_KEY": key.public}
    refused = cli("policy", "allow-rollback", policies, **settings)
    assert refused.status == 1
    assert refused.stderr.startswith(f"{policies}: is a folder, and nobody signs those")
