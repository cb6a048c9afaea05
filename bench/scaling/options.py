"""How `bench.scaling` is run."""

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.settings import Settings

PARTS = ("size", "business", "memory", "cold", "change")
# Off, as it shows most of what the data costs; strict, as it comes.
MODES = ("off", "strict")
_DATABASES = ("sqlite", "postgresql")
# The lines, and both databases with what they need while they import: measured, and rounded up.
_DISK_BYTES_A_CUSTOMER = 5_000


@dataclass(frozen=True, slots=True)
class Options(Settings):
    """How it is run.

    Attributes:
        few: How many customer numbers the small database has.
        members: How many members the customers of the large database have, with a mobile each.
        mobiles: How many the business number has.
        decisions: After how many the memory is looked at.
        starts: How often the service is started; the median counts.
        changes: How often the policy is changed under load.
        databases: Which are measured.
        parts: What is measured.
    """

    few: int
    members: int
    mobiles: int
    decisions: int
    starts: int
    changes: int
    databases: tuple[str, ...]
    parts: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every part is measured, on both databases."""
        return set(self.parts) == set(PARTS) and set(self.databases) == set(_DATABASES)


def read_options(arguments: Sequence[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description="What changes when there is much.")
    parser.add_argument("--customers", type=int, default=10_000_000, help="of the large database")
    parser.add_argument("--few", type=int, default=1_000, help="customers of the small one")
    parser.add_argument("--members", type=int, default=1, help="of each customer of both")
    parser.add_argument("--mobiles", type=int, default=100_000, help="of the business number")
    parser.add_argument("--decisions", type=int, default=1_000_000, help="between the looks at memory")
    parser.add_argument("--starts", type=int, default=7, help="how often the service is started")
    parser.add_argument("--changes", type=int, default=10, help="of the policy, under load")
    parser.add_argument("--database", choices=[*_DATABASES, "both"], default="both")
    parser.add_argument("--parts", default=",".join(PARTS), help="what is measured, with commas; all if left out")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is asked; the median counts")
    parser.add_argument("--seconds", type=int, default=4, help="how long each time")
    parser.add_argument("--workers", type=int, default=2, help="of each service")
    given = vars(parser.parse_args(arguments))
    chosen = given.pop("database")
    parts = tuple(given.pop("parts").split(","))
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--parts: there is no {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return Options(**given, databases=_DATABASES if chosen == "both" else (chosen,), parts=parts)


def check_disk(folder: Path, customers: int) -> None:
    """Refuses what would fill the disk after an hour.

    Raises:
        SystemExit: There is too little room.
    """
    needed, free = customers * _DISK_BYTES_A_CUSTOMER, shutil.disk_usage(folder).free
    if needed > free:
        raise SystemExit(
            f"✗ {folder}: {customers:,} customers need some {needed / 1e9:.0f} GB, and {free / 1e9:.0f} GB are free. "
            "Choose fewer with --customers, or another folder with TMPDIR."
        )
