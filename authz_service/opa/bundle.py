"""Checks a policies folder and makes one bundle of it, with a revision that is a digest of its content."""

import functools
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from authz_service.errors import Fault, InvalidPolicy, PolicyEngineMisbehaved
from authz_service.opa.engine import PACKAGE, RULE, parse_verdict

_ASK = Path(__file__).with_name("ask.rego")
_SCHEMA = Path("schemas") / "input.json"
_ENTRYPOINT = "data.authz.decision.answer"
_PACKAGE_OF_ENTRYPOINT = re.compile(r"^package authz\.decision\s*$", re.MULTILINE)
_RULE_OF_ENTRYPOINT = re.compile(r"^(default\s+)?answer\b", re.MULTILINE)
# All that OPA loads of a bundle: without the rest, an editor's leftovers are no new revision.
_LOADED = ("*.rego", "data.json", "data.yaml", "data.yml")
_TESTS = "*_test.rego"
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
            shown = policies / "bundle"
            _check(opa, policies, snapshot)
            build = ["build", "--bundle", ".", "--revision", revision, "--output", str(made)]
            _opa(opa, *build, cwd=snapshot, shown=shown)
            _try(opa, made, _samples(policies / _SCHEMA), shown=shown, asked=_asked_at(snapshot, shown))
        elif not policies.exists():
            raise InvalidPolicy([Fault("does not exist", file=str(policies))])
        else:
            shutil.copyfile(policies, made)
            revision = _try(opa, made, [], shown=policies, asked=(policies, 0))
        made.replace(target)
    return revision


def _snapshot(policies: Path, snapshot: Path) -> str:
    """Copies the policy without its tests, adds what the service asks, and returns the digest of it all."""
    source = policies / "bundle"
    for needed in (source, policies / _SCHEMA):
        if not needed.exists():
            what = f"is no policies folder: it has no {needed.relative_to(policies)}"
            raise InvalidPolicy([Fault(what, file=str(policies))])
    if (source / PACKAGE).exists():
        what = "is a name that the service keeps for itself; choose another"
        raise InvalidPolicy([Fault(what, file=str(source / PACKAGE))])
    try:
        shutil.copytree(source, snapshot, ignore=_ignored)
    except shutil.Error as error:
        raise InvalidPolicy([Fault("cannot be read", file=file) for file, *_ in error.args[0]]) from error
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


def _ignored(folder: str, names: list[str]) -> set[str]:
    """What is hidden (such as an editor's swap file), what is a test, and what OPA would not load anyway."""
    return {
        name
        for name in names
        if name.startswith(".")
        or fnmatch(name, _TESTS)
        or not (Path(folder, name).is_dir() or any(fnmatch(name, loaded) for loaded in _LOADED))
    }


def _check(opa: Path, policies: Path, snapshot: Path) -> None:
    schemas = str((policies / _SCHEMA).parent.resolve())
    options = ["--strict", "--max-errors", "0", "--schema", schemas, *_restricted(opa, snapshot.parent)]
    checked = ["check", *options, "--bundle", "--format", "json", "."]
    _opa(opa, *checked, cwd=snapshot, shown=policies / "bundle")


def _restricted(opa: Path, work: Path) -> list[str]:
    """The options by which OPA refuses what a policy may not use."""
    capabilities = work / "capabilities.json"
    capabilities.write_text(_capabilities(opa))
    return ["--capabilities", str(capabilities)]


@functools.cache
def _capabilities(opa: Path) -> str:
    """What a policy may use: nothing whose result depends on anything but its input."""
    known: dict[str, Any] = json.loads(_opa(opa, "capabilities", "--current", cwd=opa.parent, shown=opa))
    known["builtins"] = [builtin for builtin in known["builtins"] if not builtin.get("nondeterministic")]
    return json.dumps({**known, "allow_net": []})


def _try(opa: Path, bundle: Path, documents: Sequence[object], *, shown: Path, asked: tuple[Path, int]) -> str:
    """Asks the bundle about one document of each kind, so that no policy goes live that cannot answer.

    Args:
        opa: The program.
        bundle: What is asked.
        documents: What it is asked about.
        shown: Where the author finds what is in the bundle.
        asked: The file and line of the rule that answers.

    Returns:
        The revision that the bundle names.
    """
    options = [*_restricted(opa, bundle.parent), "--stdin-input", "--strict-builtin-errors"]
    evaluate = ["eval", "--bundle", bundle.name, *options, "--format", "json", f"data.{PACKAGE}.{RULE}"]
    question = json.dumps({"documents": documents})
    said = json.loads(_opa(opa, *evaluate, cwd=bundle.parent, shown=shown, stdin=question))
    value = {"result": said["result"][0]["expressions"][0]["value"]} if "result" in said else {}
    file, line = asked
    try:
        verdict = parse_verdict(value)
    except PolicyEngineMisbehaved as error:
        raise InvalidPolicy([Fault(f"{_ENTRYPOINT}: {error}", file=str(file), line=line)]) from error
    if len(verdict.answers) != len(documents):
        what = f"{_ENTRYPOINT}: is undefined for some questions"
        raise InvalidPolicy([Fault(what, file=str(file), line=line)])
    return verdict.revision


def _asked_at(snapshot: Path, shown: Path) -> tuple[Path, int]:
    """The file and line of the rule that answers."""
    for path in snapshot.rglob("*.rego"):
        text = path.read_text(encoding="utf-8")
        rule = _RULE_OF_ENTRYPOINT.search(text) if _PACKAGE_OF_ENTRYPOINT.search(text) else None
        if rule:
            return shown / path.relative_to(snapshot), text.count("\n", 0, rule.start()) + 1
    return shown, 0


def _samples(schema_file: Path) -> list[dict[str, object]]:
    """One document of each kind that the schema has, with the first value of every fact."""

    def first(fact: dict[str, Any]) -> object:
        if "$ref" in fact:
            return first(schema["definitions"][fact["$ref"].rpartition("/")[2]])
        return fact["enum"][0] if "enum" in fact else fact.get("const", False)

    try:
        schema = json.loads(schema_file.read_text(encoding="utf-8"))
        samples = [{name: first(fact) for name, fact in kind["properties"].items()} for kind in schema["anyOf"]]
    except (ValueError, LookupError, TypeError, AttributeError):
        samples = []
    if not samples:
        what = "must be JSON with `anyOf`: the kinds of questions, each with its facts as `properties`"
        raise InvalidPolicy([Fault(what, file=str(schema_file))])
    return samples


def _opa(opa: Path, *arguments: str, cwd: Path, shown: Path, stdin: str = "") -> str:
    """What OPA prints. Its findings are told at the author's files, which are `shown`, not at the copies."""
    try:
        done = subprocess.run(  # noqa: S603 - the program was found and checked, and no shell reads the arguments
            [opa, *arguments],
            cwd=cwd,
            env={},
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        what = f"OPA has not come to an end with it within {_PATIENCE_SECONDS:g} s"
        raise InvalidPolicy([Fault(what, file=str(shown))]) from error
    if done.returncode:
        raise InvalidPolicy(_findings(done, shown))
    return done.stdout


def _findings(done: "subprocess.CompletedProcess[str]", shown: Path) -> list[Fault]:
    for said in (done.stderr, done.stdout):
        try:
            errors = json.loads(said)["errors"]
        except (ValueError, KeyError, TypeError):
            continue
        return [_finding(error, shown) for error in errors]
    return [Fault(" ".join(done.stderr.split()) or "OPA refuses it without a word", file=str(shown))]


def _finding(error: dict[str, Any], shown: Path) -> Fault:
    location = error.get("location") or {}
    known = error.get("details") or {}
    alternatives = known.get("oneOf") if isinstance(known, dict) else None
    wanted = f"; known are {', '.join(alternatives)}" if alternatives else ""
    file = shown / location["file"].lstrip("/") if location.get("file") else shown
    return Fault(" ".join(error["message"].split()) + wanted, file=str(file), line=location.get("row", 0))
