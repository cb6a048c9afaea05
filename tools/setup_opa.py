"""Have the pinned `opa`: found, else downloaded, else built; standard output gets its path alone.

python -m tools.setup_opa
"""

import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from authz_service.opa.binary import OPA, OPA_VERSION
from tools.go_build import GoProgram
from tools.opa_release import RELEASES, asset_name, fetch_release, pinned_digests
from tools.setup_program import Recipe, Way, Workshop, go_ways, print_path

MODULE = Path(__file__).with_name("opa")
PROGRAM = GoProgram(str(OPA), "github.com/open-policy-agent/opa", MODULE)


def ways(workshop: Workshop) -> Sequence[Way]:
    def release(target: Path) -> None:
        name = asset_name(platform.system(), platform.machine())
        pinned = pinned_digests((MODULE / "digests.txt").read_text())
        fetch_release(target, f"{RELEASES}/v{OPA_VERSION}/{name}", pinned)

    return [Way("the official release", release), *go_ways(PROGRAM, workshop)]


RECIPE = Recipe(OPA, ways)

if __name__ == "__main__":
    sys.exit(print_path(RECIPE))
