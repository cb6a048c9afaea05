"""Which Go builds a program, and that what it builds does not depend on who asks."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tools import go_build, setup_opa, setup_regal
from tools.go_build import GoProgram, build, build_environment, go_on_path
from tools.opa_release import NotAvailable
from tools.work import SetupFailed


def path_with_go(folder: Path, version: str) -> dict[str, str]:
    go = folder / "go"
    go.write_text(f'#!/bin/sh\necho "{version}"\n')
    go.chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize("version", ["go1.26", "go1.26.8", "go1.27rc1", "go2.0", "devel go1.28-abc123"])
def test_a_go_that_is_new_enough_is_used(tmp_path: Path, version: str) -> None:
    assert go_on_path(path_with_go(tmp_path, version), (1, 26)) == tmp_path / "go"


@pytest.mark.parametrize("version", ["go1.19.8", "go1.25.9", ""])
def test_a_go_that_is_older_or_unknown_is_passed_over(tmp_path: Path, version: str) -> None:
    with pytest.raises(NotAvailable, match=r"1\.26 or newer is wanted"):
        go_on_path(path_with_go(tmp_path, version), (1, 26))


def test_a_go_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    path = path_with_go(tmp_path, "go1.26")
    (tmp_path / "go").write_bytes(b"\x7fELF and then nothing")
    with pytest.raises(NotAvailable, match="of an unknown version"):
        go_on_path(path, (1, 26))


def test_a_machine_without_go_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match="PATH has no go"):
        go_on_path({"PATH": str(tmp_path)}, (1, 26))


@pytest.mark.parametrize("program", [setup_opa.PROGRAM, setup_regal.PROGRAM], ids=["opa", "regal"])
def test_the_go_that_is_wanted_is_stated_in_the_module(program: GoProgram) -> None:
    assert program.wanted_go() >= (1, 26)
    assert program.package in (program.module / "go.sum").read_text()


def test_a_stamp_is_set_by_the_linker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands = []

    def follow(command: Sequence[str | Path], *_: object, **__: object) -> list[str]:
        commands.append(command)
        return []

    monkeypatch.setattr(go_build, "follow", follow)
    program = GoProgram("Regal", "regal", tmp_path, {"regal/version.Version": "0.42.0"})
    build(program, Path("go"), tmp_path / "regal", {})
    assert "-s -w -X regal/version.Version=0.42.0" in commands[-1]


def test_a_module_that_names_no_go_is_refused(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module tools/opa\n")
    with pytest.raises(SetupFailed, match="has no line"):
        GoProgram("OPA", "opa", tmp_path).wanted_go()


def test_settings_that_would_change_the_program_are_dropped() -> None:
    environ = {"GOFLAGS": "-tags=other", "GOOS": "plan9", "GOWORK": "/elsewhere/go.work", "CGO_CFLAGS": "-O0"}
    built_with = build_environment(environ, None)
    assert built_with == {
        "GOFLAGS": "-mod=readonly",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }


def test_settings_about_whom_to_trust_and_how_to_reach_them_are_kept() -> None:
    environ = {
        "GOPROXY": "off",
        "GOSUMDB": "off",
        "GOPRIVATE": "*",
        "HTTPS_PROXY": "proxy",
        "HOME": "/home/a",
    }
    assert environ.items() <= build_environment(environ, None).items()


def test_a_toolchain_of_its_own_leaves_the_users_caches_alone(tmp_path: Path) -> None:
    environ = {"GOMODCACHE": "/home/a/modules", "GOCACHE": "/home/a/cache", "GOPATH": "/home/a/go"}
    built_with = build_environment(environ, tmp_path)
    for name in environ:
        assert Path(built_with[name]).parent == tmp_path


def test_modules_of_its_own_can_be_removed_by_whoever_put_them_there(tmp_path: Path) -> None:
    # Go makes its module cache read-only, which only root can remove.
    assert "-modcacherw" in build_environment({}, tmp_path)["GOFLAGS"]
