"""The words of the Makefile, and the Python that they run with."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def pythons(folder: Path, **scripts: str) -> str:
    """A PATH with nothing but these; a name's underscore is a dot."""
    for name, does in scripts.items():
        program = folder / name.replace("_", ".")
        program.write_text(f"#!/bin/sh\n{does}\n")
        program.chmod(0o755)
    return str(folder)


def run(path: str, python: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", ROOT / "tools" / "with-python", "-m", "thing"],
        env={"PATH": path, "PYTHON": python},
        capture_output=True,
        text=True,
        check=False,
    )


def python(version: str, says: str) -> str:
    return f'case $1 in -c) echo {version} ;; *) echo "{says} $*" ;; esac'


def test_the_default_python_is_used_if_it_is_new_enough(tmp_path: Path) -> None:
    path = pythons(tmp_path, python3=python("3.11", "default"), python3_13=python("3.13", "newer"))
    assert run(path).stdout == "default -m thing\n"


def test_an_old_default_python_is_passed_over(tmp_path: Path) -> None:
    path = pythons(tmp_path, python3=python("3.9", "old"), python3_12=python("3.12", "new"))
    assert run(path).stdout == "new -m thing\n"


def test_a_shim_that_runs_nothing_is_passed_over(tmp_path: Path) -> None:
    path = pythons(tmp_path, python3="exit 127", python3_13="exit 127", python3_11=python("3.11", "real"))
    assert run(path).stdout == "real -m thing\n"


def test_the_python_asked_for_is_not_replaced_by_another(tmp_path: Path) -> None:
    path = pythons(tmp_path, python3=python("3.11", "default"), mine=python("3.10", "mine"))
    refused = run(path, python="mine")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "Python 3.11 or newer is wanted; tried: mine (is 3.10)." in refused.stderr


def test_a_machine_without_a_python_says_what_to_install(tmp_path: Path) -> None:
    refused = run(pythons(tmp_path, python3=python("3.9", "old")))
    assert refused.returncode == 1
    assert "python3 (is 3.9) python3.13 (does not run)" in refused.stderr
    assert "apt install python3 python3-venv" in refused.stderr


@pytest.mark.parametrize("version", ["3.2", "3.10", "2.7", "4"])
def test_only_a_python_that_the_service_runs_on_will_do(tmp_path: Path, version: str) -> None:
    assert run(pythons(tmp_path, python3=python(version, "other"))).returncode == 1


def test_make_alone_explains_every_word() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    shown = subprocess.run(["make"], cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout
    words = {line.split()[1] for line in shown.splitlines() if line.startswith("  make ")}
    phony = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:"))
    assert words == set(phony.removeprefix(".PHONY:").split())
