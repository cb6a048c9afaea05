"""What `make setup` does about OPA: nothing twice, nothing by halves, and every way in its turn."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from authz_service.opa.binary import OPA_VERSION
from tools import setup_opa as tool
from tools.opa_release import NotAvailable, WrongDigest
from tools.setup_opa import Way, first_open, setup_opa
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


@pytest.fixture
def set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    def run(*makes: Make, **environ: str) -> Path:
        ways = [Way(f"way {number}", make) for number, make in enumerate(makes, start=1)]
        monkeypatch.setattr(tool, "ways", lambda *_: ways)
        return setup_opa(tmp_path, {"PATH": "", **environ}, Path("python"))

    return run


def test_the_ways_are_release_then_own_go_then_fetched_go(tmp_path: Path) -> None:
    names = [way.name for way in tool.ways(tmp_path, {}, Path("python"), tmp_path)]
    assert names == [
        "the official release",
        "its sources, with Go from PATH",
        "its sources, with a Go toolchain fetched for it",
    ]


def test_the_first_way_that_is_open_is_gone(tmp_path: Path) -> None:
    closed = Way("closed", fails(NotAvailable("no network")))
    is_open = Way("open", refuses_what_is_there)
    not_asked = Way("not asked", fails(AssertionError()))
    assert first_open([closed, is_open, not_asked], tmp_path / "opa") == is_open


def test_every_closed_way_is_named_when_all_are_closed(tmp_path: Path) -> None:
    closed = [Way(name, fails(NotAvailable(f"no {name}"))) for name in ("network", "compiler")]
    with pytest.raises(SetupFailed) as failure:
        first_open(closed, tmp_path / "opa")
    assert str(failure.value) == (
        f"OPA {OPA_VERSION} could not be had.\n    from network: no network\n    from compiler: no compiler\n"
        "  Put that version on PATH or name it in AUTHZ_OPA_BIN; docs/how-to/set-up.md says more."
    )


def test_a_wrong_digest_is_not_answered_by_another_way(set_up: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(WrongDigest):
        set_up(fails(WrongDigest("not what was published")), writes())
    assert not (tmp_path / ".tools" / "bin" / "opa").exists()


def test_what_was_made_is_put_into_the_tool_folder_and_the_rest_removed(
    set_up: Callable[..., Path], tmp_path: Path
) -> None:
    opa = set_up(writes())
    assert opa == tmp_path / ".tools" / "bin" / "opa"
    assert sorted(path.name for path in (tmp_path / ".tools").iterdir()) == ["bin", "opa.lock"]


def test_what_is_there_is_not_made_again(set_up: Callable[..., Path]) -> None:
    opa = set_up(writes())
    assert set_up(fails(AssertionError())) == opa


def test_an_opa_on_path_is_enough(set_up: Callable[..., Path], tmp_path: Path) -> None:
    writes()(tmp_path / "opa")
    assert set_up(fails(AssertionError()), PATH=str(tmp_path)) == tmp_path / "opa"


def test_an_older_pinned_version_is_replaced(set_up: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / ".tools" / "bin").mkdir(parents=True)
    writes("1.17.0")(tmp_path / ".tools" / "bin" / "opa")
    assert OPA_VERSION in set_up(writes()).read_text()


def test_a_wrong_opa_that_is_named_stops_the_set_up(set_up: Callable[..., Path], tmp_path: Path) -> None:
    writes("1.17.0")(tmp_path / "opa")
    with pytest.raises(SetupFailed, match=r"AUTHZ_OPA_BIN: .* is OPA 1\.17\.0"):
        set_up(fails(AssertionError()), AUTHZ_OPA_BIN=str(tmp_path / "opa"))


def test_a_program_of_another_version_is_not_put_in_place(set_up: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(SetupFailed, match=r"The opa from way 1 is OPA 1\.17\.0"):
        set_up(writes("1.17.0"))
    assert [path.name for path in (tmp_path / ".tools").iterdir()] == ["opa.lock"]


def test_a_failure_leaves_nothing_half_made(set_up: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(SetupFailed):
        set_up(fails(SetupFailed("the compiler gave up")))
    assert [path.name for path in (tmp_path / ".tools").iterdir()] == ["opa.lock"]


def test_what_a_killed_set_up_left_does_not_disturb_the_next(set_up: Callable[..., Path], tmp_path: Path) -> None:
    left = tmp_path / ".tools" / "making" / "opa"
    left.parent.mkdir(parents=True)
    left.write_text("half of it")
    assert set_up(refuses_half_of_it).exists()


def refuses_half_of_it(target: Path) -> None:
    refuses_what_is_there(target)
    writes()(target)


def test_two_at_once_make_it_once(set_up: Callable[..., Path]) -> None:
    made = []
    first_is_in = threading.Event()

    def make(target: Path) -> None:
        made.append(target)
        first_is_in.set()
        second.join(timeout=0.3)  # long enough for the other to come to the lock
        writes()(target)

    second = threading.Thread(target=lambda: first_is_in.wait() and set_up(make))
    second.start()
    set_up(make)
    second.join()
    assert len(made) == 1
