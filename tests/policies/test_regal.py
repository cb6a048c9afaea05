"""The policy as Regal reads it: by its own rules, and by ours in `policies/.regal/rules`."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from authz_service.errors import Fault
from authz_service.opa.binary import find_regal, project_tool_folder
from authz_service.opa.regal import lint, regal_config
from authz_service.words import Language
from tests.conftest import ROOT

Append = Callable[[str], int]

_ROLES = Path("bundle/authz/roles/roles.rego")
_RULES = ROOT / "policies" / ".regal" / "rules"


@pytest.fixture(scope="module")
def regal() -> Path:
    """The pinned Regal."""
    return find_regal(os.environ, project_tool_folder())


@pytest.fixture
def copy(policies: Path, tmp_path: Path) -> Path:
    """The shipped policies, to be broken."""
    return shutil.copytree(policies, tmp_path / "policies")


@pytest.fixture
def append(copy: Path) -> Append:
    """Adds to `roles.rego`; returns the line on which the addition begins."""

    def append(text: str) -> int:
        file = copy / _ROLES
        before = file.read_text()
        file.write_text(f"{before}\n{text}\n")
        return before.count("\n") + 2

    return append


def test_the_shipped_policy_its_cases_and_the_rules_about_it_are_clean(regal: Path, policies: Path) -> None:
    assert lint(regal, policies, [ROOT / "fixtures" / "cases", _RULES]) == []


def test_our_rules_fire_and_stay_silent_as_their_own_tests_say(regal: Path) -> None:
    done = subprocess.run(
        [regal, "test", "--format", "json", _RULES], cwd=ROOT, capture_output=True, text=True, check=False
    )
    results = json.loads(done.stdout)
    assert [result["name"] for result in results if result.get("fail") or result.get("error")] == []
    tested = {result["package"].rpartition(".")[2] for result in results}
    assert len(tested) == len(list(_RULES.glob("*_test.rego"))) == 3


def test_our_rules_are_covered_by_their_tests(regal: Path) -> None:
    done = subprocess.run([regal, "test", "--coverage", _RULES], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["coverage"] == 100


def test_a_reason_is_wanted_in_the_languages_that_the_service_speaks(policies: Path) -> None:
    rules = yaml.safe_load(regal_config(policies))["rules"]["authz"]
    assert set(rules["metadata-complete"]["languages"]) == set(Language)


def test_a_rule_without_metadata_is_told_at_its_line(regal: Path, copy: Path, append: Append) -> None:
    line = append('is_owner if input.role == "owner"')
    assert lint(regal, copy) == [
        Fault(
            "`is_owner` has no METADATA; write its title, description, custom.code, custom.cites above it "
            "(authz/metadata-complete)",
            file=str(copy / _ROLES),
            line=line,
        )
    ]


def test_a_code_of_another_rule_is_told_at_its_second_line(regal: Path, copy: Path, append: Append) -> None:
    metadata = "# METADATA\n# title: A\n# description: B\n# custom: {code: is_own_mobile, cites: [ROLE-2]}\n"
    line = append(f'{metadata}is_owner if input.role == "owner"') + 4
    grants = copy / "bundle/authz/permissions/grants.rego"
    first = grants.read_text().splitlines().index("is_own_mobile if {") + 1
    assert lint(regal, copy) == [
        Fault(
            f"the code `is_own_mobile` is that of the rule at {grants}:{first} already; a code belongs to one rule, "
            "for ever (authz/code-unique)",
            file=str(copy / _ROLES),
            line=line,
        )
    ]


def test_a_fact_that_does_not_exist_is_told_at_the_rule_that_cites_it(regal: Path, copy: Path) -> None:
    file = copy / _ROLES
    file.write_text(file.read_text().replace("code: is_linked, cites: [ROLE-2]", "code: is_linked, cites: [ROLE-99]"))
    assert lint(regal, copy) == [
        Fault(
            "`is_linked` cites ROLE-99, which requirements.yaml does not have; add it there, or cite another "
            "(authz/cites-exist)",
            file=str(file),
            line=next(n for n, text in enumerate(file.read_text().splitlines(), 1) if text.startswith("is_linked if")),
        )
    ]


def test_a_fact_that_is_added_to_the_requirements_can_be_cited(regal: Path, copy: Path) -> None:
    requirements = copy / "requirements.yaml"
    requirements.write_text(requirements.read_text().replace("readings:", "  ROLE-99: A new fact.\nreadings:"))
    file = copy / _ROLES
    file.write_text(file.read_text().replace("code: is_linked, cites: [ROLE-2]", "code: is_linked, cites: [ROLE-99]"))
    assert lint(regal, copy) == []


def test_what_regal_itself_finds_says_where_it_is_explained(regal: Path, copy: Path, append: Append) -> None:
    metadata = "# METADATA\n# title: A\n# description: B\n# custom: {code: is_owner, cites: [ROLE-2]}\n"
    line = append(f"{metadata}isOwner if input.role == null") + 4
    [fault] = lint(regal, copy)
    assert (fault.file, fault.line) == (str(copy / _ROLES), line)
    assert fault.what == (
        "Prefer snake_case for names (style/prefer-snake-case, "
        "https://www.openpolicyagent.org/projects/regal/rules/style/prefer-snake-case)"
    )


def test_findings_are_in_the_order_of_the_files(regal: Path, copy: Path, append: Append) -> None:
    last = append("is_owner if input.role == null\n\nis_guest if input.role == null")
    (copy / "bundle" / "authz" / "authz.rego").write_text("package authz\n\nis_new := 1\n")
    found = lint(regal, copy)
    assert [(Path(fault.file).name, fault.line) for fault in found] == [
        ("authz.rego", 3),
        ("roles.rego", last),
        ("roles.rego", last + 2),
    ]


def test_a_file_that_cannot_be_parsed_is_told_at_its_line(regal: Path, copy: Path, append: Append) -> None:
    line = append("is_owner if {\n\tinput.role ==\n}")
    assert lint(regal, copy) == [Fault("unexpected } token", file=str(copy / _ROLES), line=line + 2)]


def test_an_empty_file_is_told(regal: Path, copy: Path) -> None:
    (copy / _ROLES).write_text("")
    assert lint(regal, copy) == [Fault("empty module", file=str(copy / _ROLES))]


def test_a_file_is_named_as_the_folder_was(
    regal: Path, copy: Path, append: Append, monkeypatch: pytest.MonkeyPatch
) -> None:
    append("is_owner if {")
    monkeypatch.chdir(copy.parent)
    [fault] = lint(regal, Path("policies"))
    assert fault.file == f"policies/{_ROLES}"


def test_a_folder_whose_hidden_part_was_not_copied_is_not_passed(regal: Path, copy: Path) -> None:
    shutil.rmtree(copy / ".regal")
    assert [str(fault) for fault in lint(regal, copy)] == [
        f"{copy}: has no .regal/config.yaml; it belongs to the folder, and was hidden from whoever copied the rest"
    ]


@pytest.mark.parametrize(
    ("file", "content", "what", "line"),
    [
        ("requirements.yaml", None, "cannot be read: No such file or directory", 0),
        ("requirements.yaml", "facts:\n  A: b\nreadings: [", "is not YAML", 3),
        ("requirements.yaml", "facts: {}", "must have `facts` and `readings`, each sentence by its id", 0),
        ("requirements.yaml", "facts", "must be a mapping", 0),
        (".regal/config.yaml", "rules: {authz: }", "must have rules.authz.cites-exist, with its level", 0),
    ],
)
def test_what_the_rules_are_told_from_has_to_be_right(
    regal: Path, copy: Path, file: str, content: str | None, what: str, line: int
) -> None:
    (copy / file).unlink()
    if content is not None:
        (copy / file).write_text(content)
    assert lint(regal, copy) == [Fault(what, file=str(copy / file), line=line)]
