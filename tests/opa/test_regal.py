"""What becomes of a Regal that does not do its work. The programs are scripts of two lines."""

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from authz_service.errors import ConfigurationError, Fault
from authz_service.opa.regal import lint

Program = Callable[[str], Path]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    def write(does: str) -> Path:
        path = tmp_path / "regal"
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("echo 'failed to load custom rules' >&2; exit 1", "failed to load custom rules"),
        ("""echo '{"errors": ["no such folder"]}' >&2; exit 1""", "no such folder"),
        ("exit 1", "it ended with code 1 and without a word"),
        ("exit 0", "it ended with code 0 and without a word"),
        ("echo '{}'", "it ended with code 0 and without a word"),
        ("echo '[]'", "it ended with code 0 and without a word"),
        ("kill -9 $$", "it ended with code -9 and without a word"),
        ("""echo '{"violations": []}'; exit 7""", "it ended with code 7 and without a word"),
    ],
)
def test_a_regal_that_fails_is_never_taken_for_a_clean_policy(
    program: Program, policies: Path, does: str, said: str
) -> None:
    regal = program(does)
    with pytest.raises(ConfigurationError, match=re.escape(said)) as failure:
        lint(regal, policies)
    assert str(failure.value).startswith(f"{regal} could not lint {policies}: ")


def test_a_regal_that_hangs_is_ended_in_time(program: Program, policies: Path) -> None:
    began = time.monotonic()
    with pytest.raises(ConfigurationError, match=r"did not come to an end within 0\.2 s"):
        lint(program(f"exec {shutil.which('sleep')} 60"), policies, patience_seconds=0.2)
    assert time.monotonic() - began < 10


def test_a_regal_that_is_gone_is_named(tmp_path: Path, policies: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"/regal cannot be run \(No such file or directory\)"):
        lint(tmp_path / "regal", policies)


def test_a_finding_without_a_place_is_told_at_the_bundle(program: Program, policies: Path) -> None:
    violation = '{"category": "idiomatic", "title": "no-defined-entrypoint", "description": "Missing\\n entrypoint"}'
    regal = program(f"""printf '%s' '{{"violations": [{violation}]}}'; exit 3""")
    what = "Missing entrypoint (idiomatic/no-defined-entrypoint)"
    assert lint(regal, policies) == [Fault(what, file=str(policies / "bundle"))]


def test_regal_asks_nobody_for_a_newer_version_and_sees_no_secret(
    program: Program, policies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHZ_SMTP_URL", "smtp://user:secret@mail")
    seen = tmp_path / "seen"
    lint(program(f"""/usr/bin/env > {seen}; echo '{{"violations": []}}'"""), policies)
    assert "REGAL_DISABLE_VERSION_CHECK=1" in seen.read_text()
    assert "secret" not in seen.read_text()


def test_the_configuration_is_gone_afterwards(program: Program, policies: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    lint(program(f"""echo "$3" > {seen}; cp "$3" {tmp_path}/config.yaml; echo '{{"violations": []}}'"""), policies)
    assert not Path(seen.read_text().strip()).exists()
    assert "ROLE-1" in (tmp_path / "config.yaml").read_text()


def test_a_program_is_given_the_folders_after_two_dashes(program: Program, policies: Path, tmp_path: Path) -> None:
    # So that a folder whose name begins with a dash is not taken for an option.
    seen = tmp_path / "seen"
    lint(program(f"""echo "$@" > {seen}; echo '{{"violations": []}}'"""), policies, [Path("-cases")])
    assert seen.read_text().strip().endswith(f" -- {policies / 'bundle'} -cases")
