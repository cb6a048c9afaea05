"""What this service is compared with, in the versions pinned here: made in `.tools/bench` where it is not there yet.

    python -m bench.programs

Cerbos comes from npm, as its lock file has it; OpenFGA is built from its Go module. The tests need neither.
"""

import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from authz_service.opa.binary import Program
from tools.go_build import GoProgram
from tools.npm import INSTALL, LOCKED
from tools.setup_program import ROOT, Way, Workshop, first_open, go_ways
from tools.work import Progress, SetupFailed, follow, only_one, run_to_the_end, say

CERBOS_FOLDER, OPENFGA_FOLDER = (Path(__file__).with_name(name) for name in ("cerbos", "openfga"))
_OPENFGA = "github.com/openfga/openfga"
_CERBOS = "@cerbos/cerbos-linux-x64"
_FOLDER = ROOT / ".tools" / "bench"


class Had(NamedTuple):
    """A program that is there, and its version."""

    path: Path
    version: str


def cerbos_version() -> str:
    version: str = json.loads((CERBOS_FOLDER / "package.json").read_text())["dependencies"][_CERBOS]
    return version


def openfga_version() -> str:
    pinned = re.search(rf"^\t{_OPENFGA} v(\S+)", (OPENFGA_FOLDER / "go.mod").read_text(), re.MULTILINE)
    if pinned is None:
        raise SetupFailed(f"{OPENFGA_FOLDER / 'go.mod'} does not pin {_OPENFGA}.")
    return pinned[1]


def have_cerbos() -> Had:
    return _have(Program("cerbos", "Cerbos", cerbos_version()), _make_cerbos)


def have_openfga() -> Had:
    return _have(Program("openfga", "OpenFGA", openfga_version()), _make_openfga)


def _have(program: Program, make: Callable[[Program, Path, Path], None]) -> Had:
    target = _FOLDER / f"{program.name}-{program.version}"
    with only_one(_FOLDER / "lock"):
        if not target.exists():
            with TemporaryDirectory(prefix="making-", dir=_FOLDER) as folder:
                made = Path(folder) / program.name
                make(program, made, Path(folder))
                made.replace(target)
            say(f"✓ {program} is in {target.relative_to(ROOT)}")
    return Had(target, program.version)


def _make_cerbos(program: Program, target: Path, folder: Path) -> None:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise SetupFailed(f"{program} is pinned for Linux on x86_64 alone: bench/cerbos/package-lock.json.")
    for file in LOCKED:
        shutil.copyfile(CERBOS_FOLDER / file, folder / file)
    with Progress(f"Fetching {program}") as progress:
        follow(INSTALL, progress, str.strip, folder=folder)
    (folder / "node_modules" / _CERBOS / _CERBOS.rpartition("/")[2]).replace(target)


def _make_openfga(program: Program, target: Path, folder: Path) -> None:
    built = GoProgram(str(program), f"{_OPENFGA}/cmd/openfga", OPENFGA_FOLDER)
    ways: list[Way] = go_ways(built, Workshop(folder, os.environ, Path(sys.executable)))
    first_open(ways, target, program)


def main() -> None:
    for program in (have_cerbos(), have_openfga()):
        print(program.path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(run_to_the_end(main))
