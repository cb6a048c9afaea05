"""A policies folder becomes a bundle whole and right, or not at all."""

import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from authz_service.errors import InvalidPolicy
from authz_service.opa import command
from authz_service.opa.bundle import build_bundle

DECISION = Path("bundle/authz/decision/decision.rego")
TEST = Path("bundle/authz/decision/decision_test.rego")
SCHEMA = Path("schemas/input.json")
BEFORE = b"the bundle of before"

Edit = Callable[[Path], None]


@pytest.fixture
def folder(policies: Path, tmp_path: Path) -> Path:
    """A copy of the shipped policies."""
    return shutil.copytree(policies, tmp_path / "policies")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where the bundle goes; there is one already."""
    path = tmp_path / "out" / "bundle.tar.gz"
    path.parent.mkdir()
    path.write_bytes(BEFORE)
    return path


def put(file: str | Path, text: str) -> Edit:
    def edit(folder: Path) -> None:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)

    return edit


def append(file: str | Path, text: str) -> Edit:
    def edit(folder: Path) -> None:
        with (folder / file).open("a") as stream:
            stream.write(text)

    return edit


def replace(file: str | Path, old: str, new: str) -> Edit:
    def edit(folder: Path) -> None:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new))

    return edit


def delete(file: str | Path) -> Edit:
    def edit(folder: Path) -> None:
        path = folder / file
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()

    return edit


def link_to_nowhere(file: str) -> Edit:
    return lambda folder: (folder / file).symlink_to("somebody@somewhere.42")


def refused(opa: Path, policies: Path, target: Path) -> list[str]:
    """The findings, after making sure that nothing else happened."""
    with pytest.raises(InvalidPolicy) as refusal:
        build_bundle(opa, policies, target)
    assert target.read_bytes() == BEFORE
    assert list(target.parent.iterdir()) == [target]
    return [str(fault) for fault in refusal.value.faults]


# the bundle


def test_the_bundle_takes_the_place_of_the_one_before_in_one_step(opa: Path, folder: Path, target: Path) -> None:
    with target.open("rb") as opened_before:
        build_bundle(opa, folder, target)
        assert opened_before.read() == BEFORE
    assert tarfile.is_tarfile(target)
    assert list(target.parent.iterdir()) == [target]


def test_a_bundle_has_the_policy_and_what_the_service_asks_but_no_test(opa: Path, folder: Path, target: Path) -> None:
    build_bundle(opa, folder, target)
    with tarfile.open(target) as archive:
        files = {name.lstrip("/") for name in archive.getnames()}
    sources = (folder / "bundle").rglob("*.rego")
    rules = {str(path.relative_to(folder / "bundle")) for path in sources if not path.match("*_test.rego")}
    assert files == rules | {"authz_service/ask.rego", "data.json", ".manifest"}


def test_a_bundle_names_its_revision_to_opa_and_to_the_service(opa: Path, folder: Path, target: Path) -> None:
    revision = build_bundle(opa, folder, target)
    with tarfile.open(target) as archive:
        manifest = json.load(archive.extractfile("/.manifest") or io.BytesIO())
        data = json.load(archive.extractfile("/data.json") or io.BytesIO())
    assert manifest["revision"] == revision
    assert sorted(manifest["roots"]) == ["authz", "authz_service"]
    assert data == {"authz_service": {"build": {"revision": revision}}}


def test_a_folder_may_be_named_relatively(
    opa: Path, folder: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    assert build_bundle(opa, Path("policies"), Path("out/bundle.tar.gz")) == build_bundle(opa, folder, target)


def test_opa_is_not_told_the_environment(
    opa: Path, folder: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, program = tmp_path / "told", tmp_path / "opa"
    program.write_text(f'#!/bin/sh\n/usr/bin/env >>{told}\nexec {opa} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("AUTHZ_ACTIVATION_KEY", "of the service")
    build_bundle(program, folder, target)
    assert {line.partition("=")[0] for line in told.read_text().splitlines()} <= {"PWD", "SHLVL", "_", "OLDPWD"}


# the revision


@pytest.fixture(scope="module")
def revision(opa: Path, policies: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """That of the shipped policies."""
    return build_bundle(opa, policies, tmp_path_factory.mktemp("shipped") / "bundle.tar.gz")


def test_the_same_content_has_the_same_revision_wherever_it_is(
    opa: Path, folder: Path, target: Path, revision: str, tmp_path: Path
) -> None:
    elsewhere = shutil.copytree(folder, tmp_path / "elsewhere" / "p")
    os.utime(elsewhere / DECISION, (0, 0))
    assert build_bundle(opa, folder, target) == revision
    assert build_bundle(opa, elsewhere, target) == revision


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(append(DECISION, "\n"), id="another line"),
        pytest.param(replace(DECISION, "cannot be done", "can not be done"), id="another message"),
        pytest.param(
            put("bundle/authz/decision/limits.rego", "package authz.limits\n\nhighest := 1\n"), id="a rule more"
        ),
        pytest.param(put("bundle/authz/limits/data.json", '{"highest": 1}'), id="JSON more"),
        pytest.param(put("bundle/authz/limits/data.yaml", "highest: 1"), id="YAML more"),
        pytest.param(
            lambda folder: (folder / DECISION).rename(folder / "bundle/authz/decision.rego") and None, id="moved"
        ),
    ],
)
def test_another_content_has_another_revision(opa: Path, folder: Path, target: Path, revision: str, edit: Edit) -> None:
    edit(folder)
    assert build_bundle(opa, folder, target) != revision


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(append(TEST, "\ntest_success_more if true\n"), id="a test"),
        pytest.param(append(TEST, "\nno rego at all\n"), id="a broken test"),
        pytest.param(delete(TEST), id="a test that is gone"),
        pytest.param(put("bundle/.manifest", '{"roots": ["authz"], "revision": "mine"}'), id="the manifest"),
        pytest.param(put("bundle/authz/README.md", "Read me."), id="a text"),
        pytest.param(put("bundle/authz/decision/cases.json", "{"), id="JSON that OPA does not load"),
        pytest.param(put("bundle/authz/decision/.decision.rego.swp", "b0VIM"), id="a swap file"),
        pytest.param(put("bundle/authz/decision/.draft.rego", "package"), id="a hidden file"),
        pytest.param(put("bundle/authz/decision/decision.rego~", "package"), id="a backup"),
        pytest.param(link_to_nowhere("bundle/authz/decision/.#decision.rego"), id="a lock"),
        pytest.param(
            lambda folder: shutil.copytree(folder / "bundle" / "authz", folder / "bundle" / "..data") and None,
            id="a hidden folder",
        ),
    ],
)
def test_what_opa_does_not_load_is_no_new_revision(
    opa: Path, folder: Path, target: Path, revision: str, edit: Edit
) -> None:
    edit(folder)
    assert build_bundle(opa, folder, target) == revision


# what is wrong with a policy


def line_count(file: Path) -> int:
    return file.read_text().count("\n")


@pytest.mark.parametrize(
    ("rule", "finding"),
    [
        ("broken := {", "unexpected eof token"),
        ("broken if input.rolle", "undefined ref: input.rolle; known are action, "),
        ("broken if role_of_nobody", "var role_of_nobody is unsafe"),
        ("import data.authz.roles as unused", "unused"),
        ("broken { true }", "`if` keyword is required"),
        ('broken := http.send({"method": "get", "url": "http://localhost"})', "undefined function http.send"),
        ("broken := opa.runtime()", "undefined function opa.runtime"),
        ('broken := rand.intn("x", 3)', "undefined function rand.intn"),
        ("broken := time.now_ns()", "undefined function time.now_ns"),
        ('broken := uuid.rfc4122("x")', "undefined function uuid.rfc4122"),
        ('broken := net.lookup_ip_addr("localhost")', "undefined function net.lookup_ip_addr"),
        ('broken := net.cidr_contains("10.0.0.0/8", "10.0.0.1")', "undefined function net.cidr_contains"),
        ('broken := trace("told elsewhere")', "undefined function trace"),
    ],
)
def test_what_opa_refuses_is_told_at_the_authors_line(
    opa: Path, folder: Path, target: Path, rule: str, finding: str
) -> None:
    line = line_count(folder / DECISION) + 2
    append(DECISION, f"\n{rule}\n")(folder)
    findings = refused(opa, folder, target)
    assert findings[0].startswith((f"{folder / DECISION}:{line}: ", f"{folder / DECISION}:{line + 1}: "))
    assert finding in findings[0]


@pytest.mark.parametrize(
    ("edit", "finding"),
    [
        (replace(DECISION, '"route": route', '"route": 1'), "result.answers[0].route: "),
        (replace(DECISION, '"allow": allow', '"allow": "yes"'), "result.answers[0].allow: "),
        (replace(DECISION, '"reasons": grounds', '"reasons": []'), "result.answers[0].reasons: "),
        (replace(DECISION, '"effects": administrators.effects,\n', ""), "result.answers[0]: "),
        (
            replace(DECISION, '"allow": allow', '"allow": input.customer_kind == "business"'),
            "is undefined for some questions",
        ),
    ],
)
def test_an_answer_of_another_shape_is_told_where_the_answer_is(
    opa: Path, folder: Path, target: Path, edit: Edit, finding: str
) -> None:
    edit(folder)
    line = (folder / DECISION).read_text().splitlines().index("answer := {") + 1
    [told] = refused(opa, folder, target)
    assert told.startswith(f"{folder / DECISION}:{line}: data.authz.decision.answer: ")
    assert finding in told


@pytest.mark.parametrize(
    ("rules", "finding"),
    [
        ("route := 7 if input.role\n\nroute := 8 if input.role\n", "produced conflicting values"),
        ('route := sprintf("%d", [to_number(input.role)])\n', "to_number"),
    ],
)
def test_what_goes_wrong_only_when_asked_is_told_at_the_authors_line(
    opa: Path, folder: Path, target: Path, rules: str, finding: str
) -> None:
    first = line_count(folder / DECISION) + 2
    append(DECISION, f"\n{rules}")(folder)
    [told] = refused(opa, folder, target)
    assert told.startswith(tuple(f"{folder / DECISION}:{line}: " for line in (first, first + 2)))
    assert finding in told
    assert "\n" not in told


def test_every_finding_is_told(opa: Path, folder: Path, target: Path) -> None:
    append(DECISION, "".join(f"\nbroken_{n} if input.nonsense_{n}\n" for n in range(20)))(folder)
    assert len(refused(opa, folder, target)) == 20


@pytest.mark.parametrize(
    ("edit", "place", "finding"),
    [
        (put("bundle/other/other.rego", "package other\n\nx := 1\n"), "bundle", "do not permit 'package other'"),
        (put("bundle/data.json", '{"other": 1}'), "bundle", "do not permit data at path '/other'"),
        (put("bundle/authz/x/data.json", '{"other"'), "bundle", "authz/x/data.json"),
        (put("bundle/authz_service/x.rego", "package x\n"), "bundle/authz_service", "keeps for itself"),
        (put("bundle/authz/x.rego", "package authz_service\n\nask := 1\n"), "bundle", "conflicting values"),
        (put("bundle/authz/x.rego", 'package authz_service.build\n\nrevision := "1"\n'), "bundle", "conflicting rule"),
        (link_to_nowhere("bundle/authz/x.rego"), "bundle/authz/x.rego", "cannot be read"),
        (delete("bundle"), "", "it has no bundle"),
        (delete("bundle/authz"), "bundle", "is undefined for some questions"),
        (delete("schemas"), "", "it has no schemas/input.json"),
        (delete(SCHEMA), "", "it has no schemas/input.json"),
        (put(SCHEMA, "{"), "bundle", "schemas/input.json"),
        (put(SCHEMA, "{}"), SCHEMA, "must be JSON with `anyOf`"),
        (put(SCHEMA, '{"anyOf": []}'), SCHEMA, "must be JSON with `anyOf`"),
        (put(SCHEMA, '{"anyOf": [{"type": "object"}]}'), SCHEMA, "must be JSON with `anyOf`"),
    ],
)
def test_what_is_wrong_with_the_folder_is_told_at_its_place(
    opa: Path, folder: Path, target: Path, edit: Edit, place: str | Path, finding: str
) -> None:
    edit(folder)
    [told, *_] = refused(opa, folder, target)
    assert told.startswith(str(folder / place))
    assert finding in told


def test_a_finding_names_the_file_as_the_author_named_it(
    opa: Path, folder: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(DECISION, "\nbroken := {\n")(folder)
    monkeypatch.chdir(folder.parent)
    findings = refused(opa, Path("policies"), target)
    assert findings[0].startswith("policies/bundle/authz/decision/decision.rego:")


def test_a_folder_that_is_not_there_is_refused(opa: Path, target: Path, tmp_path: Path) -> None:
    assert refused(opa, tmp_path / "nowhere", target) == [f"{tmp_path / 'nowhere'}: does not exist"]


def test_a_policy_without_end_is_refused(
    opa: Path, folder: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_bundle(opa, folder, target)  # what is remembered of OPA itself
    target.write_bytes(BEFORE)
    monkeypatch.setattr(command, "_PATIENCE_SECONDS", 0.001)
    assert refused(opa, folder, target) == [f"{folder / 'bundle'}: OPA has not come to an end with it within 0.001 s"]


# a bundle instead of a folder


def test_a_bundle_is_taken_as_it_is(opa: Path, folder: Path, target: Path, tmp_path: Path) -> None:
    given = tmp_path / "given.tar.gz"
    revision = build_bundle(opa, folder, given)
    assert build_bundle(opa, given, target) == revision
    assert target.read_bytes() == given.read_bytes()


def test_a_file_that_is_no_bundle_is_refused(opa: Path, target: Path, tmp_path: Path) -> None:
    given = tmp_path / "given.tar.gz"
    given.write_bytes(b"PK")
    [told] = refused(opa, given, target)
    assert told.startswith(f"{given}: ")


def _foreign_bundle(opa: Path, tmp_path: Path, rego: str, **manifest: object) -> Path:
    source = tmp_path / "foreign"
    source.mkdir()
    (source / ".manifest").write_text(json.dumps({"roots": ["authz", "authz_service"], "rego_version": 1, **manifest}))
    (source / "ask.rego").write_text(rego)
    subprocess.run([opa, "build", "--bundle", ".", "--output", tmp_path / "foreign.tar.gz"], cwd=source, check=True)
    return tmp_path / "foreign.tar.gz"


@pytest.mark.parametrize(
    ("rego", "finding"),
    [
        ("package authz.other\n\nx := 1\n", "OPA has no policy of this service loaded"),
        ("package authz_service\n\nask := 1\n", "result: "),
        ('package authz_service\n\nask := {"revision": "", "answers": []}\n', "result.revision: "),
        (
            'package authz_service\n\nask := {"revision": opa.runtime().version, "answers": []}\n',
            "undefined function opa.runtime",
        ),
        (
            'package authz_service\n\nx := http.send(input)\n\nask := {"revision": "1", "answers": []}\n',
            "undefined function http.send",
        ),
    ],
)
def test_a_bundle_of_somebody_else_is_refused(opa: Path, target: Path, tmp_path: Path, rego: str, finding: str) -> None:
    given = _foreign_bundle(opa, tmp_path, rego)
    [told] = refused(opa, given, target)
    assert told.startswith(str(given))
    assert finding in told


@pytest.mark.parametrize(
    ("roots", "package"),
    [(["authz", "authz_service", "system"], "system.authz"), (["authz_service"], "authz_service"), ([""], "other")],
)
def test_a_bundle_that_claims_more_or_less_than_the_policy_is_refused(
    opa: Path, target: Path, tmp_path: Path, roots: list[str], package: str
) -> None:
    given = _foreign_bundle(opa, tmp_path, f"package {package}\n\nallow := true\n", roots=roots)
    [told] = refused(opa, given, target)
    assert told.startswith(f"{given}: has other roots than authz and authz_service")


def test_a_bundle_with_compiled_rules_is_refused(opa: Path, folder: Path, target: Path, tmp_path: Path) -> None:
    given = tmp_path / "given.tar.gz"
    source = folder / "bundle"
    (source / ".manifest").write_text(json.dumps({"roots": ["authz", "authz_service"], "rego_version": 1}))
    options = ["--target", "wasm", "--entrypoint", "authz/decision/answer", "--ignore", "*_test.rego"]
    subprocess.run([opa, "build", "--bundle", ".", *options, "--output", given], cwd=source, check=True)
    assert refused(opa, given, target) == [
        f"{given}: has policy.wasm, which is neither rules nor data; make it with `authz-service policy build`",
        f"{given}: has rules compiled to WebAssembly, which nobody can read; make it with `authz-service policy build`",
    ]


def test_what_would_be_too_large_a_bundle_is_not_built(opa: Path, folder: Path, target: Path) -> None:
    (folder / "bundle" / "authz" / "data.json").write_text(json.dumps({"filling": "x" * 17 * 1024 * 1024}))
    with pytest.raises(InvalidPolicy, match="is larger than 16 MiB unpacked"):
        build_bundle(opa, folder, target)
    assert target.read_bytes() == BEFORE
