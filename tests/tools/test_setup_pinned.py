"""Programs that only some checks want: built when they are first wanted, and again when their pins change."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools import setup_pinned
from tools.go_build import GoProgram
from tools.opa_release import NotAvailable
from tools.setup_pinned import DEPLOY, MONITORING, Pinned, pinned_programs
from tools.setup_program import Way, Workshop
from tools.work import SetupFailed

Get = Callable[[], dict[str, Path]]
Built = list[tuple[str, str]]


def built_of(wanted: Sequence[Pinned]) -> Built:
    return [(pinned.package, pinned.tags) for pinned in wanted]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Built:
    """The packages that have been built, with their tags, each to a program that says which build it is of."""
    packages: Built = []

    def ways(program: GoProgram, _: Workshop) -> list[Way]:
        def make(target: Path) -> None:
            packages.append((program.package, program.tags))
            target.write_text(f"build {packages.count(packages[-1])} of {program.package}")

        return [Way("a test", make)]

    monkeypatch.setattr(setup_pinned, "go_ways", ways)
    return packages


@pytest.fixture(params=[DEPLOY, MONITORING], ids=["deploy", "monitoring"])
def wanted(request: pytest.FixtureRequest) -> Sequence[Pinned]:
    programs: Sequence[Pinned] = request.param
    return programs


@pytest.fixture
def get(tmp_path: Path, wanted: Sequence[Pinned]) -> Get:
    for pinned in wanted:
        module = tmp_path / "tools" / pinned.module
        module.mkdir(parents=True, exist_ok=True)
        (module / "go.mod").write_text(f"module tools/{pinned.module}\n\ngo 1.26.0\n")
        (module / "go.sum").write_text("a b\n")
    return lambda: pinned_programs(wanted, tmp_path, {}, Path(sys.executable))


def test_each_is_built_once(get: Get, built: Built, wanted: Sequence[Pinned]) -> None:
    assert get() == get()
    assert built == built_of(wanted)
    assert [path.read_text() for path in get().values()] == [f"build 1 of {pinned.package}" for pinned in wanted]


@pytest.mark.parametrize("file", ["go.mod", "go.sum"])
def test_what_another_pin_is_of_is_built_again_and_nothing_else_is(
    get: Get, built: Built, wanted: Sequence[Pinned], tmp_path: Path, file: str
) -> None:
    get()
    with (tmp_path / "tools" / wanted[0].module / file).open("a") as pin:
        pin.write("// another\n")
    assert get()[wanted[0].name].read_text() == f"build 2 of {wanted[0].package}"
    of_that_module = [pinned for pinned in wanted if pinned.module == wanted[0].module]
    assert built == built_of([*wanted, *of_that_module])


def test_one_is_built_again_where_it_is_gone(get: Get, built: Built, wanted: Sequence[Pinned]) -> None:
    get()[wanted[-1].name].unlink()
    get()
    assert built == built_of([*wanted, wanted[-1]])


def test_one_that_cannot_be_had_is_told_by_its_name(
    get: Get, wanted: Sequence[Pinned], monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(_: Path) -> None:
        raise NotAvailable("there is no Go")

    monkeypatch.setattr(setup_pinned, "go_ways", lambda *_: [Way("its sources", closed)])
    with pytest.raises(SetupFailed, match=rf"{wanted[0].title} as pinned could not be had[\s\S]*there is no Go"):
        get()


def test_each_has_a_module_that_pins_it() -> None:
    for pinned in (*DEPLOY, *MONITORING):
        assert {"go.mod", "go.sum"} <= {path.name for path in (ROOT / "tools" / pinned.module).iterdir()}
