"""Checks a policies folder and makes one bundle of it, with a revision that is a digest of its content."""

import functools
import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from authz_service.errors import Fault, InvalidPolicy, PolicyEngineMisbehaved
from authz_service.opa.engine import PACKAGE, RULE, parse_verdict

_ASK = Path(__file__).with_name("ask.rego")
_TESTS = "_test.rego"
_REVISION_LENGTH = 16
_PATIENCE_SECONDS = 30.0


def build_bundle(opa: Path, policies: Path, target: Path) -> str:
    """Checks what is in `policies` at this moment, and puts the bundle of it at `target` in one step.

    Args:
        opa: The program.
        policies: A policies folder, with `bundle/` and `schemas/` in it, or a bundle built by this service.
        target: Where the bundle goes. What is there stays untouched unless everything is right.

    Returns:
        The revision.

    Raises:
        InvalidPolicy: With every finding, at file and line.
    """
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=target.parent) as folder:
        work = Path(folder).resolve()
        made = work / "bundle.tar.gz"
        if policies.is_dir():
            snapshot = work / "policy"
            revision = _snapshot(policies, snapshot)
            _check(opa, policies, snapshot)
            _opa(opa, "build", "--bundle", ".", "--revision", revision, "--output", str(made), cwd=snapshot)
            _try(opa, made, _samples(policies / "schemas" / "input.json"), policies)
        elif not policies.exists():
            raise InvalidPolicy([Fault("does not exist", file=str(policies))])
        else:
            shutil.copyfile(policies, made)
            revision = _try(opa, made, [], policies)
        made.replace(target)
    return revision


def _snapshot(policies: Path, snapshot: Path) -> str:
    """Copies the policy without its tests, adds what the service asks, and returns the digest of it all."""
    source = policies / "bundle"
    if not source.is_dir():
        raise InvalidPolicy([Fault("is no policies folder: it has no folder `bundle`", file=str(policies))])
    shutil.copytree(source, snapshot, ignore=shutil.ignore_patterns(f"*{_TESTS}", ".manifest"))
    own = snapshot / PACKAGE
    own.mkdir()
    shutil.copyfile(_ASK, own / _ASK.name)
    digest = hashlib.sha256()
    for path in sorted(path for path in snapshot.rglob("*") if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(snapshot)}\0{len(content)}\0".encode() + content)
    revision = digest.hexdigest()[:_REVISION_LENGTH]
    build = own / "build"
    build.mkdir()
    (build / "data.json").write_text(json.dumps({"revision": revision}))
    (snapshot / ".manifest").write_text(json.dumps({"roots": ["authz", PACKAGE], "rego_version": 1}))
    return revision


def _check(opa: Path, policies: Path, snapshot: Path) -> None:
    capabilities = snapshot.parent / "capabilities.json"
    capabilities.write_text(_capabilities(opa))
    options = ["--strict", "--capabilities", str(capabilities), "--schema", str((policies / "schemas").resolve())]
    checked = _run(opa, "check", *options, "--bundle", "--format", "json", ".", cwd=snapshot)
    if checked.returncode:
        raise InvalidPolicy(_findings(checked, policies / "bundle"))


@functools.cache
def _capabilities(opa: Path) -> str:
    """What a policy may use: nothing whose result depends on anything but its input."""
    known: dict[str, Any] = json.loads(_opa(opa, "capabilities", "--current", cwd=opa.parent))
    known["builtins"] = [builtin for builtin in known["builtins"] if not builtin.get("nondeterministic")]
    return json.dumps({**known, "allow_net": []})


def _try(opa: Path, bundle: Path, documents: Sequence[object], policies: Path) -> str:
    """Asks the bundle about one document of each kind, so that no policy goes live that cannot answer."""
    question = json.dumps({"documents": documents})
    asked = ["--bundle", str(bundle), "--stdin-input", "--strict-builtin-errors", "--format", "json"]
    said = json.loads(_opa(opa, "eval", *asked, f"data.{PACKAGE}.{RULE}", cwd=bundle.parent, stdin=question))
    try:
        verdict = parse_verdict({"result": said["result"][0]["expressions"][0]["value"]} if "result" in said else {})
        if len(verdict.answers) != len(documents):
            raise PolicyEngineMisbehaved("The answer is undefined for some questions.")
    except PolicyEngineMisbehaved as error:
        raise InvalidPolicy([Fault(f"data.authz.decision.answer: {error}", file=str(policies))]) from error
    return verdict.revision


def _samples(schema_file: Path) -> list[dict[str, object]]:
    """One document of each kind that the schema has, with the first value of every fact."""
    schema = json.loads(schema_file.read_text())
    definitions = schema["definitions"]

    def first(fact: dict[str, Any]) -> object:
        if "$ref" in fact:
            return first(definitions[fact["$ref"].rpartition("/")[2]])
        return fact["enum"][0] if "enum" in fact else fact.get("const", False)

    return [{name: first(fact) for name, fact in kind["properties"].items()} for kind in schema["anyOf"]]


def _opa(opa: Path, *arguments: str, cwd: Path, stdin: str | None = None) -> str:
    done = _run(opa, *arguments, cwd=cwd, stdin=stdin)
    if done.returncode:
        raise InvalidPolicy(_findings(done, cwd))
    return done.stdout


def _run(opa: Path, *arguments: str, cwd: Path, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - the program was found and checked, and no shell reads the arguments
        [opa, *arguments],
        cwd=cwd,
        env={},
        input=stdin if stdin is not None else "",
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )


def _findings(done: "subprocess.CompletedProcess[str]", shown: Path) -> list[Fault]:
    """What OPA finds wrong, at the author's file rather than at the copy that was checked."""
    for said in (done.stderr, done.stdout):
        try:
            errors = json.loads(said)["errors"]
        except (ValueError, KeyError, TypeError):
            continue
        return [_finding(error, shown) for error in errors]
    return [Fault(done.stderr.strip() or "OPA refuses it without a word", file=str(shown))]


def _finding(error: dict[str, Any], shown: Path) -> Fault:
    location = error.get("location") or {}
    known = error.get("details") or {}
    wanted = f"; known are {', '.join(known['oneOf'])}" if isinstance(known, dict) and known.get("oneOf") else ""
    file = shown / location["file"] if location.get("file") else shown
    return Fault(f"{error['message']}{wanted}", file=str(file), line=location.get("row", 0))
