"""The rules of a folder of Rego, as OPA parses them."""

import base64
import json
import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from authz_service.opa.command import run_opa

Node: TypeAlias = Mapping[str, Any]
"""A part of a syntax tree, as `opa parse` prints it."""

TESTS = "_test.rego"
_PACKAGE = re.compile(r"^package\s+(\w+)", re.MULTILINE)


class Rule(NamedTuple):
    """One definition of a rule.

    Attributes:
        package: Such as `data.authz.roles`.
        name: Its name in there.
        file: The file, as the folder was named.
        line: The line of its head.
        annotation: Its METADATA; that of another definition of its name where it says so, else empty.
        imports: What the names that its file imports stand for.
        node: Its syntax tree.
    """

    package: str
    name: str
    file: str
    line: int
    annotation: Mapping[str, Any]
    imports: Mapping[str, str]
    node: Node

    @property
    def code(self) -> str:
        """Its own word in the METADATA; empty where it has none."""
        code = self.custom.get("code")
        return code if isinstance(code, str) else ""

    @property
    def cites(self) -> tuple[str, ...]:
        """The facts and readings that it rests on."""
        cites = self.custom.get("cites")
        return tuple(cite for cite in cites if isinstance(cite, str)) if isinstance(cites, list) else ()

    @property
    def gives_a_reason(self) -> bool:
        return "message" in self.custom

    @property
    def custom(self) -> Mapping[str, Any]:
        """What is ours in the METADATA, of whatever shape: `code`, `cites`, `message`."""
        custom: Mapping[str, Any] = self.annotation.get("custom", {})
        return custom

    @property
    def conditions(self) -> list[Node]:
        """The expressions of its body; none where it has no condition."""
        return [expression for expression in self.node["body"] if not expression.get("generated")]


def read_rules(opa: Path, folder: Path) -> list[Rule]:
    """All rules beneath a folder but those of tests, by file and line.

    Raises:
        InvalidPolicy: With the place that cannot be parsed.
    """
    files = sorted(file for file in folder.rglob("*.rego") if not file.name.endswith(TESTS))
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        return [rule for rules in workers.map(lambda file: _rules(opa, file), files) for rule in rules]


def copy_rules(folder: Path, target: Path) -> list[str]:
    """Copies what OPA loads of a folder, but no tests, as a bundle; returns what is in its files."""
    content, roots = [], set()
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        if file.name.endswith(TESTS):
            continue
        copied = target / file.relative_to(folder)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(file.read_bytes())
        content.append(copied.read_text(encoding="utf-8", errors="replace"))
        package = _PACKAGE.search(content[-1])
        roots |= {package[1]} if package else set()
    manifest = {"roots": sorted(roots), "rego_version": 1}
    (target / ".manifest").write_text(json.dumps(manifest), encoding="utf-8")
    return content


def text(node: Node) -> str:
    """What is written there."""
    return base64.b64decode(node["location"]["text"]).decode()


def nodes(part: object) -> Iterator[Node]:
    """A part of a syntax tree, and all that it is made of."""
    if isinstance(part, Mapping):
        yield part
        for inner in part.values():
            yield from nodes(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from nodes(inner)


def path(node: Node) -> list[str]:
    """The names of a reference such as `input.role`, as far as they are written out; none for anything else."""
    if node.get("type") == "var":
        return [node["value"]]
    if node.get("type") != "ref":
        return []
    first, *rest = node["value"]
    names = [first["value"]] if first["type"] == "var" else []
    for part in rest:
        if part["type"] != "string":
            break
        names.append(part["value"])
    return names


def _rules(opa: Path, file: Path) -> Iterator[Rule]:
    options = ["--format", "json", "--json-include", "locations,-comments"]
    module = json.loads(run_opa(opa, "parse", *options, file.name, cwd=file.parent, shown=file.parent))
    package = ".".join(part["value"] for part in module["package"]["path"])
    imports = {}
    for imported in module.get("imports", []):
        names = path(imported["path"])
        imports[imported.get("alias", names[-1])] = ".".join(names)
    for rule in module.get("rules", []):
        annotation: dict[str, Any] = {}
        for annotations in rule.get("annotations", []):
            annotation |= annotations
        name = rule["head"]["ref"][0]["value"]
        yield Rule(package, name, str(file), rule["location"]["row"], annotation, imports, rule)
