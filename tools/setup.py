"""What `make setup` does: the virtual environment `.venv` as the lock files have it, and the pinned programs.

    python3 -m tools.setup

Run again, it looks whether everything is as it was left and ends within a second.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tools import setup_opa, setup_regal
from tools.setup_program import set_up
from tools.work import Progress, SetupFailed, follow, only_one, run_to_the_end, say, wording_of_pip

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements-dev.txt", "requirements-build.txt")

# A machine's own wishes about where pip installs would take the packages out of the environment.
_PIP_SETTINGS = {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def setup_environment(root: Path) -> Path:
    """The Python of an environment that has exactly the locked packages and this project, editable.

    Another lock file means another environment, from nothing: what is no longer named must not linger.
    Another `pyproject.toml` alone means that only the project is installed anew.
    """
    venv = root / ".venv"
    python = venv / "bin" / "python"
    # The root is part of it because a moved or copied environment still points to where it was made.
    packages = digest([str(root).encode(), *((root / lock).read_bytes() for lock in LOCKS)])
    project = digest([packages.encode(), (root / "pyproject.toml").read_bytes()])
    with only_one(root / ".tools" / "setup.lock"):
        if not (_has_stamp(venv, "packages", packages) and _works(python)):
            _make(venv)
            _install(root, python)
            _stamp(venv, "packages", packages)
        if not _has_stamp(venv, "project", project):
            _install_project(root, python)
            _stamp(venv, "project", project)
    return python


def digest(parts: Iterable[bytes]) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _has_stamp(venv: Path, name: str, value: str) -> bool:
    stamp = venv / f".{name}"
    return stamp.is_file() and stamp.read_text() == value


def _stamp(venv: Path, name: str, value: str) -> None:
    (venv / f".{name}").write_text(value)


def _works(python: Path) -> bool:
    """Whether the environment's interpreter is still the one it was made from: another finds no pip in it."""
    if not python.exists():
        return False
    return subprocess.run([python, "-I", "-c", "import pip"], capture_output=True, check=False).returncode == 0


def refuse_without_ensurepip() -> None:
    """Say in time what Debian leaves out of its Python, and how to get it."""
    if importlib.util.find_spec("ensurepip") is None:
        raise SetupFailed(
            f"{sys.executable} cannot make virtual environments: its ensurepip is missing. "
            "On Debian or Ubuntu: apt install python3-venv"
        )


def _make(venv: Path) -> None:
    refuse_without_ensurepip()
    version = ".".join(map(str, sys.version_info[:3]))
    with Progress(f"Making .venv with Python {version}") as progress:
        follow([sys.executable, "-m", "venv", "--clear", venv], progress, str.strip)


def _install(root: Path, python: Path) -> None:
    files = [word for lock in LOCKS for word in ("--requirement", lock)]
    with Progress("Installing the locked packages", "about half a minute") as progress:
        _pip(root, python, progress, "--require-hashes", *files)


def _install_project(root: Path, python: Path) -> None:
    with Progress("Installing the project itself") as progress:
        _pip(root, python, progress, "--no-build-isolation", "--no-deps", "--editable", ".")


def _pip(root: Path, python: Path, progress: Progress, *words: str) -> None:
    command: list[str | Path] = [python, "-I", "-m", "pip", "--require-virtualenv", "install", *words]
    follow(command, progress, wording_of_pip, folder=root, environ={**os.environ, **_PIP_SETTINGS})


def main() -> None:
    python = setup_environment(ROOT)
    # The service does not run without the first; the second is for those who write policies.
    recipes = [setup_opa.RECIPE, setup_regal.RECIPE]
    paths = set_up(recipes, ROOT, os.environ, python)
    programs = [
        f"{recipe.program} at {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}"
        for recipe, path in zip(recipes, paths, strict=True)
    ]
    say(f"✓ Set up: .venv, {' and '.join(programs)}")


if __name__ == "__main__":
    sys.exit(run_to_the_end(main))
