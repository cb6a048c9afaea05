"""Where Regal comes from, and that it knows its own version."""

from pathlib import Path

from authz_service.opa.binary import REGAL, REGAL_VERSION
from tools.setup_program import Workshop
from tools.setup_regal import PROGRAM, RECIPE


def test_the_ways_are_own_go_then_fetched_go(tmp_path: Path) -> None:
    ways = RECIPE.ways(Workshop(tmp_path, {}, Path("python")))
    assert [way.name for way in ways] == [
        "its sources, with Go from PATH",
        "its sources, with a Go toolchain fetched for it",
    ]


def test_the_version_wanted_is_the_one_that_is_built() -> None:
    assert RECIPE.program == REGAL
    assert f"\t{PROGRAM.package} v{REGAL_VERSION} " in (PROGRAM.module / "go.mod").read_text()


def test_the_version_is_stamped_where_regal_reads_it() -> None:
    assert PROGRAM.stamps == {f"{PROGRAM.package}/pkg/version.Version": REGAL_VERSION}
