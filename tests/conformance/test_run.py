"""Running case files: what is printed, and when it counts as a failure."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.conformance import run
from tests.conformance.asking import Service
from tests.conformance.known_faults import KNOWN_FAULTS

READ = {
    "subject": {"type": "user", "id": "alice"},
    "action": {"name": "read"},
    "resource": {"type": "record", "id": "record-1"},
}
CASE = {
    "id": "alice-reads",
    "endpoint": "/access/v1/evaluation",
    "method": "POST",
    "content_type": "application/json",
    "request": READ,
    "accept_status": [200],
}
PASSING = {**CASE, "expected": {"decision": True}}
FAILING = {**CASE, "expected": {"decision": False}}


@pytest.fixture
def result(request: pytest.FixtureRequest, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    """What a run of these cases comes to."""
    write(tmp_path, request.param)
    monkeypatch.setattr(run, "served", lambda: nullcontext(service))
    return CliRunner().invoke(run.command, [str(tmp_path)])


def write(folder: Path, cases: list[dict[str, Any]]) -> None:
    content = {"source": "here", "note": "made up", "plans": {}, "cases": cases}
    (folder / "oidf_suite_cases.json").write_text(json.dumps(content))


[FAULT] = KNOWN_FAULTS
MERGED = {
    **CASE,
    "id": FAULT,
    "endpoint": "/access/v1/evaluations",
    "expected": {"evaluations": [{"decision": True}, {"decision": True}]},
}
RIGHT, BENT = (
    {**READ, "evaluations": [{"action": {"name": name}} for name in names]} for names in (["fly", "go"], ["read", "go"])
)


@pytest.mark.parametrize("result", [[PASSING]], indirect=True)
def test_cases_that_pass_are_counted(result: Result) -> None:
    assert result.exit_code == 0, result.output
    assert result.output.endswith("✓ OIDF suite    1 of 1\n")
    assert "alice-reads" not in result.output


@pytest.mark.parametrize("result", [[PASSING]], indirect=True)
def test_files_that_are_not_there_are_named(result: Result) -> None:
    assert "- certification_scenario_cases.json is not there\n" in result.output
    assert "oidf_suite_cases.json" not in result.output


@pytest.mark.parametrize("result", [[FAILING, {**PASSING, "id": "again"}]], indirect=True)
def test_a_case_that_fails_is_shown_with_both_sides(result: Result) -> None:
    assert result.exit_code == 1
    [shown] = result.output.split("✗ alice-reads: ")[1:]
    assert shown.splitlines() == [
        "the decision is another",
        f"    asked     POST /access/v1/evaluation {json.dumps(READ, separators=(',', ':'))}",
        '    expected  HTTP 200 {"decision":false}',
        '    got       HTTP 200 {"decision":true}',
        "✗ OIDF suite    1 of 2",
    ]
    assert "\x1b" not in result.output


@pytest.mark.parametrize("result", [[PASSING, {**MERGED, "request": RIGHT}]], indirect=True)
def test_a_known_fault_of_a_suite_is_named_and_tolerated(result: Result) -> None:
    assert result.exit_code == 0, result.output
    assert f"✗ {FAULT}: known fault of the suite, openid/authzen#640: " in result.output
    assert "    got       HTTP 200 " in result.output
    assert result.output.endswith("✓ OIDF suite    1 of 2, 1 known fault of the suite\n")


@pytest.mark.parametrize("result", [[PASSING, {**MERGED, "request": BENT}]], indirect=True)
def test_a_known_fault_that_is_not_answered_right_is_a_failure(result: Result) -> None:
    assert result.exit_code == 1
    assert f"✗ {FAULT}: known fault of the suite, but a right service answers " in result.output
    assert result.output.endswith("✗ OIDF suite    1 of 2\n")


@pytest.mark.parametrize(
    "result", [[{**MERGED, "request": RIGHT, "expected": KNOWN_FAULTS[FAULT].right}]], indirect=True
)
def test_a_known_fault_that_has_been_mended_is_a_case_like_others(result: Result) -> None:
    assert result.exit_code == 0, result.output
    assert result.output.endswith("✓ OIDF suite    1 of 1\n")


@pytest.mark.parametrize("result", [[{**PASSING, "not_applicable_for_auth_type": ["bearer"]}]], indirect=True)
def test_a_case_that_does_not_apply_is_told_and_not_counted_as_passed(result: Result) -> None:
    assert "- alice-reads: not for callers with a bearer token\n" in result.output
    assert result.output.endswith("✓ OIDF suite    0 of 1, 1 not applicable\n")


@pytest.mark.parametrize("result", [[]], indirect=True)
def test_a_file_without_cases_is_no_pass(result: Result) -> None:
    assert result.exit_code == 2
    assert "the suite OIDF suite has no cases" in result.output


def test_a_folder_that_is_not_there_or_empty_is_no_pass(tmp_path: Path) -> None:
    empty = CliRunner().invoke(run.command, [str(tmp_path)])
    assert (empty.exit_code, "has no case files" in empty.output) == (2, True)
    missing = CliRunner().invoke(run.command, [str(tmp_path / "missing")])
    assert (missing.exit_code, "does not exist" in missing.output) == (2, True)
