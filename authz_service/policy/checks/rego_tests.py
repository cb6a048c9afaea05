"""Whether the Rego tests pass, with the decision tables among them, and reach every line."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from authz_service.errors import Fault, InvalidPolicy
from authz_service.opa.command import run_opa
from authz_service.policy.checks.places import Places

# Memory for time: OPA collects its garbage less often.
_ENVIRONMENT = {"GOGC": "400"}
_CASES = "test_cases"
_TODO = "todo_"


class Tested(NamedTuple):
    """What the tests came to.

    Attributes:
        faults: The tests that fail.
        cases: The names of the cases that fail, each with its topic and number before it.
        total: How many tests there are, each row of a table and each case being one.
    """

    faults: list[Fault]
    cases: list[str]
    total: int


def run_tests(places: Places) -> Tested:
    results = json.loads(_test(places, "--fail-on-empty") or "[]")
    if not results:
        what = "has no test; write one beside each rule, in a file that ends in _test.rego"
        return Tested([Fault(what, file=str(places.bundle))], [], 0)
    faults: list[Fault] = []
    cases: list[str] = []
    for result in results:
        failing = list(_failing(result.get("sub_results", {})))
        if result["name"] == _CASES and failing:
            cases += failing
        else:
            faults += _faults(places, result, failing)
    return Tested(faults, cases, sum(len(result.get("sub_results", {})) or 1 for result in results))


def uncovered(places: Places) -> list[Fault]:
    """The lines that no test reaches; none where tests fail, as OPA then does not say."""
    try:
        coverage = json.loads(_test(places, "--coverage", "--coverage-runs="))
    except (ValueError, InvalidPolicy):
        return []
    return [
        Fault(f"no test reaches {_lines(first, last)}; write one, or delete what nobody needs", file=shown, line=first)
        for file, said in sorted(coverage["files"].items())
        for shown in [places.shown(file)]
        for first, last in _runs(said.get("not_covered", []))
    ]


def _test(places: Places, *options: str) -> str:
    tested = ["test", "--format", "json", "--timeout", "30s", *options, *places.with_tests()]
    return run_opa(places.opa, *tested, cwd=places.policies, shown=places.policies, fails=False, settings=_ENVIRONMENT)


def _failing(rows: dict[str, Any], above: str = "") -> Iterator[str]:
    for name, row in rows.items():
        if "sub_results" in row:
            yield from _failing(row["sub_results"], f"{above}{name}: ")
        elif row.get("fail") or row.get("error"):
            yield f"{above}{name}"


def _faults(places: Places, result: dict[str, Any], failing: list[str]) -> Iterator[Fault]:
    file, line = places.shown(result["location"]["file"]), result["location"]["row"]
    name = result["name"]
    if name.startswith(_TODO):
        yield Fault(
            f"`{name}` is not run; finish it as `{name.removeprefix(_TODO)}`, or delete it", file=file, line=line
        )
    elif result.get("error"):
        yield Fault(f"`{name}` breaks off: {' '.join(result['error']['message'].split())}", file=file, line=line)
    elif result.get("fail"):
        for row in failing or [""]:
            which = f" for `{row}`" if row else ""
            yield Fault(f"`{name}` fails{which}; correct the rule, or the test", file=file, line=line)


def _lines(first: int, last: int) -> str:
    return f"lines {first} to {last}" if last > first else "this line"


def _runs(ranges: list[dict[str, Any]]) -> Iterator[tuple[int, int]]:
    """The lines that ranges touch, those that follow each other together."""
    lines = sorted({line for at in ranges for line in range(at["start"]["row"], at["end"]["row"] + 1)})
    first = last = 0
    for line in lines:
        if line != last + 1 and first:
            yield first, last
        if line != last + 1:
            first = line
        last = line
    if first:
        yield first, last
