"""Tells how the cases of the outside suites went."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from tests.conformance.asking import Asker, Outcome, Service, Verdict
from tests.conformance.cases import Case, Suite
from tests.conformance.known_faults import KNOWN_FAULTS
from tests.conformance.rules import as_json

_MARKS = {
    Verdict.PASSED: ("✓", "green"),
    Verdict.FAILED: ("✗", "red"),
    Verdict.KNOWN_FAULT: ("✗", "yellow"),
    Verdict.NOT_APPLICABLE: ("-", "dim"),
}


def run_suites(service: Service, suites: Sequence[Suite], console: Console) -> bool:
    """Asks every case and tells which fail, then how many pass; whether none fails but by a known fault."""
    counts = {suite.name: _run(service, suite, console) for suite in suites}
    width = max(map(len, counts))
    for name, count in counts.items():
        _tell_count(name.ljust(width), count, console)
    return not any(count[Verdict.FAILED] for count in counts.values())


def _run(service: Service, suite: Suite, console: Console) -> Counter[Verdict]:
    count: Counter[Verdict] = Counter()
    with Asker(service) as asker:
        for case in suite.cases:
            outcome = _outcome(asker, case)
            count[outcome.verdict] += 1
            _tell(outcome, console)
    return count


def _outcome(asker: Asker, case: Case) -> Outcome:
    """How the case went, where a known fault has to fail, and with the right answer."""
    outcome, fault = asker.outcome(case), KNOWN_FAULTS.get(case.id)
    if fault is None or case.expected == fault.right:
        return outcome
    if asker.outcome(case.model_copy(update={"expected": fault.right})).verdict is Verdict.PASSED:
        return outcome._replace(verdict=Verdict.KNOWN_FAULT, what=f"{Verdict.KNOWN_FAULT}, {fault.why}")
    what = f"{Verdict.KNOWN_FAULT}, but a right service answers {as_json(fault.right)}"
    return outcome._replace(verdict=Verdict.FAILED, what=what)


def _tell(outcome: Outcome, console: Console) -> None:
    mark, style = _MARKS[outcome.verdict]
    if outcome.verdict is not Verdict.PASSED:
        console.print(Text(f"{mark} {outcome.case.id}: {outcome.what}", style), soft_wrap=True)
    if outcome.got:
        sides = {"asked": _asked(outcome.case), "expected": _expected(outcome.case), "got": outcome.got}
        for side, value in sides.items():
            console.print(Text(f"    {side:<8}  {value}"), soft_wrap=True)
    if outcome.warning:
        console.print(Text(f"! {outcome.case.id}: {outcome.warning}", "yellow"), soft_wrap=True)


def _asked(case: Case) -> str:
    body = case.raw_body if case.request is None else as_json(case.request)
    return f"{case.method} {case.endpoint} {body or ''}".strip()


def _expected(case: Case) -> str:
    status = " or ".join(map(str, case.accept_status))
    expected = as_json(case.expected) if case.expected else case.match or ""
    return f"HTTP {status} {expected}".strip()


def _tell_count(name: str, count: Counter[Verdict], console: Console) -> None:
    mark, style = _MARKS[Verdict.FAILED if count[Verdict.FAILED] else Verdict.PASSED]
    besides = (Verdict.KNOWN_FAULT, Verdict.NOT_APPLICABLE)
    more = "".join(f", {count[verdict]} {verdict}" for verdict in besides if count[verdict])
    line = Text.assemble((mark, style), f" {name}  {count[Verdict.PASSED]:>3} of {count.total()}{more}")
    console.print(line, soft_wrap=True)
