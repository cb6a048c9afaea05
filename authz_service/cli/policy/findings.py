"""The report of a check for whoever reads it: a person, a script, a code host or a build server."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import click

from authz_service import __version__
from authz_service.cli.counted import counted
from authz_service.errors import Fault
from authz_service.policy.check import STEPS, Report, Step

_TOOL = "authz-service policy check"


def _text(report: Report) -> Iterator[str]:
    for _, fault in report.findings:
        place, what = _place(fault), str(fault)
        yield click.style(place, bold=True) + what.removeprefix(place)
    yield _summary(report)


def _summary(report: Report) -> str:
    took = f"({report.seconds:.1f} s)"
    if not report.findings:
        situations = counted(report.situations, "situation", "situations")
        promises = counted(report.promises, "promise holds", "promises hold")
        tests = counted(report.tests, "test passes", "tests pass")
        return click.style(f"✓ {situations}, {promises}, {tests} {took}", fg="green")
    missed = [step.name for step in report.steps if step.seconds is None]
    later = f"; then still to be looked at: {', '.join(missed)}" if missed else ""
    return click.style(f"✗ {counted(len(report.findings), 'finding', 'findings')}{later} {took}", fg="red")


def _json(report: Report) -> Iterator[str]:
    findings = [
        {"step": step, "file": fault.file, "line": fault.line, "what": _what(fault)} for step, fault in report.findings
    ]
    steps = [{"name": step.name, "findings": len(step.faults), "seconds": _rounded(step)} for step in report.steps]
    counts = {"situations": report.situations, "promises": report.promises, "tests": report.tests}
    seconds = round(report.seconds, 3)
    yield json.dumps({"findings": findings, "steps": steps, **counts, "seconds": seconds}, indent=2, ensure_ascii=False)


def _sarif(report: Report) -> Iterator[str]:
    names = list(STEPS)
    rules = [{"id": name, "shortDescription": {"text": what}} for name, what in STEPS.items()]
    results = [
        {
            "ruleId": step,
            "ruleIndex": names.index(step),
            "level": "error",
            "message": {"text": _what(fault)},
            "locations": [{"physicalLocation": _physical(fault)}],
        }
        for step, fault in report.findings
    ]
    driver = {"name": _TOOL, "version": __version__, "rules": rules}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    yield json.dumps(log, indent=2, ensure_ascii=False)


def _physical(fault: Fault) -> dict[str, Any]:
    file = Path(fault.file)
    uri = file.as_uri() if file.is_absolute() else quote(file.as_posix())
    return {"artifactLocation": {"uri": uri}, **({"region": {"startLine": fault.line}} if fault.line else {})}


def _junit(report: Report) -> Iterator[str]:
    """One test for each finding, and one for each step that has none."""
    cases = [case for step in report.steps for case in _cases(step)]
    counts = {
        "tests": str(len(cases)),
        "failures": str(len(report.findings)),
        "skipped": str(sum(step.seconds is None for step in report.steps)),
        "time": f"{report.seconds:.3f}",
    }
    suites = ET.Element("testsuites", counts)
    ET.SubElement(suites, "testsuite", {"name": _TOOL, **counts}).extend(cases)
    ET.indent(suites)
    yield ET.tostring(suites, encoding="unicode", xml_declaration=True)


def _cases(step: Step) -> Iterator[ET.Element]:
    said = {"classname": f"policy.{step.name}", "time": f"{step.seconds or 0:.3f}"}
    for fault in step.faults:
        case = ET.Element("testcase", {**said, "name": _place(fault), "file": fault.file})
        ET.SubElement(case, "failure", {"message": _what(fault)}).text = str(fault)
        yield case
    if not step.faults:
        case = ET.Element("testcase", {**said, "name": STEPS[step.name]})
        if step.seconds is None:
            ET.SubElement(case, "skipped", {"message": "Something that it needs is broken."})
        yield case


def _place(fault: Fault) -> str:
    return f"{fault.file}:{fault.line}" if fault.line else fault.file


def _what(fault: Fault) -> str:
    return ": ".join(filter(None, [fault.path, fault.what]))


def _rounded(step: Step) -> float | None:
    return None if step.seconds is None else round(step.seconds, 3)


STYLES: Mapping[str, Callable[[Report], Iterator[str]]] = {
    "text": _text,
    "json": _json,
    "sarif": _sarif,
    "junit": _junit,
}
"""How a report can be told, each giving lines."""
