"""When the environment is made, when only the project is installed in it, and when nothing is done."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools import setup
from tools.setup import LOCKS, setup_environment
from tools.work import SetupFailed

MADE, PACKAGES, PROJECT = "environment made", "packages installed", "project installed"


class Machine:
    """What is run, without running it; `fails_at` is the step that goes wrong."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.fails_at = ""

    def follow(self, command: Sequence[str | Path], *_: object, **__: object) -> list[str]:
        step = MADE if "venv" in command else PACKAGES if "--require-hashes" in command else PROJECT
        if step == self.fails_at:
            raise SetupFailed(step)
        self.did.append(step)
        if step == MADE:
            self.make(Path(command[-1]))
        return []

    def make(self, venv: Path) -> None:
        shutil.rmtree(venv, ignore_errors=True)
        (venv / "bin").mkdir(parents=True)
        (venv / "bin" / "python").write_text("#!/bin/sh\n")
        (venv / "bin" / "python").chmod(0o755)

    def sets_up(self, root: Path) -> list[str]:
        self.did = []
        setup_environment(root)
        return self.did


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(setup, "follow", machine.follow)
    return machine


@pytest.fixture
def checkout(tmp_path: Path, machine: Machine) -> Path:
    root = tmp_path / "checkout"
    root.mkdir()
    for file in (*LOCKS, "pyproject.toml"):
        (root / file).write_text(file)
    assert machine.sets_up(root) == [MADE, PACKAGES, PROJECT]
    return root


def test_it_runs_where_nothing_is_installed_yet() -> None:
    program = "import sys, tools.setup; sys.exit('rich' in sys.modules)"
    bare = [sys.executable, "-S", "-c", program]
    done = subprocess.run(bare, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_is_done_twice(checkout: Path, machine: Machine) -> None:
    assert machine.sets_up(checkout) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_another_lock_file_means_another_environment(checkout: Path, machine: Machine, lock: str) -> None:
    (checkout / lock).write_text("another package")
    assert machine.sets_up(checkout) == [MADE, PACKAGES, PROJECT]


def test_another_pyproject_means_only_the_project_anew(checkout: Path, machine: Machine) -> None:
    (checkout / "pyproject.toml").write_text("another setting")
    assert machine.sets_up(checkout) == [PROJECT]


def test_a_copied_environment_is_not_trusted(checkout: Path, machine: Machine, tmp_path: Path) -> None:
    # Its scripts run the interpreter of the checkout that it was copied from.
    copy = shutil.copytree(checkout, tmp_path / "copy")
    assert machine.sets_up(copy) == [MADE, PACKAGES, PROJECT]


@pytest.mark.parametrize("gone", ["exit 1", None])
def test_an_environment_whose_interpreter_is_gone_is_made_anew(
    checkout: Path, machine: Machine, gone: str | None
) -> None:
    python = checkout / ".venv" / "bin" / "python"
    if gone is None:
        python.unlink()
    else:
        python.write_text(f"#!/bin/sh\n{gone}\n")
    assert machine.sets_up(checkout) == [MADE, PACKAGES, PROJECT]


@pytest.mark.parametrize("step", [MADE, PACKAGES])
def test_an_environment_that_was_half_made_is_made_anew(checkout: Path, machine: Machine, step: str) -> None:
    (checkout / LOCKS[0]).write_text("another package")
    machine.fails_at = step
    with pytest.raises(SetupFailed):
        machine.sets_up(checkout)
    machine.fails_at = ""
    assert machine.sets_up(checkout) == [MADE, PACKAGES, PROJECT]


def test_a_project_that_was_not_installed_is_tried_again(checkout: Path, machine: Machine) -> None:
    (checkout / "pyproject.toml").write_text("another setting")
    machine.fails_at = PROJECT
    with pytest.raises(SetupFailed):
        machine.sets_up(checkout)
    machine.fails_at = ""
    assert machine.sets_up(checkout) == [PROJECT]


def test_a_python_that_cannot_make_environments_says_what_to_install(
    machine: Machine, tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(checkout / ".venv")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SetupFailed, match="apt install python3-venv"):
        machine.sets_up(checkout)
