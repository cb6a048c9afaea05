"""Each kind of finding, in a copy of the shipped policy that is broken in one way; only what finds it is run."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from authz_service.errors import ConfigurationError, Fault, InvalidPolicy
from authz_service.opa.binary import find_regal, project_tool_folder
from authz_service.policy import golden
from authz_service.policy.check import STEPS, check
from authz_service.policy.checks.cases import differing_cases
from authz_service.policy.checks.citations import uncited, unread
from authz_service.policy.checks.compiling import uncompiled
from authz_service.policy.checks.dead import answers_without_reason, dead_promises, dead_rules
from authz_service.policy.checks.formatting import unformatted
from authz_service.policy.checks.golden_table import stale
from authz_service.policy.checks.linting import unlinted
from authz_service.policy.checks.literals import unknown_literals
from authz_service.policy.checks.places import Places, find_cases
from authz_service.policy.checks.promised import unkept
from authz_service.policy.checks.rego_tests import run_tests, uncovered
from authz_service.policy.checks.wording import unspoken
from authz_service.policy.promises import read_promises
from authz_service.policy.sentences import Phrases
from authz_service.policy.situations import Facts, InputSchema
from authz_service.policy.syntax import read_rules
from authz_service.policy.table import Outcome, Table
from tests.conftest import ROOT

Edit = Callable[[str, str, str], tuple[str, int]]

_ROLES = "bundle/authz/roles/roles.rego"
_GRANTS = "bundle/authz/permissions/grants.rego"
_CATALOGUE = "bundle/authz/catalogue/catalogue.rego"
_PROMISES = "checks/promises/roles.rego"


@pytest.fixture
def copy(opa: Path, policies: Path, tmp_path: Path) -> Places:
    """The shipped policies, to be broken, without their cases."""
    return Places(opa, shutil.copytree(policies, tmp_path / "policies"), None)


@pytest.fixture
def edit(copy: Places) -> Edit:
    """Replaces what is in a file once; returns the file, and the line on which the replacement begins."""

    def edit(name: str, old: str, new: str) -> tuple[str, int]:
        file = copy.policies / name
        before, found, after = file.read_text().partition(old)
        assert found, (name, old)
        file.write_text(f"{before}{new}{after}")
        return str(file), before.count("\n") + 1

    return edit


@pytest.fixture(scope="module")
def few_schema(schema: InputSchema) -> InputSchema:
    """Its first two kinds of questions."""
    return schema._replace(kinds=schema.kinds[:2])


@pytest.fixture(scope="module")
def few(table: Table, few_schema: InputSchema) -> Table:
    """Their situations alone."""
    count = len(list(few_schema.situations()))
    return table._replace(situations=table.situations[:count], outcomes=table.outcomes[:count])


@pytest.fixture
def golden_file(copy: Places, few_schema: InputSchema, few: Table) -> Path:
    """The golden table of those few."""
    file = copy.policies / golden.FILE
    file.write_text(golden.write(few, few_schema))
    return file


def _answered(table: Table, facts: Facts, change: Callable[[Outcome], Outcome]) -> Table:
    """The table with other answers wherever these are among the facts."""
    rows = zip(table.situations, table.outcomes, strict=True)
    return table._replace(
        outcomes=[change(outcome) if facts.items() <= situation.items() else outcome for situation, outcome in rows]
    )


def _told(faults: Sequence[Fault]) -> list[str]:
    return [str(fault) for fault in faults]


# format


def test_what_opa_would_write_otherwise_is_told_at_its_first_line(copy: Places, edit: Edit) -> None:
    file, line = edit(_ROLES, "is_user if input", "is_user   if input")
    edit(_PROMISES, 'not "current', 'not    "current')
    first, second = unformatted(copy)
    assert str(first) == f"{file}:{line}: is not as `opa fmt` writes it; run: opa fmt --write {file}"
    assert second.file == str(copy.policies / _PROMISES)


# compile


@pytest.mark.parametrize(
    ("name", "old", "new", "what"),
    [
        (_ROLES, 'input.role == "user"', 'input.rolle == "user"', "undefined ref: input.rolle; known are action, "),
        (_ROLES, 'input.role == "user"', "http.send({}).x", "undefined function http.send"),
        (
            "bundle/authz/decision/decision_test.rego",
            "test_fail_silence_is_a_no if {",
            "test_fail_silence_is_a_no if {\n\tunused := 1",
            "assigned var unused unused",
        ),
        (
            _PROMISES,
            "input.facts.action == ",
            "input.facts.acton == ",
            "undefined ref: input.facts.acton; known are action, ",
        ),
        (
            _PROMISES,
            "input.answer.allow == true",
            "input.answer.allowed == true",
            "undefined ref: input.answer.allowed; known are allow, effects, reasons, requires, route",
        ),
    ],
)
def test_what_does_not_compile_is_told_at_its_line(
    copy: Places, edit: Edit, name: str, old: str, new: str, what: str
) -> None:
    file, line = edit(name, old, new)
    [fault] = uncompiled(copy)
    assert (fault.file, fault.line - new.count("\n")) == (file, line)
    assert fault.what.startswith(what)


def test_a_folder_that_is_none_is_told(copy: Places) -> None:
    shutil.rmtree(copy.bundle)
    assert _told(uncompiled(copy)) == [f"{copy.policies}: is no policies folder: it has no bundle"]


# lint


def test_what_regal_finds_is_found_in_promises_too(copy: Places, edit: Edit) -> None:
    file, line = edit(_PROMISES, "cites: [ROLE-5]", "cites: [ROLE-99]")
    edit(_ROLES, "is_user if input", "is_user   if input")
    [fault] = unlinted(copy, lambda: find_regal(os.environ, project_tool_folder()))
    assert (fault.file, fault.line) == (file, line + 1)
    assert "cites ROLE-99, which requirements.yaml does not have" in fault.what


def test_a_missing_linter_is_a_finding(copy: Places) -> None:
    def find() -> Path:
        raise ConfigurationError("Regal is wanted. Run: make setup")

    assert _told(unlinted(copy, find)) == [f"{copy.policies}: could not be linted: Regal is wanted. Run: make setup"]


# tests and coverage


def test_a_case_file_that_cannot_be_read_is_told(copy: Places, tmp_path: Path) -> None:
    cases = shutil.copytree(ROOT / "fixtures" / "cases", tmp_path / "cases")
    (cases / "bills.yaml").write_text("cases: [")
    with pytest.raises(InvalidPolicy, match=r"bills\.yaml"):
        run_tests(copy._replace(cases=cases))


def test_a_failing_test_is_told_by_its_name_and_row(copy: Places, edit: Edit) -> None:
    shutil.rmtree(copy.promises)
    file, line = edit(
        "bundle/authz/decision/decision_test.rego",
        "test_fail_silence_is_a_no if {",
        "test_fail_silence_is_a_no if {\n\tfalse",
    )
    table_file, _ = edit(
        "bundle/authz/permissions/permissions_test.rego",
        '"view_usage", {}, {"administrator_usage"}',
        '"view_usage", {}, set()',
    )
    table_line = next(
        n for n, text in enumerate(Path(table_file).read_text().splitlines(), 1) if text.startswith("test_granted[")
    )
    assert sorted(_told(run_tests(copy).faults)) == [
        f"{file}:{line}: `test_fail_silence_is_a_no` fails; correct the rule, or the test",
        (
            f"{table_file}:{table_line}: `test_granted` fails for `10: administrator may view_usage {{}}`; "
            "correct the rule, or the test"
        ),
    ]


def test_a_test_that_is_not_run_or_breaks_off_is_told(copy: Places) -> None:
    shutil.rmtree(copy.bundle)
    shutil.rmtree(copy.promises)
    copy.bundle.mkdir()
    file = copy.bundle / "a_test.rego"
    file.write_text("package a_test\n\ntodo_test_it if true\n\ntest_it if f(1)\n\nf(_) := 1\n\nf(x) := 2 if x > 0\n")
    tested = run_tests(copy)
    assert tested.total == 2
    first, second = sorted(_told(tested.faults))
    assert first == f"{file}:3: `todo_test_it` is not run; finish it as `test_it`, or delete it"
    assert second.startswith(f"{file}:5: `test_it` breaks off: function data.a_test.f produced conflicting values")


def test_a_policy_without_tests_is_told(copy: Places) -> None:
    shutil.rmtree(copy.promises)
    for file in copy.bundle.rglob("*_test.rego"):
        file.unlink()
    assert _told(run_tests(copy).faults) == [
        f"{copy.bundle}: has no test; write one beside each rule, in a file that ends in _test.rego"
    ]


def test_lines_that_no_test_reaches_are_told_together(copy: Places, edit: Edit) -> None:
    shutil.rmtree(copy.promises)
    rule = 'is_guest if input.role == "guest"\n\nis_host if {\n\tinput.role == "host"\n\tinput.channel == "web"\n}\n'
    file, line = edit(_ROLES, "# METADATA\n# title: Linked", f"{rule}\n# METADATA\n# title: Linked")
    assert _told(uncovered(copy)) == [
        f"{file}:{line}: no test reaches this line; write one, or delete what nobody needs",
        f"{file}:{line + 2}: no test reaches lines {line + 2} to {line + 4}; write one, or delete what nobody needs",
    ]


def test_where_tests_fail_nothing_is_said_of_what_they_reach(copy: Places, edit: Edit) -> None:
    shutil.rmtree(copy.promises)
    edit(_ROLES, 'is_user if input.role == "user"', 'is_user if input.role == "none"')
    assert uncovered(copy) == []


# cases


def test_a_case_that_is_answered_otherwise_is_told_at_its_place(copy: Places, table: Table) -> None:
    places = copy._replace(cases=ROOT / "fixtures" / "cases")
    denied = Outcome(False, ("administrator_only",), None, (), ())  # noqa: FBT003 - as its fields are named
    closed = _answered(table, {"action": "view_bills", "role": "administrator"}, lambda _: denied)
    file = ROOT / "fixtures" / "cases" / "bills.yaml"
    name = "Philip, the administrator, sees the bills"
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if name in text)
    assert _told(differing_cases(places, [f"bills 0: {name}"], closed)) == [
        (
            f"{file}:{line}: `{name}`: the policy answers allow false instead of true, reasons [administrator_only] "
            "instead of [administrator_bills]; correct the rule, or the case"
        )
    ]
    assert [fault.what for fault in differing_cases(places, [f"bills 0: {name}"], table)] == [
        f"`{name}`: the policy cites other facts; correct the rule, or the case"
    ]


def test_a_failing_case_is_among_the_tests_and_told_by_its_name(copy: Places, tmp_path: Path) -> None:
    cases = shutil.copytree(ROOT / "fixtures" / "cases", tmp_path / "fixtures" / "cases")
    shutil.rmtree(copy.promises)
    assert find_cases(copy.policies) == cases
    bills = cases / "bills.yaml"
    bills.write_text(bills.read_text().replace("reasons: [administrator_bills]", "reasons: [nobody_knows]", 1))
    tested = run_tests(copy._replace(cases=cases))
    assert (tested.faults, tested.cases) == ([], ["bills 0: Philip, the administrator, sees the bills"])
    assert tested.total > 200


# literals


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (
            _ROLES,
            'is_administrator if input.role == "administrator"',
            'is_administrator if input.role == "adminstrator"',
            '`input.role` is never "adminstrator"; known are administrator, none, user; did you mean administrator?',
        ),
        (
            _GRANTS,
            'input.option in {"free", "paid"}',
            'input.option in {"free", "payed"}',
            (
                '`input.option` is never "payed"; known are for_another_kind, free, not_given, paid, unknown; '
                "did you mean paid?"
            ),
        ),
        (
            _GRANTS,
            "input.is_holder == true",
            'input.is_holder != "yes"',
            '`input.is_holder` is never "yes"; known are false, true',
        ),
        (
            "checks/promises/promises.rego",
            '{"free", "paid"}',
            '{"free", "paying"}',
            (
                '`input.facts.option` is never "paying"; known are for_another_kind, free, not_given, paid, unknown; '
                "did you mean paid?"
            ),
        ),
        (
            _PROMISES,
            '"person_becomes_administrator" in input.answer.effects',
            '"persons_become_administrator" in input.answer.effects',
            (
                '`input.answer.effects` is never "persons_become_administrator"; known are activation_code_is_used, '
                "current_administrator_becomes_user, current_administrator_gets_letter, person_becomes_administrator, "
                "wrong_activation_code_counts; did you mean person_becomes_administrator?"
            ),
        ),
    ],
)
def test_a_value_that_a_fact_never_has_is_told_by_name(
    copy: Places, schema: InputSchema, edit: Edit, name: str, old: str, new: str, said: str
) -> None:
    file, line = edit(name, old, new)
    rules, promising = read_rules(copy.opa, copy.bundle), read_rules(copy.opa, copy.promises)
    assert set(_told(unknown_literals(rules, promising, schema))) == {f"{file}:{line}: {said}"}


def test_a_value_in_a_constant_elsewhere_is_told_where_it_is_written(
    copy: Places, schema: InputSchema, edit: Edit
) -> None:
    file, line = edit(_CATALOGUE, '"manage_foot_11_access"', '"manage_foot_12_access"')
    faults = set(unknown_literals(read_rules(copy.opa, copy.bundle), [], schema))
    assert {(fault.file, fault.line) for fault in faults} == {(file, line)}
    assert {fault.what for fault in faults} == {
        (
            '`input.action` is never "manage_foot_12_access"; known are activate_option, become_administrator, '
            "deactivate_option, delegate, manage_bills, manage_cloud_access, manage_foot_11_access, "
            "manage_payment_statements, manage_premium_club_points, manage_proximus_tv_access, unknown, view_bills, "
            "view_payment_statements, view_premium_club_points, view_role, view_usage; "
            "did you mean manage_foot_11_access?"
        )
    }


# requirements


def test_a_requirement_that_no_rule_and_no_promise_cites_is_told_at_its_line(copy: Places, edit: Edit) -> None:
    file, line = edit("requirements.yaml", "readings:", "  ROLE-99: Everyone may sing.\nreadings:")
    rules, promises = read_rules(copy.opa, copy.bundle), read_promises(read_rules(copy.opa, copy.promises))
    assert _told(uncited(copy, rules, promises)) == [
        (
            f"{file}:{line}: ROLE-99 is cited by no rule; write the rule that it asks for, or cite it in the METADATA "
            "of the rule that has it"
        ),
        f"{file}:{line}: ROLE-99 is cited by no promise; write in {copy.promises} what has to hold because of it",
    ]


def test_requirements_that_cannot_be_read_are_told(copy: Places, edit: Edit) -> None:
    file, line = edit("requirements.yaml", "readings:", "readings: [")
    with pytest.raises(InvalidPolicy) as caught:
        uncited(copy, [], [])
    [fault] = caught.value.faults
    assert (fault.file, fault.what) == (file, "is not YAML")
    assert fault.line > line


def test_a_fact_that_nothing_reads_is_told_at_its_definition(copy: Places, schema: InputSchema) -> None:
    rules, promising = read_rules(copy.opa, copy.bundle), read_rules(copy.opa, copy.promises)
    assert unread(copy, [*rules, *promising], schema) == []
    # Who pays for a mobile, and how, must not matter, so that promises alone are about it.
    file = copy.policies / "schemas" / "input.json"
    definitions = file.read_text().partition('"definitions"')
    lines = {
        fact: definitions[0].count("\n") + 1 + definitions[2].partition(f'"{fact}": ')[0].count("\n")
        for fact in ("plan", "paid_by")
    }
    assert _told(unread(copy, rules, schema)) == [
        f"{file}:{lines[fact]}: neither a rule nor a promise reads `{fact}`; write what needs it, or take it out of "
        "the schema"
        for fact in ("plan", "paid_by")
    ]


# words


def test_a_value_without_a_phrase_and_a_row_about_nothing_are_told_together(
    copy: Places, schema: InputSchema, edit: Edit
) -> None:
    assert unspoken(copy, schema) == []
    phrases, _ = edit("schemas/phrases.yaml", "view_bills: see the bills", "view_bill: see the bills")
    matrix, _ = edit("schemas/matrix.yaml", "view_bills", "view_bill")
    assert set(_told(unspoken(copy, schema))) >= {
        f"{phrases}: action: has no phrase for 'view_bills'",
        f"{phrases}: action: has a phrase for 'view_bill', which the schema does not",
    }
    assert any(
        fault.file == matrix and "no such value in the schema: 'view_bill'" in fault.what
        for fault in unspoken(copy, schema)
    )


# situations and rules


def test_an_answer_without_a_reason_is_told_as_a_sentence(copy: Places, table: Table, phrases: Phrases) -> None:
    silent = _answered(table, {"action": "delegate", "role": "user"}, lambda outcome: outcome._replace(codes=()))
    without = [outcome for outcome in silent.outcomes if not outcome.codes]
    rules = read_rules(copy.opa, copy.bundle)
    [fault] = answers_without_reason(copy, rules, silent, phrases)
    answer = copy.bundle / "authz" / "decision" / "decision.rego"
    assert (fault.file, answer.read_text().splitlines()[fault.line - 1]) == (str(answer), "answer := {")
    assert fault.what == (
        "gives no reason: "
        "a user on a residential customer number may not delegate a part of a role: on the web site; "
        "a user on a business customer number may not delegate a part of a role: on the web site; "
        "a user on a residential customer number may not delegate a part of a role: in the app; "
        f"and {len(without) - 3} more; write the rule that gives one"
    )
    assert answers_without_reason(copy, rules, table, phrases) == []


def test_a_rule_that_holds_nowhere_is_told_and_those_that_need_it_are_not(
    copy: Places, edit: Edit, table: Table
) -> None:
    file, line = edit(_ROLES, 'is_user if input.role == "user"', 'is_user if input.role == "cousin"')
    rules = read_rules(copy.opa, copy.bundle)
    assert _told(dead_rules(copy, rules, table)) == [
        f"{file}:{line}: `is_user` holds in no situation; correct its conditions, or delete it"
    ]


def test_one_of_several_definitions_that_holds_nowhere_is_told(copy: Places, edit: Edit, table: Table) -> None:
    name = "bundle/authz/administrators/eligibility.rego"
    old = 'has_mobile_on_bill if input.mobiles_paid_by_employer in {"own", "of_others"}'
    file, line = edit(name, old, old.replace('{"own", "of_others"}', "set()"))
    rules = [rule for rule in read_rules(copy.opa, copy.bundle) if rule.name == "has_mobile_on_bill"]
    assert len(rules) == 2
    assert _told(dead_rules(copy, rules, table)) == [
        f"{file}:{line}: `has_mobile_on_bill` holds in no situation; correct its conditions, or delete it"
    ]


def test_a_reason_that_nobody_gets_is_told_at_its_rule(copy: Places, table: Table) -> None:
    [rule] = [rule for rule in read_rules(copy.opa, copy.bundle) if rule.code == "paid_option"]
    without = table._replace(
        outcomes=[
            outcome._replace(codes=tuple(code for code in outcome.codes if code != "paid_option"))
            for outcome in table.outcomes
        ]
    )
    [fault] = dead_rules(copy, [rule], without)
    assert str(fault) == (
        f"{rule.file}:{rule.line}: `paid_option` is a reason that nobody can get: no answer has it; "
        "correct what stands against it, or delete it"
    )


# promises


def test_a_promise_about_no_situation_is_told(copy: Places, edit: Edit, table: Table) -> None:
    old = 'input.facts.action == "delegate"\n'
    file, line = edit(_PROMISES, old, 'input.facts.action == "delegate"\n\tinput.facts.option == "free"\n')
    assert _told(dead_promises(copy, read_rules(copy.opa, copy.promises), table)) == [
        (
            f"{file}:{line - 1}: `nobody_delegates` is about facts that no situation has, so nothing can break it; "
            "correct its conditions, or delete it"
        )
    ]


def test_a_broken_promise_is_told_with_its_smallest_counterexample(copy: Places, few: Table, phrases: Phrases) -> None:
    delegating = _answered(few, {"action": "delegate"}, lambda outcome: outcome._replace(allow=True))
    promising = read_rules(copy.opa, copy.promises)
    [fault] = [fault for fault in unkept(copy, promising, delegating, phrases) if "ROLE-5" in fault.what]
    count = sum(facts["action"] == "delegate" for facts in few.situations)
    assert fault.what == (
        "“Nobody delegates a part of a role” (ROLE-5) does not hold: somebody unknown may delegate a part of a role "
        f"on an unknown customer number: on the web site; and {count - 1:,} more; correct the rules, or the promise"
    )
    [rule] = [rule for rule in promising if rule.code == "nobody_delegates"]
    assert (fault.file, fault.line) == (rule.file, rule.line)


# golden


def test_a_stale_golden_table_names_situations(
    copy: Places, golden_file: Path, few_schema: InputSchema, few: Table, phrases: Phrases
) -> None:
    assert stale(copy, few_schema, few, phrases) == []
    bills: Facts = {"action": "view_bills", "role": "user", "channel": "app"}
    opened = _answered(few, bills, lambda outcome: outcome._replace(allow=True, codes=("administrator_bills",)))
    line = next(n for n, text in enumerate(golden_file.read_text().splitlines(), 1) if "allow (" in text)
    assert _told(stale(copy, few_schema, opened, phrases)) == [
        (
            f"{golden_file}:{line}: 2 situations are answered otherwise than it says: "
            "a user on a residential customer number may see the bills: in the app, which was denied; "
            "a user on a business customer number may see the bills: in the app, which was denied; "
            "if that is meant, run: authz-service policy accept"
        )
    ]


def test_other_reasons_make_it_stale_too(
    copy: Places, golden_file: Path, few_schema: InputSchema, few: Table, phrases: Phrases
) -> None:
    bills: Facts = {"action": "view_bills", "role": "user"}
    otherwise = _answered(few, bills, lambda outcome: outcome._replace(codes=("paid_option",)))
    [fault] = stale(copy, few_schema, otherwise, phrases)
    assert fault.file == str(golden_file)
    assert fault.what.startswith(
        "6 situations are answered otherwise than it says: a user on a residential customer number may not see the "
        "bills: on the web site, for other reasons or with other effects; "
    )
    assert "; and 3 more; if that is meant, " in fault.what


def test_a_golden_table_that_was_written_by_hand_is_told(
    copy: Places, golden_file: Path, edit: Edit, few_schema: InputSchema, few: Table, phrases: Phrases
) -> None:
    _, line = edit(golden.FILE, "unknown resource\n", "# Mine.\nunknown resource\n")
    assert _told(stale(copy, few_schema, few, phrases)) == [
        (
            f"{golden_file}:{line}: is not as `policy accept` writes it, though it says the same; "
            "run: authz-service policy accept"
        )
    ]


def test_a_missing_golden_table_is_told(
    copy: Places, golden_file: Path, few_schema: InputSchema, few: Table, phrases: Phrases
) -> None:
    golden_file.unlink()
    with pytest.raises(InvalidPolicy, match="does not exist; `authz-service policy accept` makes it"):
        stale(copy, few_schema, few, phrases)


# all together


def _no_regal() -> Path:
    raise ConfigurationError("Run: make setup")


def test_what_does_not_compile_leaves_the_rest_for_later_and_the_other_findings_come_with_it(
    copy: Places, edit: Edit
) -> None:
    file, line = edit(_ROLES, 'input.role == "user"', 'input.rolle   == "user"')
    told: list[tuple[str, bool]] = []
    report = check(copy, _no_regal, lambda name, is_done: told.append((name, is_done)))
    assert {(step, fault.file, fault.line) for step, fault in report.findings} == {
        ("lint", str(copy.policies), 0),
        ("compile", file, line),
        ("format", file, line),
    }
    assert [step.name for step in report.steps] == list(STEPS)
    run = {step.name for step in report.steps if step.seconds is not None}
    assert run == {"compile", "format", "lint"}
    assert {name for name, is_done in told if is_done} == run
    assert (report.situations, report.promises, report.tests) == (0, 0, 0)


def test_a_policy_that_cannot_answer_leaves_what_needs_its_answers(
    copy: Places, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge_all(*_: object) -> Table:
        raise InvalidPolicy([Fault("is undefined for some situations", "data.authz.decision.answer")])

    monkeypatch.setattr("authz_service.policy.check.judge_all", judge_all)
    shutil.rmtree(copy.promises)
    file, line = edit("requirements.yaml", "readings:", "  ROLE-99: Everyone may sing.\nreadings:")
    report = check(copy, _no_regal)
    assert [step.name for step in report.steps if step.seconds is None] == ["cases", "rules", "promises", "golden"]
    found = dict(report.findings)
    assert found["situations"].what == "is undefined for some situations"
    assert any((fault.file, fault.line) == (file, line) for step, fault in report.findings if step == "requirements")
    assert report.tests > 50


def test_a_fault_that_two_steps_find_is_told_once(copy: Places, edit: Edit) -> None:
    edit(_ROLES, 'is_user if input.role == "user"', "is_user if {")
    report = check(copy, lambda: find_regal(os.environ, project_tool_folder()))
    places = [(fault.file, fault.line, fault.what) for _, fault in report.findings]
    assert len(places) == len(set(places)) > 0
    assert {step for step, _ in report.findings} == {"compile"}
