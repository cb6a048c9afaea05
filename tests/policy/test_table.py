import shutil
from pathlib import Path
from random import Random

import pytest

from authz_service.errors import InvalidPolicy
from authz_service.opa.bundle import build_bundle
from authz_service.opa.engine import OpaEngine
from authz_service.opa.signing import read_private_key
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.policy.situations import InputSchema
from authz_service.policy.table import Outcome, Table, judge_all
from tests.signing import ED25519, private_key


def test_the_table_says_what_the_running_policy_answers(table: Table, running_opa: SupervisedOpa) -> None:
    engine = OpaEngine(running_opa.url, timeout=30)
    places = Random(5).sample(range(len(table.situations)), k=2_000)  # noqa: S311 - no secret is made of it
    revision, answers = engine.ask([table.situations[place] for place in places])
    engine.close()
    assert revision == table.revision
    said = [
        Outcome(
            answer.allow, tuple(sorted({r.code for r in answer.reasons})), answer.route, answer.requires, answer.effects
        )
        for answer in answers
    ]
    assert said == [table.outcomes[place] for place in places]


def test_the_same_policy_is_judged_once(
    opa: Path, policies: Path, schema: InputSchema, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("authz_service.policy.table.evaluate_each")
    assert judge_all(opa, policies, schema) == table


def test_what_was_remembered_and_is_spoilt_is_judged_anew(
    opa: Path, policies: Path, schema: InputSchema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    few = schema._replace(kinds=schema.kinds[:2])
    told: list[tuple[int, int]] = []
    first = judge_all(opa, policies, few, lambda done, of: told.append((done, of)))
    assert told == [(648, 648)]
    [remembered] = (tmp_path / "authz-service" / "situations").iterdir()
    remembered.write_text("[[true,")
    assert judge_all(opa, policies, few) == first


def test_a_cache_that_cannot_be_written_changes_nothing(
    opa: Path, policies: Path, schema: InputSchema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "authz-service").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert len(judge_all(opa, policies, schema._replace(kinds=schema.kinds[:1])).outcomes) == 288


def test_an_edit_is_another_revision_with_its_own_answers(
    opa: Path, policies: Path, schema: InputSchema, tmp_path: Path
) -> None:
    edited = tmp_path / "policies"
    shutil.copytree(policies, edited)
    catalogue = edited / "bundle" / "authz" / "catalogue" / "catalogue.rego"
    catalogue.write_text(catalogue.read_text().replace('\t"view_bills",\n', ""))
    few = schema._replace(kinds=schema.kinds[1:2])
    shipped, other = judge_all(opa, policies, few), judge_all(opa, edited, few)
    assert other.revision != shipped.revision
    differing = {
        facts["action"]
        for facts, old, new in zip(few.situations(), shipped.outcomes, other.outcomes, strict=True)
        if old != new
    }
    assert differing == {"view_bills"}


def test_a_signed_bundle_is_judged_like_its_folder(
    opa: Path, policies: Path, schema: InputSchema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = schema._replace(kinds=schema.kinds[:1])
    of_folder = judge_all(opa, policies, few)
    key = private_key(tmp_path, "key", ED25519)
    build_bundle(opa, policies, tmp_path / "signed.tar.gz", signing=read_private_key(key))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert judge_all(opa, tmp_path / "signed.tar.gz", few) == of_folder


def test_a_broken_policy_has_no_table(opa: Path, policies: Path, schema: InputSchema, tmp_path: Path) -> None:
    broken = tmp_path / "policies"
    shutil.copytree(policies, broken)
    (broken / "bundle" / "authz" / "roles" / "roles.rego").write_text("package authz.roles\n\nis_user if if")
    with pytest.raises(InvalidPolicy, match=r"roles\.rego:3: "):
        judge_all(opa, broken, schema)


def test_a_policy_that_contradicts_itself_in_some_situation_is_told_at_its_line(
    opa: Path, policies: Path, schema: InputSchema, tmp_path: Path
) -> None:
    broken = tmp_path / "policies"
    shutil.copytree(policies, broken)
    file = broken / "bundle" / "authz" / "decision" / "decision.rego"
    file.write_text(file.read_text() + '\ngrounds := grants if input.action == "delegate"\n')
    line = file.read_text().count("\n")
    with pytest.raises(InvalidPolicy) as caught:
        judge_all(opa, broken, schema._replace(kinds=schema.kinds[:1]))
    [fault] = caught.value.faults
    assert (fault.file, fault.line) == (str(file), line)
    assert fault.what.startswith("rule data.authz.decision.grounds produced conflicting values: ")
    assert f"at {file}:{line}" in fault.what
