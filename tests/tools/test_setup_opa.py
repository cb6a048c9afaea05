"""Where OPA comes from."""

from pathlib import Path

from tools.setup_opa import RECIPE
from tools.setup_program import Workshop


def test_the_ways_are_release_then_own_go_then_fetched_go(tmp_path: Path) -> None:
    ways = RECIPE.ways(Workshop(tmp_path, {}, Path("python")))
    assert [way.name for way in ways] == [
        "the official release",
        "its sources, with Go from PATH",
        "its sources, with a Go toolchain fetched for it",
    ]
