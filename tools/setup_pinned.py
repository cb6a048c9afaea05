"""Have programs that only some checks want: built from their pinned sources when first wanted, kept in `.tools/bin`.

    python -m tools.setup_pinned deploy        the three that check `deploy/`: two minutes at most
    python -m tools.setup_pinned monitoring    Prometheus and promtool, for `make monitoring`: some minutes

None of them says its version in a way that could be compared, so that each is known by what it was built from.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from authz_service.opa.binary import Program
from tools.go_build import GoProgram
from tools.setup import digest
from tools.setup_program import ROOT, Workshop, emptied, first_open, go_ways
from tools.work import SetupFailed, only_one, run_to_the_end, say


class Pinned(NamedTuple):
    """A program.

    Attributes:
        name: Its own.
        title: What it is called in a sentence.
        package: Its Go package.
        module: The folder in `tools` of the module that pins it.
        tags: What it is built with.
    """

    name: str
    title: str
    package: str
    module: str
    tags: str = ""


# Replicas are named in Prometheus' configuration, so that nothing is built that would look for them in a cloud.
_WITHOUT_CLOUDS = "remove_all_sd"
_PROMETHEUS = "github.com/prometheus/prometheus/cmd"

DEPLOY = (
    Pinned("kustomize", "Kustomize", "sigs.k8s.io/kustomize/kustomize/v5", "kustomize"),
    Pinned("kube-score", "kube-score", "github.com/zegl/kube-score/cmd/kube-score", "kube-score"),
    Pinned("compose", "the loader of Compose files", ".", "compose"),
)
MONITORING = (
    Pinned("prometheus", "Prometheus", f"{_PROMETHEUS}/prometheus", "prometheus", _WITHOUT_CLOUDS),
    Pinned("promtool", "promtool", f"{_PROMETHEUS}/promtool", "prometheus", _WITHOUT_CLOUDS),
)
_SETS: Mapping[str, Sequence[Pinned]] = {"deploy": DEPLOY, "monitoring": MONITORING}


def pinned_programs(wanted: Sequence[Pinned], root: Path, environ: Mapping[str, str], python: Path) -> dict[str, Path]:
    """The programs by their names, each built if it is not there or was built from something else.

    Args:
        wanted: Which.
        root: The checkout.
        environ: The environment to build with.
        python: An interpreter with pip, in case a Go toolchain has to be fetched, which then serves all of them.

    Raises:
        SetupFailed: There is no Go, and none to be had, or the sources are not those that were pinned.
    """
    tools = root / ".tools"
    with only_one(tools / "programs.lock"):
        missing = [pinned for pinned in wanted if not _is_there(pinned, root)]
        if missing:
            with emptied(tools / "making") as folder:
                workshop = Workshop(folder, environ, python)
                for pinned in missing:
                    _make(pinned, root, workshop)
    return {pinned.name: _program(pinned, root) for pinned in wanted}


def _is_there(pinned: Pinned, root: Path) -> bool:
    told = _told(pinned, root)
    return _program(pinned, root).is_file() and told.is_file() and told.read_text() == _pin(pinned, root)


def _make(pinned: Pinned, root: Path, workshop: Workshop) -> None:
    made, pin = workshop.folder / pinned.name, _pin(pinned, root)
    source = GoProgram(pinned.title, pinned.package, _module(pinned, root), tags=pinned.tags)
    way = first_open(go_ways(source, workshop), made, Program(pinned.name, pinned.title, "as pinned"))
    program, told = _program(pinned, root), _told(pinned, root)
    program.parent.mkdir(exist_ok=True)
    told.unlink(missing_ok=True)
    made.replace(program)
    told.write_text(pin)
    say(f"✓ {pinned.title} from {way.name}")


def _module(pinned: Pinned, root: Path) -> Path:
    return root / "tools" / pinned.module


def _program(pinned: Pinned, root: Path) -> Path:
    return root / ".tools" / "bin" / pinned.name


def _told(pinned: Pinned, root: Path) -> Path:
    """The file that tells what the program was built from."""
    return root / ".tools" / "bin" / f".{pinned.name}-built-from"


def _pin(pinned: Pinned, root: Path) -> str:
    files = sorted(path for path in _module(pinned, root).iterdir() if path.suffix in {".mod", ".sum", ".go"})
    return digest([*(path.read_bytes() for path in files), pinned.tags.encode()])


def main() -> None:
    [wanted] = sys.argv[1:] or [""]
    if wanted not in _SETS:
        raise SetupFailed(f"say which: python -m tools.setup_pinned {' or '.join(_SETS)}")
    print(*pinned_programs(_SETS[wanted], ROOT, os.environ, Path(sys.executable)).values(), sep="\n")


if __name__ == "__main__":
    sys.exit(run_to_the_end(main))
