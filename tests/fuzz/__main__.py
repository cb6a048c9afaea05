"""Many cases for every target: `python -m tests.fuzz`, with another seed each time."""

import argparse
import os
import secrets
import sys
from itertools import count
from math import ceil

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from authz_service.opa.binary import find_opa, project_tool_folder
from authz_service.opa.supervisor import SupervisedOpa
from tests.conftest import ROOT
from tests.fuzz.served import Served, served
from tests.fuzz.targets import TARGETS, Target

# Hypothesis remembers what it has tried, so that it is begun anew now and then.
_AT_ONCE = 2_000


def main() -> int:
    """1 where something does not hold; the smallest case that shows it is printed with the seed that leads to it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000, help="of all targets together (default: a million)")
    parser.add_argument(
        "--seed", type=int, default=secrets.randbits(32), help="the first one; each further is the next"
    )
    parser.add_argument("--target", choices=TARGETS, action="append", help="only this one; may be given again")
    asked = parser.parse_args()
    names = asked.target or list(TARGETS)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    seeds = count(asked.seed)
    opa = find_opa(os.environ, project_tool_folder())
    with (
        SupervisedOpa(opa, ROOT / "policies") as supervised,
        served(supervised.url) as app,
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        share = ceil(asked.cases / len(names))
        told = [progress.add_task(name, total=share) for name in names]
        for name, task in zip(names, told, strict=True):
            for done in range(0, share, _AT_ONCE):
                fault = _fault(app, TARGETS[name], min(_AT_ONCE, share - done), next(seeds))
                if fault:
                    progress.stop()
                    sys.stdout.write(f"✗ {name}: {fault}\n")
                    return 1
                progress.update(task, completed=min(done + _AT_ONCE, share))
            progress.console.print(f"✓ {name}: {share:,} cases")
    sys.stdout.write(f"✓ {share * len(names):,} cases, and all that has to hold does. Seed {asked.seed}.\n")
    return 0


def _fault(app: Served, target: Target, cases: int, number: int) -> str:
    """What does not hold, and the smallest case of it; empty where all does."""

    @seed(number)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(st.data())
    def check(data: st.DataObject) -> None:
        target.check(app, data.draw(target.cases))

    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        notes = "\n".join(getattr(error, "__notes__", []))
        return f"{type(error).__name__}: {error}\n{notes}\nTry it again with --seed {number}."
    return ""


if __name__ == "__main__":
    sys.exit(main())
