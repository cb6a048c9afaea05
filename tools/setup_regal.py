"""Have the pinned `regal`: found, else built; standard output gets its path alone.

python -m tools.setup_regal
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from authz_service.opa.binary import REGAL, REGAL_VERSION
from tools.go_build import GoProgram
from tools.setup_program import Recipe, Way, Workshop, go_ways, print_path

# A module apart from OPA's: Regal holds another version of OPA, and the two agree on no version of what both need.
PROGRAM = GoProgram(
    str(REGAL),
    "github.com/open-policy-agent/regal",
    Path(__file__).with_name("regal"),
    # Built from its sources, it would not know its own version.
    {"github.com/open-policy-agent/regal/pkg/version.Version": REGAL_VERSION},
)


def ways(workshop: Workshop) -> Sequence[Way]:
    return go_ways(PROGRAM, workshop)


RECIPE = Recipe(REGAL, ways)

if __name__ == "__main__":
    sys.exit(print_path(RECIPE))
