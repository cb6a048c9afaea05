"""What `make setup` does about a program: nothing twice, nothing by halves, and every way in its turn."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from authz_service.opa.binary import OPA, OPA_VERSION, REGAL, REGAL_VERSION, Program
from tools import setup_program
from tools.go_build import GoProgram
from tools.opa_release import NotAvailable, WrongDigest
from tools.setup_program import Recipe, Way, Workshop, first_open, go_ways, set_up
from tools.work import SetupFailed

Make = Callable[[Path], None]


def writes(version: str = OPA_VERSION) -> Make:
    def make(target: Path) -> None:
        target.write_text(f'#!/bin/sh\necho "Version: {version}"\n')
        target.chmod(0o755)

    return make


def fails(failure: Exception) -> Make:
    def make(target: Path) -> None:
        target.write_text("half of it")
        raise failure

    return make


def refuses_what_is_there(target: Path) -> None:
    assert not target.exists()
    target.touch()


def recipe(*makes: Make, program: Program = OPA) -> Recipe:
    return Recipe(program, lambda _: [Way(f"way {number}", make) for number, make in enumerate(makes, start=1)])


@pytest.fixture
def sets_up(tmp_path: Path) -> Callable[..., Path]:
    def run(*makes: Make, **environ: str) -> Path:
        [path] = set_up([recipe(*makes)], tmp_path, {"PATH": "", **environ}, Path("python"))
        return path

    return run


def left(root: Path) -> list[str]:
    return sorted(path.name for path in (root / ".tools").iterdir())


def test_the_first_way_that_is_open_is_gone(tmp_path: Path) -> None:
    closed = Way("closed", fails(NotAvailable("no network")))
    is_open = Way("open", refuses_what_is_there)
    not_asked = Way("not asked", fails(AssertionError()))
    assert first_open([closed, is_open, not_asked], tmp_path / "opa", OPA) == is_open


def test_every_closed_way_is_named_when_all_are_closed(tmp_path: Path) -> None:
    closed = [Way(name, fails(NotAvailable(f"no {name}"))) for name in ("network", "compiler")]
    with pytest.raises(SetupFailed) as failure:
        first_open(closed, tmp_path / "opa", OPA)
    assert str(failure.value) == (
        f"OPA {OPA_VERSION} could not be had.\n    from network: no network\n    from compiler: no compiler\n"
        "  Put that version on PATH or name it in AUTHZ_OPA_BIN; docs/how-to/set-up.md says more."
    )


def test_a_wrong_digest_is_not_answered_by_another_way(sets_up: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(WrongDigest):
        sets_up(fails(WrongDigest("not what was published")), writes())
    assert not (tmp_path / ".tools" / "bin" / "opa").exists()


def test_what_was_made_is_put_into_the_tool_folder_and_the_rest_removed(
    sets_up: Callable[..., Path], tmp_path: Path
) -> None:
    opa = sets_up(writes())
    assert opa == tmp_path / ".tools" / "bin" / "opa"
    assert left(tmp_path) == ["bin", "programs.lock"]


def test_what_is_there_is_not_made_again(sets_up: Callable[..., Path]) -> None:
    opa = sets_up(writes())
    assert sets_up(fails(AssertionError())) == opa


def test_an_opa_on_path_is_enough(sets_up: Callable[..., Path], tmp_path: Path) -> None:
    writes()(tmp_path / "opa")
    assert sets_up(fails(AssertionError()), PATH=str(tmp_path)) == tmp_path / "opa"


def test_an_older_pinned_version_is_replaced(sets_up: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / ".tools" / "bin").mkdir(parents=True)
    writes("1.17.0")(tmp_path / ".tools" / "bin" / "opa")
    assert OPA_VERSION in sets_up(writes()).read_text()


def test_a_wrong_opa_that_is_named_stops_the_sets_up(sets_up: Callable[..., Path], tmp_path: Path) -> None:
    writes("1.17.0")(tmp_path / "opa")
    with pytest.raises(SetupFailed, match=r"AUTHZ_OPA_BIN: .* is OPA 1\.17\.0"):
        sets_up(fails(AssertionError()), AUTHZ_OPA_BIN=str(tmp_path / "opa"))


def test_a_program_of_another_version_is_not_put_in_place(sets_up: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(SetupFailed, match=r"The opa from way 1 is OPA 1\.17\.0"):
        sets_up(writes("1.17.0"))
    assert left(tmp_path) == ["programs.lock"]


def test_a_failure_leaves_nothing_half_made(sets_up: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(SetupFailed):
        sets_up(fails(SetupFailed("the compiler gave up")))
    assert left(tmp_path) == ["programs.lock"]


def test_what_a_killed_set_up_left_does_not_disturb_the_next(sets_up: Callable[..., Path], tmp_path: Path) -> None:
    half = tmp_path / ".tools" / "making" / "opa"
    half.parent.mkdir(parents=True)
    half.write_text("half of it")
    assert sets_up(refuses_half_of_it).exists()


def refuses_half_of_it(target: Path) -> None:
    refuses_what_is_there(target)
    writes()(target)


def test_two_at_once_make_it_once(sets_up: Callable[..., Path]) -> None:
    made = []
    first_is_in = threading.Event()

    def make(target: Path) -> None:
        made.append(target)
        first_is_in.set()
        second.join(timeout=0.3)  # long enough for the other to come to the lock
        writes()(target)

    second = threading.Thread(target=lambda: first_is_in.wait() and sets_up(make))
    second.start()
    sets_up(make)
    second.join()
    assert len(made) == 1


def test_a_program_without_a_setting_is_asked_for_on_path_alone(tmp_path: Path) -> None:
    with pytest.raises(SetupFailed) as failure:
        first_open([Way("sources", fails(NotAvailable("no compiler")))], tmp_path / "regal", REGAL)
    assert str(failure.value) == (
        f"Regal {REGAL_VERSION} could not be had.\n    from sources: no compiler\n"
        "  Put that version on PATH; docs/how-to/set-up.md says more."
    )


def test_only_what_is_missing_is_made(sets_up: Callable[..., Path], tmp_path: Path) -> None:
    opa = sets_up(writes())
    recipes = [recipe(fails(AssertionError())), recipe(writes(REGAL_VERSION), program=REGAL)]
    assert set_up(recipes, tmp_path, {"PATH": ""}, Path("python")) == [opa, tmp_path / ".tools" / "bin" / "regal"]


def test_what_was_made_stays_when_the_next_fails(tmp_path: Path) -> None:
    recipes = [recipe(writes()), recipe(fails(SetupFailed("no")), program=REGAL)]
    with pytest.raises(SetupFailed):
        set_up(recipes, tmp_path, {"PATH": ""}, Path("python"))
    assert left(tmp_path) == ["bin", "programs.lock"]
    assert (tmp_path / ".tools" / "bin" / "opa").exists()


def test_a_toolchain_is_fetched_once_for_all_and_shares_its_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = []
    built = []

    def go_from_package(_: Path, requirements: Path, folder: Path) -> Path:
        assert requirements.is_file()
        fetched.append(folder)
        return folder / "bin" / "go"

    def build(program: GoProgram, go: Path, target: Path, _: object, caches: Path | None) -> None:
        built.append((program.title, go, caches))
        writes({"opa": OPA_VERSION, "regal": REGAL_VERSION}[target.name])(target)

    monkeypatch.setattr(setup_program, "go_from_package", go_from_package)
    monkeypatch.setattr(setup_program, "build", build)
    (tmp_path / "go.mod").write_text("module made\n\ngo 1.26\n")
    made = [GoProgram("OPA", "opa", tmp_path), GoProgram("Regal", "regal", tmp_path)]
    recipes = [
        Recipe(OPA, lambda workshop: go_ways(made[0], workshop)),
        Recipe(REGAL, lambda workshop: go_ways(made[1], workshop)),
    ]
    set_up(recipes, tmp_path, {"PATH": ""}, Path("python"))
    making = tmp_path / ".tools" / "making"
    assert fetched == [making / "go"]
    assert built == [("OPA", making / "go" / "bin" / "go", making), ("Regal", making / "go" / "bin" / "go", making)]
    assert left(tmp_path) == ["bin", "programs.lock"]


@pytest.mark.parametrize(("home", "caches"), [({"HOME": "/home/a"}, None), ({}, Path("making"))])
def test_the_machines_go_fills_the_users_caches_where_there_are_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: dict[str, str], caches: Path | None
) -> None:
    built = []
    monkeypatch.setattr(setup_program, "build", lambda *arguments: built.append(arguments[-1]))
    monkeypatch.setattr(setup_program, "go_on_path", lambda *_: Path("go"))
    (tmp_path / "go.mod").write_text("go 1.26\n")
    machines_go = go_ways(GoProgram("OPA", "opa", tmp_path), Workshop(Path("making"), home, Path("python")))[0]
    machines_go.make(tmp_path / "opa")
    assert built == [caches]
