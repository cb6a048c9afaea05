import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from authz_service.opa.bundle import build_bundle
from authz_service.opa.signing import read_private_key
from tests.cli.conftest import Cli
from tests.signing import ED25519, P_256, KeyPair, files_of, key_pair

Change = Callable[[dict[str, bytes]], object]


class Made(NamedTuple):
    """Bundles of the shipped policy, and the keys of who signs and of somebody else."""

    plain: Path
    by_ed25519: Path
    by_p_256: Path
    ed25519: KeyPair
    p_256: KeyPair
    other: KeyPair
    revision: str


@pytest.fixture(scope="module")
def made(opa: Path, policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("bundles")
    ed25519, p_256 = key_pair(folder, "ed", ED25519), key_pair(folder, "ec", P_256)
    plain, by_ed25519, by_p_256 = (folder / f"{name}.tar.gz" for name in ("plain", "ed", "ec"))
    revision = build_bundle(opa, policies, plain)
    build_bundle(opa, plain, by_ed25519, signing=read_private_key(ed25519.private))
    build_bundle(opa, plain, by_p_256, signing=read_private_key(p_256.private))
    return Made(plain, by_ed25519, by_p_256, ed25519, p_256, key_pair(folder, "other", ED25519), revision)


def changed(bundle: Path, target: Path, change: Change) -> Path:
    """A bundle with other files in it."""
    files = files_of(bundle)
    change(files)
    with tarfile.open(target, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target


def refused(cli: Cli, *arguments: object) -> list[str]:
    status, stdout, stderr = cli("policy", "verify", *arguments)
    assert (status, stdout) == (1, "")
    return stderr.splitlines()


def test_a_bundle_that_is_signed_with_the_key_says_what_it_is(cli: Cli, made: Made) -> None:
    status, stdout, stderr = cli("policy", "verify", made.by_ed25519, "--key", made.ed25519.public)
    assert (status, stderr) == (0, "")
    signed, *said = stdout.splitlines()
    assert signed == f"✓ signed  by the private key that {made.ed25519.public} belongs to"
    told = dict(line.split(maxsplit=1) for line in said)
    assert told["revision"] == made.revision
    assert told["roots"] == "authz, authz_service"
    assert told.keys() >= {"authz_service", "opa", "requirements_sha256", "input_schema_sha256"}


def test_es256_is_verified_too(cli: Cli, made: Made) -> None:
    assert cli("policy", "verify", made.by_p_256, "--key", made.p_256.public).status == 0


def test_another_key_is_refused(cli: Cli, made: Made) -> None:
    bundle, other = made.by_ed25519, made.other.public
    assert refused(cli, bundle, "--key", other) == [
        f"{bundle}: is not signed by the private key that {other} belongs to"
    ]


def test_a_key_for_another_algorithm_is_refused_with_both(cli: Cli, made: Made) -> None:
    bundle, key = made.by_p_256, made.ed25519.public
    assert refused(cli, bundle, "--key", key) == [f"{bundle}: is signed with ES256, and {key} verifies EdDSA"]


def test_an_unsigned_bundle_is_refused_when_a_key_is_given(cli: Cli, made: Made) -> None:
    [told] = refused(cli, made.plain, "--key", made.ed25519.public)
    assert told.startswith(f"{made.plain}: is not signed; ")


def test_a_signed_bundle_without_a_key_is_refused(cli: Cli, made: Made, policies: Path) -> None:
    without_a_key: list[list[object]] = [[], ["--policies", policies]]
    for options in without_a_key:
        [told] = refused(cli, made.by_ed25519, *options)
        assert told.startswith(f"{made.by_ed25519}: is signed, and only the public key tells by whom")


def test_an_unsigned_bundle_that_is_compared_with_nothing_is_refused(cli: Cli, made: Made) -> None:
    [told] = refused(cli, made.plain)
    assert told.startswith(f"{made.plain}: is not signed, so nothing vouches for it; ")


ROLES = "/authz/roles/roles.rego"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: files.update({ROLES: files[ROLES] + b"\n"}), "authz/roles/roles.rego: digest mismatch"),
        (lambda files: files.pop(ROLES), "[authz/roles/roles.rego] specified in bundle signatures but not found"),
        (lambda files: files.update({"/authz/more.rego": b"package authz.more"}), "authz/more.rego not included"),
        (
            lambda files: files.update({"/.manifest": files["/.manifest"].replace(b"opa", b"OPA")}),
            ".manifest: digest mismatch",
        ),
        (
            lambda files: files.update({"/data.json": files["/data.json"].replace(b"revision", b"vision")}),
            "data.json: digest mismatch",
        ),
    ],
)
def test_a_bundle_that_was_changed_after_it_was_signed_is_refused_with_what_was_changed(
    cli: Cli, made: Made, tmp_path: Path, change: Change, said: str
) -> None:
    bundle = changed(made.by_ed25519, tmp_path / "changed.tar.gz", change)
    [told] = refused(cli, bundle, "--key", made.ed25519.public)
    assert told.startswith(f"{bundle}: is not what was signed: ")
    assert said in told


@pytest.mark.parametrize(
    ("signatures", "said"),
    [
        (b'{"signatures": []}', "is signed with nothing that can be read"),
        (b"{", "is signed with nothing that can be read"),
        (b'{"signatures": ["eyJhbGciOiJub25lIn0.e30."]}', "is signed with none, and "),
        (b'{"signatures": ["eyJhbGciOiJFZERTQSJ9.e30.AAAA"]}', "is not signed by the private key that "),
    ],
)
def test_a_signature_that_is_none_is_refused(
    cli: Cli, made: Made, tmp_path: Path, signatures: bytes, said: str
) -> None:
    bundle = changed(
        made.by_ed25519, tmp_path / "changed.tar.gz", lambda files: files.update({"/.signatures.json": signatures})
    )
    [told] = refused(cli, bundle, "--key", made.ed25519.public)
    assert told.startswith(f"{bundle}: {said}")


def test_what_is_no_bundle_is_a_sentence(cli: Cli, made: Made, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear reader")
    assert refused(cli, file, "--key", made.ed25519.public) == [
        f"{file}: is no bundle made by `authz-service policy build`"
    ]


def test_a_signed_bundle_that_is_not_of_this_service_is_refused(
    cli: Cli, opa: Path, made: Made, tmp_path: Path
) -> None:
    source, bundle = tmp_path / "foreign", tmp_path / "foreign.tar.gz"
    source.mkdir()
    (source / "rules.rego").write_text("package authz.rules\n\nallow := true\n")
    signing: list[str | Path] = ["--signing-key", made.ed25519.private, "--signing-alg", "EdDSA"]
    subprocess.run([opa, "build", "--bundle", ".", "--output", bundle, *signing], cwd=source, check=True)
    [told] = refused(cli, bundle, "--key", made.ed25519.public)
    assert told.startswith(f"{bundle}: ")
    assert "has other roots than authz and authz_service" in told


def test_a_private_key_is_not_taken_for_verifying(cli: Cli, made: Made) -> None:
    key = made.ed25519.private
    [told] = refused(cli, made.by_ed25519, "--key", key)
    assert told.startswith(f"{key}: must be a public key in PEM")


@pytest.mark.parametrize("is_signed", [True, False])
def test_a_bundle_is_compared_with_its_folder(cli: Cli, made: Made, policies: Path, is_signed: bool) -> None:  # noqa: FBT001 - one of the cases
    given: list[object] = [made.by_ed25519, "--key", made.ed25519.public] if is_signed else [made.plain]
    status, stdout, _ = cli("policy", "verify", *given, "--policies", policies)
    assert status == 0
    first, second = stdout.splitlines()[:2]
    assert first.startswith("✓ signed") if is_signed else first == "- not signed"
    assert second == f"✓ policy  that of {policies}"


def test_a_bundle_of_another_policy_is_refused_with_everything_that_is_wrong(
    cli: Cli, made: Made, policies: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(policies, tmp_path / "policies"))
    with (folder / "bundle" / "authz" / "roles" / "roles.rego").open("a") as rules:
        rules.write("\n")
    wrong_key, other_policy = refused(cli, made.by_ed25519, "--key", made.other.public, "--policies", folder)
    assert "is not signed by the private key" in wrong_key
    assert other_policy.startswith(f"{made.by_ed25519}: is not the policy of {folder}: that has revision ")
    assert made.revision in other_policy


def test_a_bundle_that_only_names_the_revision_of_the_folder_is_refused(
    cli: Cli, made: Made, policies: Path, tmp_path: Path
) -> None:
    bundle = changed(made.plain, tmp_path / "forged.tar.gz", lambda files: files.update({ROLES: files[ROLES] + b"\n"}))
    assert refused(cli, bundle, "--policies", policies) == [
        f"{bundle}: has the revision of {policies} and another content: authz/roles/roles.rego"
    ]


def test_a_bundle_whose_facts_are_told_otherwise_is_refused_with_their_file(
    cli: Cli, made: Made, policies: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(policies, tmp_path / "policies"))
    (folder / "requirements.yaml").write_text((folder / "requirements.yaml").read_text() + "# more\n")
    verified = cli("policy", "verify", made.plain, "--policies", folder)
    assert verified.status == 1
    assert f"has the revision of {folder} and another content: requirements.yaml" in verified.stderr


def test_a_bundle_of_another_version_of_the_service_says_so(
    cli: Cli, made: Made, policies: Path, tmp_path: Path
) -> None:
    def older(files: dict[str, bytes]) -> None:
        manifest = files["/.manifest"].replace(made.revision.encode(), b"0123456789abcdef")
        files["/.manifest"] = manifest.replace(b'"authz_service":"', b'"authz_service":"0.0.')

    bundle = changed(made.plain, tmp_path / "older.tar.gz", older)
    [told] = refused(cli, bundle, "--policies", policies)
    assert "; it was made by authz-service 0.0." in told
