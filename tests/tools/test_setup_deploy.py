"""The programs that check `deploy/`: built when they are first wanted, and again when their pins change."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools import setup_deploy
from tools.go_build import GoProgram
from tools.opa_release import NotAvailable
from tools.setup_deploy import PROGRAMS, deploy_programs
from tools.setup_program import Way, Workshop
from tools.work import SetupFailed

Get = Callable[[], Path]
PACKAGES = [pinned.package for pinned in PROGRAMS]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The packages that have been built, each to a program that says which build it is of."""
    packages: list[str] = []

    def ways(program: GoProgram, _: Workshop) -> list[Way]:
        def make(target: Path) -> None:
            packages.append(program.package)
            target.write_text(f"build {packages.count(program.package)} of {program.package}")

        return [Way("a test", make)]

    monkeypatch.setattr(setup_deploy, "go_ways", ways)
    return packages


@pytest.fixture
def get(tmp_path: Path) -> Get:
    for pinned in PROGRAMS:
        module = tmp_path / "tools" / pinned.name
        module.mkdir(parents=True)
        (module / "go.mod").write_text(f"module tools/{pinned.name}\n\ngo 1.26.0\n")
        (module / "go.sum").write_text("a b\n")
    return lambda: deploy_programs(tmp_path, {}, Path(sys.executable))["kustomize"]


def test_each_is_built_once(get: Get, built: list[str]) -> None:
    assert get() == get()
    assert built == PACKAGES
    assert get().read_text() == f"build 1 of {PACKAGES[0]}"


@pytest.mark.parametrize("file", ["go.mod", "go.sum"])
def test_one_is_built_again_from_another_pin_and_no_other_is(
    get: Get, built: list[str], tmp_path: Path, file: str
) -> None:
    get()
    with (tmp_path / "tools/kustomize" / file).open("a") as pin:
        pin.write("// another\n")
    assert get().read_text() == f"build 2 of {PACKAGES[0]}"
    assert built == [*PACKAGES, PACKAGES[0]]


def test_one_is_built_again_where_it_is_gone(get: Get, built: list[str]) -> None:
    get().unlink()
    get()
    assert built == [*PACKAGES, PACKAGES[0]]


def test_one_that_cannot_be_had_is_told_by_its_name(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: Path) -> None:
        raise NotAvailable("there is no Go")

    monkeypatch.setattr(setup_deploy, "go_ways", lambda *_: [Way("its sources", closed)])
    with pytest.raises(SetupFailed, match=r"Kustomize as pinned could not be had[\s\S]*there is no Go"):
        get()


def test_each_has_a_module_that_pins_it() -> None:
    for pinned in PROGRAMS:
        assert {"go.mod", "go.sum"} <= {path.name for path in (ROOT / "tools" / pinned.name).iterdir()}
