"""Checks a policies folder and makes one bundle of it, with a revision that is a digest of its content."""

import hashlib
import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from authz_service import __version__
from authz_service.errors import Fault, InvalidPolicy, PolicyEngineMisbehaved
from authz_service.opa.binary import OPA_VERSION
from authz_service.opa.command import restricted, run_opa
from authz_service.opa.contents import ROOTS, SIGNATURES, faults_of_kind, read_files
from authz_service.opa.engine import PACKAGE, RULE, parse_verdict
from authz_service.opa.folder import HISTORY, MANIFEST, SEQUENCE, SOURCES, read_sources
from authz_service.opa.signing import BundleKey

_ASK = Path(__file__).with_name("ask.rego")
_SCHEMA = Path("schemas") / "input.json"
_REQUIREMENTS = Path("requirements.yaml")
_ENTRYPOINT = "data.authz.decision.answer"
_PACKAGE_OF_ENTRYPOINT = re.compile(r"^package authz\.decision\s*$", re.MULTILINE)
_RULE_OF_ENTRYPOINT = re.compile(r"^(default\s+)?answer\b", re.MULTILINE)
# All that OPA loads of a bundle: without the rest, an editor's leftovers are no new revision.
_LOADED = ("*.rego", "data.json", "data.yaml", "data.yml")
_TESTS = "*_test.rego"
_REVISION_LENGTH = 16


def build_bundle(
    opa: Path,
    policies: Path,
    target: Path,
    *,
    signing: BundleKey | None = None,
    history: Mapping[str, object] | None = None,
    sequence: int | None = None,
) -> str:
    """Checks what is in `policies` at this moment, and puts the bundle of it at `target` in one step.

    Args:
        opa: The program.
        policies: A policies folder, with `bundle/` and `schemas/` in it, or a bundle built by this service.
        target: Where the bundle goes. What is there stays untouched unless everything is right.
        signing: The private key to sign it with.
        history: Since when the folder is as it is, which goes into the manifest as it is given.
        sequence: What tells a later bundle from an earlier one, for the manifest; no part of the revision.

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
            told = {HISTORY: history or None, SEQUENCE: sequence}
            revision = _snapshot(policies, snapshot, told)
            shown = policies / "bundle"
            _check(opa, policies, snapshot)
            _pack(opa, snapshot, made, signing, shown=shown)
            read_files(made, policies)  # refuses now what nobody would take
            _try(opa, made, _samples(policies / _SCHEMA), shown=shown, asked=_asked_at(snapshot, shown))
        elif not policies.exists():
            raise InvalidPolicy([Fault("does not exist", file=str(policies))])
        else:
            shutil.copyfile(policies, made)
            if foreign := list(faults_of_kind(read_files(made, policies))):
                raise InvalidPolicy([replace(fault, file=str(policies)) for fault in foreign])
            revision = _try(opa, made, [], shown=policies, asked=(policies, 0))
            if signing:
                _unpack(made, work / "policy", shown=policies)
                _pack(opa, work / "policy", made, signing, shown=policies)
        made.replace(target)
    return revision


def _snapshot(policies: Path, snapshot: Path, told: Mapping[str, object]) -> str:
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
    manifest = {"revision": revision, "roots": ROOTS, "rego_version": 1, "metadata": _metadata(policies, told)}
    (snapshot / MANIFEST).write_text(json.dumps(manifest))
    return revision


def _metadata(policies: Path, told: Mapping[str, object]) -> dict[str, object]:
    """What the bundle is made of and by; no time or place, so that the same is the same to the byte."""
    digested = {"requirements_sha256": _REQUIREMENTS, "input_schema_sha256": _SCHEMA}
    digests = {
        name: hashlib.sha256((policies / file).read_bytes()).hexdigest()
        for name, file in digested.items()
        if (policies / file).is_file()
    }
    known = {name: said for name, said in told.items() if said is not None}
    return {"authz_service": __version__, "opa": OPA_VERSION, **digests, SOURCES: read_sources(policies), **known}


def _pack(opa: Path, folder: Path, target: Path, signing: BundleKey | None, *, shown: Path) -> None:
    signed = signing.options("signing-key") if signing else []
    run_opa(opa, "build", "--bundle", ".", "--output", str(target), *signed, cwd=folder, shown=shown)


def _unpack(bundle: Path, folder: Path, *, shown: Path) -> None:
    try:
        with tarfile.open(bundle) as archive:
            archive.extractall(folder, filter="data")
    except (OSError, EOFError, tarfile.TarError) as error:
        raise InvalidPolicy([Fault("is no bundle", file=str(shown))]) from error
    if (folder / SIGNATURES).exists():
        what = "is signed already, and who signs vouches for it; sign the policies folder or an unsigned bundle"
        raise InvalidPolicy([Fault(what, file=str(shown))])


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
    options = ["--strict", "--max-errors", "0", "--schema", schemas, *restricted(opa, snapshot.parent)]
    checked = ["check", *options, "--bundle", "--format", "json", "."]
    run_opa(opa, *checked, cwd=snapshot, shown=policies / "bundle")


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
    options = [*restricted(opa, bundle.parent), "--stdin-input", "--strict-builtin-errors"]
    evaluate = ["eval", "--bundle", bundle.name, *options, "--format", "json", f"data.{PACKAGE}.{RULE}"]
    question = json.dumps({"documents": documents})
    said = json.loads(run_opa(opa, *evaluate, cwd=bundle.parent, shown=shown, stdin=question))
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
