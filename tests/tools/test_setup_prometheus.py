"""Prometheus is built when it is first wanted, and again when its pin changes."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import setup_prometheus
from tools.go_build import GoProgram
from tools.opa_release import NotAvailable
from tools.setup_program import Way, Workshop
from tools.setup_prometheus import NAMES, prometheus_programs
from tools.work import SetupFailed

Get = Callable[[], dict[str, Path]]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The packages that have been built."""
    packages: list[str] = []

    def ways(program: GoProgram, _: Workshop) -> list[Way]:
        def make(target: Path) -> None:
            packages.append(program.package.rpartition("/")[2])
            assert program.tags == "remove_all_sd"
            target.write_text(f"build {len(packages)}")

        return [Way("a test", make)]

    monkeypatch.setattr(setup_prometheus, "go_ways", ways)
    return packages


@pytest.fixture
def get(tmp_path: Path) -> Get:
    module = tmp_path / "tools" / "prometheus"
    module.mkdir(parents=True)
    (module / "go.mod").write_text("module tools/prometheus\n\ngo 1.26.0\n")
    (module / "go.sum").write_text("a b\n")
    return lambda: prometheus_programs(tmp_path, {}, Path(sys.executable))


def test_both_are_built_once(get: Get, built: list[str]) -> None:
    assert get() == get()
    assert built == [*NAMES]
    assert [path.read_text() for path in get().values()] == ["build 1", "build 2"]


@pytest.mark.parametrize("file", ["go.mod", "go.sum"])
def test_both_are_built_again_from_another_pin(get: Get, built: list[str], tmp_path: Path, file: str) -> None:
    get()
    with (tmp_path / "tools" / "prometheus" / file).open("a") as pin:
        pin.write("// another\n")
    get()
    assert built == [*NAMES, *NAMES]


def test_both_are_built_again_where_one_is_gone(get: Get, built: list[str]) -> None:
    get()["promtool"].unlink()
    get()
    assert built == [*NAMES, *NAMES]


def test_one_that_cannot_be_had_is_told_by_its_name(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: Path) -> None:
        raise NotAvailable("there is no Go")

    monkeypatch.setattr(setup_prometheus, "go_ways", lambda *_: [Way("its sources", closed)])
    with pytest.raises(SetupFailed, match=r"prometheus as pinned could not be had[\s\S]*there is no Go"):
        get()
