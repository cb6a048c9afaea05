"""A secret that somebody is about to hand over is found."""

import base64
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.conftest import ROOT
from tools.secret_scan import EXAMPLES, Found, scan, tracked_files


def private_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def jwt() -> str:
    parts = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (b'{"alg":"HS256"}', b'{"sub":"a"}'))
    return ".".join([*parts, secrets.token_urlsafe(32)])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One with a file in it that has no secret."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / "right.py").write_text('KEY_FILE = "/run/secrets/key"\nURL = "https://example.org"\n')
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    return tmp_path


def scanned(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tools.secret_scan", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_where_there_is_none_that_is_said(repository: Path) -> None:
    done = scanned(repository)
    assert (done.returncode, done.stdout, done.stderr) == (0, "No secret in 2 files.\n", "")


@pytest.mark.parametrize(
    ("name", "planted", "kind"),
    [
        ("key.pem", private_key(), "Private Key"),
        ("settings.py", f'KEY = "{secrets.token_hex(32)}"', "Hex High Entropy String"),
        ("settings.yaml", f'key: "{secrets.token_urlsafe(48)}"', "Base64 High Entropy String"),
        ("settings.py", f'TOKEN = "{"gh"}p_{secrets.token_hex(18)}"', "GitHub Token"),
        ("compose.yaml", f"AWS: {'AK'}IA{secrets.token_hex(8).upper()}", "AWS Access Key"),
        ("notes.md", f"curl -H 'Authorization: Bearer {jwt()}'", "JSON Web Token"),
        ("notes.md", f"curl -H 'Authorization: Bearer {secrets.token_urlsafe(32)}'", "Bearer Token"),
        ("notes.md", f"authorization: bearer {secrets.token_hex(32)}", "Bearer Token"),
        ("run.sh", f"ask --token {secrets.token_urlsafe(32)}", "Bearer Token"),
        ("run.sh", f"ask --token='{secrets.token_urlsafe(32)}'", "Bearer Token"),
        ("settings.py", f'KEY = "{secrets.token_hex(32)}"  # pragma: allowlist secret', "Hex High Entropy String"),
        ("notes.md", f"Bearer {secrets.token_urlsafe(32)}  <!-- pragma: allowlist secret -->", "Bearer Token"),
        # With a letter: digits alone are taken for no secret.
        ("notes.md", f"postgresql://authz:p{secrets.token_hex(6)}@db.example.org", "Basic Auth Credentials"),
    ],
    # By their kinds, as what is planted is another in each process that runs tests.
    ids=[
        "pem",
        "hex",
        "base64",
        "github",
        "aws",
        "jwt",
        "bearer",
        "lower-case",
        "option",
        "quoted",
        "let-pass",
        "bearer-let-pass",
        "basic",
    ],
)
@pytest.mark.parametrize("is_added", [True, False])
def test_one_that_is_planted_is_found_with_its_file_and_line_and_is_not_shown(
    repository: Path, name: str, planted: str, kind: str, *, is_added: bool
) -> None:
    (repository / name).write_text(f"\n{planted}\n")
    if is_added:
        subprocess.run(["git", "add", name], cwd=repository, check=True)
    done = scanned(repository)
    assert done.returncode == 1
    assert f"{name}:2: looks like a secret ({kind}). " in done.stdout
    assert planted.split('"')[-2 if '"' in planted else 0] not in done.stdout


def test_what_git_leaves_alone_is_left_alone(repository: Path) -> None:
    (repository / "ignored.py").write_text(private_key())
    assert scanned(repository).returncode == 0


def test_an_example_is_let_pass_in_its_file_and_as_its_kind_alone(repository: Path) -> None:
    file = next(file for file, (kind, _) in EXAMPLES.items() if kind == "JSON Web Token")
    (repository / file).parent.mkdir(parents=True)
    (repository / file).write_text(f'"{jwt()}"\n')
    (repository / "other.py").write_text(f'"{jwt()}"\n')
    assert set(scan(repository, tracked_files(repository))) == {Found("other.py", 1, "JSON Web Token")}
    (repository / file).write_text(private_key())
    assert Found(file, 1, "Private Key") in scan(repository, tracked_files(repository))


def test_no_example_is_let_pass_that_is_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {(file, kind) for file, (kind, _) in EXAMPLES.items()}
    files = sorted(EXAMPLES)
    monkeypatch.setattr("tools.secret_scan.EXAMPLES", {})
    assert {(found.file, found.kind) for found in scan(ROOT, files)} == listed


def test_lock_files_figures_and_pictures_alone_are_left_out() -> None:
    kept = set(subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())
    left_out = {name for name in kept - set(tracked_files(ROOT)) if (ROOT / name).is_file()}
    locks = {"requirements.txt", "requirements-dev.txt", "requirements-build.txt", "requirements-go.txt",
             "requirements-uv.txt", "go.sum", "package-lock.json"}  # fmt: skip
    texts = {name for name in left_out if Path(name).suffix not in {".png", ".svg", ".ttf", ".pdf"}}
    assert {name for name in texts if not name.startswith("docs/benchmarks/")} == {
        name for name in texts if Path(name).name in locks
    }
