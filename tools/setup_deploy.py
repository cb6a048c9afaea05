"""Have the programs that check `deploy/`: built from their pinned sources when first wanted, kept in `.tools/bin`.

    python -m tools.setup_deploy

None of them says its version in a way that could be compared, so that each is known by what it was built from.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from authz_service.opa.binary import Program
from tools.go_build import GoProgram
from tools.setup import digest
from tools.setup_program import ROOT, Workshop, emptied, first_open, go_ways
from tools.work import only_one, run_to_the_end, say


class _Pinned(NamedTuple):
    """A program, by the name of its module's folder, what it is called in a sentence, and its package."""

    name: str
    title: str
    package: str


PROGRAMS = (
    _Pinned("kustomize", "Kustomize", "sigs.k8s.io/kustomize/kustomize/v5"),
    _Pinned("kube-score", "kube-score", "github.com/zegl/kube-score/cmd/kube-score"),
    _Pinned("compose", "the loader of Compose files", "."),
)


def deploy_programs(root: Path, environ: Mapping[str, str], python: Path) -> dict[str, Path]:
    """The programs by their names, each built if it is not there or was built from something else.

    Args:
        root: The checkout.
        environ: The environment to build with.
        python: An interpreter with pip, in case a Go toolchain has to be fetched, which then serves all of them.

    Raises:
        SetupFailed: There is no Go, and none to be had, or the sources are not those that were pinned.
    """
    tools = root / ".tools"
    with only_one(tools / "programs.lock"):
        missing = [pinned for pinned in PROGRAMS if not _is_there(pinned, root)]
        if missing:
            with emptied(tools / "making") as folder:
                workshop = Workshop(folder, environ, python)
                for pinned in missing:
                    _make(pinned, root, workshop)
    return {pinned.name: tools / "bin" / pinned.name for pinned in PROGRAMS}


def _is_there(pinned: _Pinned, root: Path) -> bool:
    told = _told(pinned, root)
    return _program(pinned, root).is_file() and told.is_file() and told.read_text() == _pin(pinned, root)


def _make(pinned: _Pinned, root: Path, workshop: Workshop) -> None:
    made, pin = workshop.folder / pinned.name, _pin(pinned, root)
    ways = go_ways(GoProgram(pinned.title, pinned.package, _module(pinned, root)), workshop)
    way = first_open(ways, made, Program(pinned.name, pinned.title, "as pinned"))
    program, told = _program(pinned, root), _told(pinned, root)
    program.parent.mkdir(exist_ok=True)
    told.unlink(missing_ok=True)
    made.replace(program)
    told.write_text(pin)
    say(f"✓ {pinned.title} from {way.name}")


def _module(pinned: _Pinned, root: Path) -> Path:
    return root / "tools" / pinned.name


def _program(pinned: _Pinned, root: Path) -> Path:
    return root / ".tools" / "bin" / pinned.name


def _told(pinned: _Pinned, root: Path) -> Path:
    """The file that tells what the program was built from."""
    return root / ".tools" / "bin" / f".{pinned.name}-built-from"


def _pin(pinned: _Pinned, root: Path) -> str:
    files = sorted(path for path in _module(pinned, root).iterdir() if path.suffix in {".mod", ".sum", ".go"})
    return digest(path.read_bytes() for path in files)


if __name__ == "__main__":
    sys.exit(run_to_the_end(lambda: print(*deploy_programs(ROOT, os.environ, Path(sys.executable)).values(), sep="\n")))
