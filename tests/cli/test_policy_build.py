import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from authz_service import __version__
from tests.bundles import metadata_of, rewritten
from tests.cli.conftest import Cli
from tests.signing import ED25519, P_256, P_384, RSA, files_of, key_pair, private_key


def build(cli: Cli, source: Path, output: Path, *options: object, **environ: object) -> str:
    status, stdout, stderr = cli("policy", "build", source, "--output", output, *options, **environ)
    assert (status, stderr) == (0, "")
    return stdout.strip()


def test_the_same_folder_makes_the_same_bundle_to_the_byte(cli: Cli, policies: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.tar.gz", tmp_path / "second.tar.gz"
    build(cli, policies, first)
    build(cli, policies, second)
    assert first.read_bytes() == second.read_bytes()


def test_the_same_commit_makes_the_same_bundle_elsewhere_and_at_another_time(
    cli: Cli, policies: Path, tmp_path: Path
) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "a" / "clone"
    shutil.copytree(policies, here / "policies")
    who = ["-c", "user.name=Tests", "-c", "user.email=tests@example.org"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "Begin"], ["clone", "-q", ".", elsewhere]):
        subprocess.run(["git", *words], cwd=here, check=True)
    for file in elsewhere.rglob("*"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    first, second = tmp_path / "first.tar.gz", tmp_path / "second.tar.gz"
    build(cli, here / "policies", first)
    build(cli, elsewhere / "policies", second)
    assert first.read_bytes() == second.read_bytes()
    assert {"history", "sequence"} <= metadata_of(first).keys()


def test_a_bundle_says_what_it_was_made_of_and_by(cli: Cli, policies: Path, tmp_path: Path) -> None:
    revision = build(cli, policies, tmp_path / "bundle.tar.gz")
    manifest = json.loads(files_of(tmp_path / "bundle.tar.gz")["/.manifest"])
    assert manifest["revision"] == revision
    assert sorted(manifest["roots"]) == ["authz", "authz_service"]
    sources, history = manifest["metadata"].pop("sources"), manifest["metadata"].pop("history")
    committed_at = subprocess.check_output(["git", "log", "-1", "--format=%ct"], cwd=policies, text=True)
    assert manifest["metadata"].pop("sequence") == int(committed_at)
    assert sources["requirements.yaml"] == (policies / "requirements.yaml").read_text()
    assert "bundle/authz/permissions/grants.rego" in history["lines"]
    assert manifest["metadata"] == {
        "authz_service": __version__,
        "opa": "1.22.2",
        "requirements_sha256": hashlib.sha256((policies / "requirements.yaml").read_bytes()).hexdigest(),
        "input_schema_sha256": hashlib.sha256((policies / "schemas" / "input.json").read_bytes()).hexdigest(),
    }


def test_its_history_makes_no_other_revision_and_is_signed_with_it(cli: Cli, policies: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(policies, tmp_path / "policies")
    key = key_pair(tmp_path, "ed", ED25519)
    first, second = tmp_path / "first.tar.gz", tmp_path / "second.tar.gz"
    revision = build(cli, policies, first, "--signing-key", key.private)
    assert build(cli, copy, second) == revision
    assert "history" not in metadata_of(second)
    assert cli("policy", "verify", first, "--key", key.public, "--policies", copy).status == 0
    rewritten(first, tmp_path / "forged.tar.gz", {**metadata_of(first), "history": {}})
    forged = cli("policy", "verify", tmp_path / "forged.tar.gz", "--key", key.public)
    assert forged.status == 1
    assert "is not what was signed" in forged.stderr


def test_its_sequence_can_be_given_and_makes_no_other_revision(cli: Cli, policies: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(policies, tmp_path / "policies")
    key = key_pair(tmp_path, "ed", ED25519)
    first, second, without = (tmp_path / f"{name}.tar.gz" for name in ("first", "second", "without"))
    options = ["--signing-key", key.private, "--sequence"]
    revision = build(cli, copy, first, *options, 41)
    assert build(cli, copy, second, *options, 42) == revision
    assert build(cli, copy, without) == revision
    assert (metadata_of(first)["sequence"], metadata_of(second)["sequence"]) == (41, 42)
    assert "sequence" not in metadata_of(without)
    assert "  sequence " in cli("policy", "verify", first, "--key", key.public).stdout


def test_a_bundle_that_is_signed_later_keeps_its_sequence(cli: Cli, policies: Path, tmp_path: Path) -> None:
    key = key_pair(tmp_path, "ed", ED25519)
    plain, later = tmp_path / "plain.tar.gz", tmp_path / "later.tar.gz"
    build(cli, policies, plain, "--sequence", 41)
    build(cli, plain, later, "--signing-key", key.private)
    assert metadata_of(later)["sequence"] == 41
    refused = cli("policy", "build", plain, "-o", later, "--signing-key", key.private, "--sequence", 42)
    assert refused.status == 2
    assert "--sequence is for a folder" in refused.stderr


def test_eddsa_signs_the_same_bundle_to_the_byte(cli: Cli, policies: Path, tmp_path: Path) -> None:
    key = key_pair(tmp_path, "ed", ED25519)
    first, second = tmp_path / "first.tar.gz", tmp_path / "second.tar.gz"
    build(cli, policies, first, "--signing-key", key.private)
    build(cli, policies, second, "--signing-key", key.private)
    assert "/.signatures.json" in files_of(first)
    assert first.read_bytes() == second.read_bytes()


def test_es256_signs_otherwise_each_time_and_nothing_else_differs(cli: Cli, policies: Path, tmp_path: Path) -> None:
    key = key_pair(tmp_path, "ec", P_256)
    first, second = tmp_path / "first.tar.gz", tmp_path / "second.tar.gz"
    build(cli, policies, first, "--signing-key", key.private)
    build(cli, policies, second, "--signing-key", key.private)
    one, other = files_of(first), files_of(second)
    assert one.keys() == other.keys()
    assert {name for name in one if one[name] != other[name]} == {"/.signatures.json"}


def test_the_key_may_be_named_in_the_environment(cli: Cli, policies: Path, tmp_path: Path) -> None:
    key = key_pair(tmp_path, "ed", ED25519)
    by_option, by_environment = tmp_path / "option.tar.gz", tmp_path / "environment.tar.gz"
    build(cli, policies, by_option, "--signing-key", key.private)
    build(cli, policies, by_environment, AUTHZ_BUNDLE_SIGNING_KEY=key.private)
    assert by_option.read_bytes() == by_environment.read_bytes()


def test_a_bundle_that_is_signed_later_is_the_one_that_is_signed_at_once(
    cli: Cli, policies: Path, tmp_path: Path
) -> None:
    key = key_pair(tmp_path, "ed", ED25519)
    plain, at_once, later = (tmp_path / f"{name}.tar.gz" for name in ("plain", "at_once", "later"))
    build(cli, policies, plain)
    revision = build(cli, policies, at_once, "--signing-key", key.private)
    assert build(cli, plain, later, "--signing-key", key.private) == revision
    assert later.read_bytes() == at_once.read_bytes()


def test_a_signed_bundle_is_not_signed_over(cli: Cli, policies: Path, tmp_path: Path) -> None:
    key = key_pair(tmp_path, "ed", ED25519)
    signed = tmp_path / "signed.tar.gz"
    build(cli, policies, signed, "--signing-key", key.private)
    again = tmp_path / "again.tar.gz"
    status, stdout, stderr = cli("policy", "build", signed, "-o", again, "--signing-key", key.private)
    assert (status, stdout) == (1, "")
    assert stderr.startswith(f"{signed}: is signed already")
    assert not again.exists()


def refused_key(cli: Cli, policies: Path, tmp_path: Path, key: Path) -> None:
    status, stdout, stderr = cli("policy", "build", policies, "-o", tmp_path / "b.tar.gz", "--signing-key", key)
    assert (status, stdout) == (1, "")
    assert stderr.startswith(f"{key}: must be a private key in PEM without a password, EC on P-256 or Ed25519")
    assert "hunter2" not in stderr
    assert not (tmp_path / "b.tar.gz").exists()


@pytest.mark.parametrize("algorithm", [RSA, P_384, [*ED25519, "-aes256", "-pass", "pass:hunter2"]])
def test_a_key_of_another_kind_or_with_a_password_is_refused(
    cli: Cli, policies: Path, tmp_path: Path, algorithm: list[str]
) -> None:
    refused_key(cli, policies, tmp_path, private_key(tmp_path, "key", algorithm))


def test_a_file_that_is_no_private_key_is_refused_and_not_shown(cli: Cli, policies: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("secret: hunter2")
    refused_key(cli, policies, tmp_path, tmp_path / "notes.txt")
    refused_key(cli, policies, tmp_path, key_pair(tmp_path, "key", ED25519).public)


def test_a_key_that_is_not_there_is_told_with_where_it_was_named(cli: Cli, policies: Path, tmp_path: Path) -> None:
    built = cli("policy", "build", policies, "-o", tmp_path / "b.tar.gz", AUTHZ_BUNDLE_SIGNING_KEY=tmp_path / "no.pem")
    assert (built.status, built.stdout) == (2, "")
    assert "(env var: 'AUTHZ_BUNDLE_SIGNING_KEY')" in built.stderr
