"""What was broken and what callers saw of it, as a table and as JSON."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.cluster.load import BATCH, DECISION, TAKE_OVER, Load
from tests.conftest import ROOT

FOLDER = ROOT / "build" / "cluster"


class Row(NamedTuple):
    """A fault and what callers saw.

    Attributes:
        fault: What was broken.
        bound: What may fail at most, which the test holds it to.
        decisions: How many decisions were asked for, one by one or two at once.
        take_overs: How many people wanted to take over.
        failed_decisions: How many of those requests got no answer.
        failed_take_overs: How many of these did.
        told: What those were told instead, and how often.
        asked_again: How often the proxy asked again.
        longest_ms: How long the slowest answer took.
    """

    fault: str
    bound: str
    decisions: int
    take_overs: int
    failed_decisions: int
    failed_take_overs: int
    told: dict[str, int]
    asked_again: int
    longest_ms: int


def row_of(fault: str, bound: str, load: Load, asked_again: int) -> Row:
    kinds = Counter(call.kind for call in load.calls)
    failed = Counter(call.kind for call in load.calls if not call.is_answered)
    return Row(
        fault,
        bound,
        decisions=kinds[DECISION] + kinds[BATCH],
        take_overs=kinds[TAKE_OVER],
        failed_decisions=failed[DECISION] + failed[BATCH],
        failed_take_overs=failed[TAKE_OVER],
        told=dict(Counter(call.told for call in load.calls if not call.is_answered)),
        asked_again=asked_again,
        longest_ms=round(max((call.ended - call.began for call in load.calls if call.is_answered), default=0) * 1000),
    )


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown, which is read as text too."""
    lines = [
        "| what was broken | decisions | failed | take-overs | failed | told | asked again | slowest | at most |",
        "| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | --- |",
    ]
    for row in rows:
        told = ", ".join(f"{word} ({count})" for word, count in sorted(row.told.items())) or "nothing"
        counts = f"{row.decisions} | {row.failed_decisions} | {row.take_overs} | {row.failed_take_overs}"
        lines.append(f"| {row.fault} | {counts} | {told} | {row.asked_again} | {row.longest_ms} ms | {row.bound} |")
    return "\n".join(lines) + "\n"


def write_report(rows: Sequence[Row], folder: Path = FOLDER) -> None:
    """Writes `report.md` and `report.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(table(rows))
    (folder / "report.json").write_text(json.dumps([row._asdict() for row in rows], indent=2) + "\n")
