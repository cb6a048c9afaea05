"""Have the pinned `prometheus` and `promtool`, built from their sources when first wanted; kept in `.tools/bin`.

    python -m tools.setup_prometheus

It takes some minutes, so that only `make monitoring` wants them.
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

NAMES = ("prometheus", "promtool")
_PACKAGES = "github.com/prometheus/prometheus/cmd"
# Replicas are named in its configuration, so that nothing is built that would look for them in a cloud.
_TAGS = "remove_all_sd"


def prometheus_programs(root: Path, environ: Mapping[str, str], python: Path) -> dict[str, Path]:
    """The programs by their names, built if one is not there or was built from something else.

    Args:
        root: The checkout.
        environ: The environment to build with.
        python: An interpreter with pip, in case a Go toolchain has to be fetched.

    Raises:
        SetupFailed: There is no Go, and none to be had, or the sources are not those that were pinned.
    """
    module, tools = root / "tools" / "prometheus", root / ".tools"
    pin = digest([*((module / name).read_bytes() for name in ("go.mod", "go.sum")), _TAGS.encode()])
    programs = {name: tools / "bin" / name for name in NAMES}
    with only_one(tools / "programs.lock"):
        told = tools / "bin" / ".prometheus"
        if not (all(map(Path.is_file, programs.values())) and told.is_file() and told.read_text() == pin):
            with emptied(tools / "making") as folder:
                workshop = Workshop(folder, environ, python)
                for name, program in programs.items():
                    made = folder / name
                    pinned = GoProgram(name, f"{_PACKAGES}/{name}", module, tags=_TAGS)
                    way = first_open(go_ways(pinned, workshop), made, Program(name, name, "as pinned"))
                    program.parent.mkdir(exist_ok=True)
                    made.replace(program)
                    say(f"✓ {name} from {way.name}")
            told.write_text(pin)
    return programs


def main() -> None:
    for program in prometheus_programs(ROOT, os.environ, Path(sys.executable)).values():
        print(program)


if __name__ == "__main__":
    sys.exit(run_to_the_end(main))
