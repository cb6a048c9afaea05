"""Where the service finds its `opa` and its `regal`, and which it refuses.

The programs are scripts of two lines: what matters is what they say of themselves.
"""

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from authz_service.errors import ConfigurationError
from authz_service.opa.binary import OPA_VERSION, REGAL_VERSION, find_opa, find_regal, project_tool_folder

ROOT = Path(__file__).parents[2]

Program = Callable[..., Path]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    def write(folder: str, version: str = OPA_VERSION, *, does: str | None = None, name: str = "opa") -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{does or f'echo Version: {version}'}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    return tmp_path / "tools"


def on_path(opa: Path) -> dict[str, str]:
    return {"PATH": str(opa.parent)}


def named(opa: Path, path: Path | None = None) -> dict[str, str]:
    return {"AUTHZ_OPA_BIN": str(opa), "PATH": str(path.parent) if path else ""}


def test_the_one_named_comes_before_path(program: Program, tools: Path) -> None:
    opa = program("named")
    assert find_opa(named(opa, program("path")), tools) == opa


def test_path_comes_before_the_tool_folder(program: Program, tools: Path) -> None:
    opa = program("path")
    program("tools")
    assert find_opa(on_path(opa), tools) == opa


def test_the_tool_folder_is_looked_in_last(program: Program, tools: Path) -> None:
    opa = program("tools")
    assert find_opa({"PATH": ""}, tools) == opa


def test_without_a_path_the_tool_folder_is_looked_in(program: Program, tools: Path) -> None:
    opa = program("tools")
    assert find_opa({}, tools) == opa


def test_a_setting_that_is_empty_names_nothing(program: Program, tools: Path) -> None:
    opa = program("tools")
    assert find_opa({"AUTHZ_OPA_BIN": "", "PATH": ""}, tools) == opa


def test_a_wrong_version_that_is_named_is_refused_though_another_would_do(program: Program, tools: Path) -> None:
    opa = program("named", "1.17.0")
    program("tools")
    with pytest.raises(ConfigurationError) as refusal:
        find_opa(named(opa, program("path")), tools)
    assert str(refusal.value) == (
        f"AUTHZ_OPA_BIN: {opa} is OPA 1.17.0; OPA {OPA_VERSION} is wanted. "
        "Name a program of that version, or unset AUTHZ_OPA_BIN to have one looked for."
    )


def test_a_name_that_leads_nowhere_is_refused_though_another_would_do(program: Program, tools: Path) -> None:
    program("tools")
    with pytest.raises(ConfigurationError, match=r"AUTHZ_OPA_BIN: .*/nowhere/opa does not exist"):
        find_opa(named(tools.parent / "nowhere" / "opa"), tools)


def test_another_version_on_path_is_passed_over_for_the_right_one(program: Program, tools: Path) -> None:
    opa = program("tools")
    assert find_opa(on_path(program("path", "1.17.0")), tools) == opa


def test_another_version_on_path_alone_is_refused_by_name(program: Program, tools: Path) -> None:
    opa = program("path", "1.17.0")
    with pytest.raises(ConfigurationError) as refusal:
        find_opa(on_path(opa), tools)
    assert str(refusal.value) == (
        f"OPA {OPA_VERSION} is wanted, but {opa} is OPA 1.17.0 and {tools / 'opa'} does not exist. "
        "Run: make setup (or name a program of that version in AUTHZ_OPA_BIN)."
    )


def test_an_installed_service_is_not_told_to_run_make(program: Program) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        find_opa({"PATH": ""}, None)
    assert str(refusal.value) == (
        f"OPA {OPA_VERSION} is wanted, but PATH has none. Put that version on PATH, or name it in AUTHZ_OPA_BIN."
    )


def test_both_places_are_named_when_both_have_nothing(tools: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"but PATH has none and .*/opa does not exist\. Run: make setup"):
        find_opa({"PATH": ""}, tools)


@pytest.mark.parametrize(
    ("does", "fault"),
    [
        ("echo 'opam 2.1'", "is not OPA"),
        ("echo 'Version: '", "is not OPA"),
        ("exit 0", "is not OPA"),
        (f"echo 'Version: {OPA_VERSION}'; exit 1", "is not OPA"),
        (f"echo 'Version: {OPA_VERSION}' >&2", "is not OPA"),
        (f"echo 'Version: {OPA_VERSION}-dev'", f"is OPA {OPA_VERSION}-dev;"),
        (f"echo 'Rego Version: {OPA_VERSION}'", "is not OPA"),
    ],
)
def test_what_does_not_say_the_version_wanted_is_refused(program: Program, does: str, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(fault)):
        find_opa(named(program("named", does=does)), None)


def test_a_program_that_hangs_is_refused_in_time(program: Program) -> None:
    opa = program("named", does=f"exec {shutil.which('sleep')} 60")
    began = time.monotonic()
    with pytest.raises(ConfigurationError, match=r"did not say its version within 0\.2 s"):
        find_opa(named(opa), None, patience_seconds=0.2)
    assert time.monotonic() - began < 10


def test_a_file_that_may_not_be_executed_is_refused(program: Program) -> None:
    opa = program("named")
    opa.chmod(0o644)
    with pytest.raises(ConfigurationError, match="may not be executed"):
        find_opa(named(opa), None)


def test_a_file_that_is_no_program_is_refused(program: Program) -> None:
    opa = program("named")
    opa.write_bytes(b"\x7fELF and then nothing")
    with pytest.raises(ConfigurationError, match=r"cannot be run \(Exec format error\)"):
        find_opa(named(opa), None)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a file"):
        find_opa({"AUTHZ_OPA_BIN": str(tmp_path)}, None)


def test_the_program_is_asked_without_the_secrets_of_the_service(program: Program, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    opa = program("named", does=f"/usr/bin/env > {seen}; echo 'Version: {OPA_VERSION}'")
    find_opa(named(opa) | {"AUTHZ_SMTP_URL": "smtp://user:secret@mail", "HOME": "/home/someone"}, None)
    assert "HOME=/home/someone" in seen.read_text()
    assert "secret" not in seen.read_text()


def test_a_path_is_absolute_wherever_the_service_moves_to(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    opa = program("named")
    monkeypatch.chdir(opa.parent)
    assert find_opa({"AUTHZ_OPA_BIN": "opa"}, None) == opa
    assert find_opa({"PATH": "."}, None) == opa


def test_regal_is_looked_for_on_path_and_then_in_the_tool_folder(program: Program, tools: Path) -> None:
    installed = program("tools", REGAL_VERSION, name="regal")
    on_path = program("path", REGAL_VERSION, name="regal")
    assert find_regal({"PATH": ""}, tools) == installed
    assert find_regal({"PATH": str(on_path.parent)}, tools) == on_path


def test_another_regal_is_refused_with_the_one_that_is_wanted(program: Program, tools: Path) -> None:
    regal = program("path", "0.30.0", name="regal")
    with pytest.raises(ConfigurationError) as refusal:
        find_regal({"PATH": str(regal.parent)}, tools)
    assert str(refusal.value) == (
        f"Regal {REGAL_VERSION} is wanted, but {regal} is Regal 0.30.0 and {tools / 'regal'} does not exist. "
        "Run: make setup."
    )


def test_an_installed_service_is_told_to_put_regal_on_path() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        find_regal({"PATH": ""}, None)
    assert str(refusal.value) == (f"Regal {REGAL_VERSION} is wanted, but PATH has none. Put that version on PATH.")


def test_the_checkout_has_its_own_tool_folder() -> None:
    assert project_tool_folder() == ROOT / ".tools" / "bin"


def test_the_version_wanted_is_the_one_that_is_built() -> None:
    module = (ROOT / "tools" / "opa" / "go.mod").read_text()
    assert f"\tgithub.com/open-policy-agent/opa v{OPA_VERSION} " in module
