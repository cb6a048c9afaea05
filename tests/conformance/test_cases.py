"""Reading the case files of the outside suites: what is not known is refused, and no file is empty."""

import json
from pathlib import Path
from typing import Any

import pytest

from authz_service.errors import ConfigurationError
from tests.conformance.cases import Match, read_suites

CERTIFICATION = "certification_scenario_cases.json"
CASE = {"id": "c-1", "endpoint": "/access/v1/evaluation", "method": "POST", "request": {}, "accept_status": [400]}


def write(folder: Path, name: str, content: object) -> None:
    (folder / name).write_text(json.dumps(content))


def suite(*cases: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"source": "here", "note": "made up", "cases": list(cases), **more}


def test_suites_and_interop_files_become_cases_of_one_form(tmp_path: Path) -> None:
    write(tmp_path, "idp.json", {"search": [{"request": {"a": 1}, "expected": {"results": []}}]})
    asked = {"request": {"a": 1}}
    todo = {"evaluation": [{**asked, "expected": True}], "evaluations": [{**asked, "expected": [{"decision": True}]}]}
    write(tmp_path, "todo.json", todo)
    write(tmp_path, CERTIFICATION, suite(CASE))
    found = {suite.name: suite.cases for suite in read_suites(tmp_path)}
    assert list(found) == ["certification", "Todo evaluation", "Todo evaluations", "IdP"]
    [[refused], [one], [many], [owned]] = found.values()
    assert (refused.rule, refused.accept_status) == (Match.STATUS, [400])
    assert (one.rule, one.expected) == (Match.DECISION, {"decision": True})
    assert (many.rule, many.expected) == (Match.EXACTLY, {"evaluations": [{"decision": True}]})
    assert (owned.rule, owned.endpoint) == (Match.EXACTLY, "/access/v1/search/resource")


@pytest.mark.parametrize(
    ("expected", "rule"),
    [
        ({"decision": True}, Match.DECISION_ALONE),
        ({"evaluations": "booleans"}, Match.BOOLEANS),
        ({"evaluations": [{"decision": True}]}, Match.ONE_EACH),
        ({"results": []}, Match.ENTITIES_PRESENT),
        ({}, Match.STATUS),
    ],
)
def test_without_a_rule_what_is_expected_suggests_one(tmp_path: Path, expected: dict[str, Any], rule: Match) -> None:
    write(tmp_path, CERTIFICATION, suite({**CASE, "expected": expected}))
    [certification] = read_suites(tmp_path)
    assert [case.rule for case in certification.cases] == [rule]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("other.json", {}, "is no case file that is known"),
        (CERTIFICATION, suite(), "the suite certification has no cases"),
        ("todo.json", {"evaluation": [], "evaluations": []}, "the suite Todo evaluation has no cases"),
        ("todo.json", {"evaluation": []}, "must have evaluation and evaluations"),
        (CERTIFICATION, suite({**CASE, "follow_links": True}), "cases.0.follow_links: Extra inputs are not permitted"),
        (CERTIFICATION, suite({**CASE, "match": "somehow alike"}), "cases.0.match: "),
        (CERTIFICATION, suite({**CASE, "repeat": 0}), "cases.0.repeat: "),
        (CERTIFICATION, suite({**CASE, "repeat": "3"}), "cases.0.repeat: "),
        (CERTIFICATION, suite({**CASE, "accept_status": []}), "cases.0.accept_status: "),
        (CERTIFICATION, suite({**CASE, "match": Match.DECISION}), "compares `decision` alone, and something else"),
        (CERTIFICATION, suite({**CASE, "expected": {"error": {}}}), "compares nothing, and something else"),
        (CERTIFICATION, suite({**CASE, "expected": {"results": [], "page": {}}}), "compares `results` alone"),
        (CERTIFICATION, suite({**CASE, "raw_body": ""}), "either a request or a raw body"),
        (CERTIFICATION, suite(CASE, CASE), "two cases have the same id"),
        (CERTIFICATION, suite({**CASE, "plans": ["a"]}, plans={"a": 2}), "not as many as it says itself"),
        (CERTIFICATION, [], "Input should be an object"),
    ],
)
def test_what_cannot_be_run_is_refused(tmp_path: Path, name: str, content: object, said: str) -> None:
    write(tmp_path, name, content)
    with pytest.raises(ConfigurationError) as refused:
        read_suites(tmp_path)
    assert said in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_a_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "idp.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"idp\.json: .*Invalid JSON"):
        read_suites(tmp_path)


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"has no case files; known are oidf_suite_cases\.json, "):
        read_suites(tmp_path)
