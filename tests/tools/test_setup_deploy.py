"""The programs that check `deploy/`: built when they are first wanted, and again when their pins change."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools import setup_deploy
from tools.go_build import GoProgram
from tools.opa_release import NotAvailable
from tools.setup_deploy import PROGRAMS, deploy_program
from tools.setup_program import Way, Workshop
from tools.work import SetupFailed

Get = Callable[[], Path]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The packages that have been built, each to a program that says which build it is of."""
    packages: list[str] = []

    def ways(program: GoProgram, _: Workshop) -> list[Way]:
        def make(target: Path) -> None:
            packages.append(program.package)
            target.write_text(f"build {len(packages)}")

        return [Way("a test", make)]

    monkeypatch.setattr(setup_deploy, "go_ways", ways)
    return packages


@pytest.fixture
def get(tmp_path: Path) -> Get:
    module = tmp_path / "tools" / "kustomize"
    module.mkdir(parents=True)
    (module / "go.mod").write_text("module tools/kustomize\n\ngo 1.26.0\n")
    (module / "go.sum").write_text("a b\n")
    return lambda: deploy_program("kustomize", tmp_path, {}, Path(sys.executable))


def test_it_is_built_once(get: Get, built: list[str]) -> None:
    assert get() == get()
    assert built == ["sigs.k8s.io/kustomize/kustomize/v5"]
    assert get().read_text() == "build 1"


@pytest.mark.parametrize("file", ["go.mod", "go.sum"])
def test_it_is_built_again_from_another_pin(get: Get, built: list[str], tmp_path: Path, file: str) -> None:
    get()
    with (tmp_path / "tools/kustomize" / file).open("a") as pin:
        pin.write("// another\n")
    assert get().read_text() == "build 2"


def test_it_is_built_again_where_it_is_gone(get: Get, built: list[str]) -> None:
    get().unlink()
    assert get().read_text() == "build 2"


def test_one_that_cannot_be_had_is_told_by_its_name(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: Path) -> None:
        raise NotAvailable("there is no Go")

    monkeypatch.setattr(setup_deploy, "go_ways", lambda *_: [Way("its sources", closed)])
    with pytest.raises(SetupFailed, match=r"Kustomize as pinned could not be had[\s\S]*there is no Go"):
        get()


def test_each_has_a_module_that_pins_it() -> None:
    for name in PROGRAMS:
        assert {"go.mod", "go.sum"} <= {path.name for path in (ROOT / "tools" / name).iterdir()}
