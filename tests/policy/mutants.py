"""Small edits of a policy, each of which an author could make by mistake."""

import base64
import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from authz_service.policy.situations import InputSchema, Value

_LITERAL = re.compile(r'"(\w+)"')
_SWAPPED = {
    "is_administrator": "is_user",
    "is_user": "is_administrator",
    "is_linked": "is_administrator",
    "==": "!=",
    "> 0": "== 0",
    "== 0": "> 0",
}


class Mutant(NamedTuple):
    """One edit.

    Attributes:
        file: The module, relative to the policies folder.
        line: Where.
        what: What is done there.
        text: The whole module with the edit.
    """

    file: Path
    line: int
    what: str
    text: str


def mutants(opa: Path, policies: Path, schema: InputSchema) -> Iterator[Mutant]:
    """The policy with one thing lost, turned round or swapped, for each thing in it.

    Conditions, the words in them, elements of sets, and rules that contribute to a set.
    """
    enumerations = _enumerations(schema)
    for module in sorted((policies / "bundle").rglob("*.rego")):
        if module.stem.endswith("_test"):
            continue
        text = module.read_text(encoding="utf-8")
        file = module.relative_to(policies)
        for rule in _rules(opa, module):
            for old, new, at, what in _edits(rule, enumerations):
                edited = _replaced(text, old, new, at)
                yield Mutant(file, at["row"], what, edited)


def _enumerations(schema: InputSchema) -> Mapping[str, Sequence[Value]]:
    """All values of the fact that each word is a value of."""
    facts: dict[str, list[Value]] = {}
    for kind in schema.kinds:
        for fact, values in kind.facts.items():
            known = facts.setdefault(fact, [])
            known += [value for value in values if value not in known]
    return {str(value): values for values in facts.values() for value in values if isinstance(value, str)}


def _rules(opa: Path, module: Path) -> list[dict[str, Any]]:
    parsed = subprocess.run(
        [opa, "parse", "--format", "json", "--json-include", "locations", module], check=True, capture_output=True
    )
    rules: list[dict[str, Any]] = json.loads(parsed.stdout).get("rules", [])
    return rules


Edit = tuple[str, str, Mapping[str, int], str]


def _edits(rule: dict[str, Any], enumerations: Mapping[str, Sequence[Value]]) -> Iterator[Edit]:
    written = _text(rule)
    if "contains" in rule["head"] or " contains " in written.partition("\n")[0]:
        yield written, "", rule["location"], "the rule is left out"
    if rule.get("default"):
        turned = written.replace("false", "true") if "false" in written else written
        if turned != written:
            yield written, turned, rule["location"], "the default is turned round"
        return
    body = [condition for condition in rule["body"] if _text(condition) and _text(condition) in written]
    if " if" not in written:
        yield from _shorter_sets(written, rule["location"])
        return
    for condition in body:
        yield from _of_condition(_text(condition), condition["location"], enumerations)


def _of_condition(said: str, at: Mapping[str, int], enumerations: Mapping[str, Sequence[Value]]) -> Iterator[Edit]:
    yield said, "true", at, f"`{said}` is deleted"
    if not said.startswith("some "):
        turned = said.removeprefix("not ") if said.startswith("not ") else f"not {said}"
        yield said, turned, at, f"`{said}` becomes `{turned}`"
    for old, new in _SWAPPED.items():
        if old in said:
            yield said, said.replace(old, new, 1), at, f"`{said}` becomes `{said.replace(old, new, 1)}`"
    for found in _LITERAL.finditer(said):
        values = enumerations.get(found[1], ())
        if found[1] in values:
            other = values[(values.index(found[1]) + 1) % len(values)]
            swapped = f"{said[: found.start(1)]}{other}{said[found.end(1) :]}"
            yield said, swapped, at, f"`{said}` becomes `{swapped}`"


def _shorter_sets(written: str, at: Mapping[str, int]) -> Iterator[Edit]:
    for found in re.finditer(r'\t*"\w+",\n|(?<=\{)"\w+",? ?|, "\w+"(?=[},])', written):
        shorter = written[: found.start()] + written[found.end() :]
        [word] = _LITERAL.findall(found[0])
        yield written, shorter, at, f"{word} is left out"


def _text(node: dict[str, Any]) -> str:
    return base64.b64decode(node["location"].get("text", "")).decode()


def _replaced(text: str, old: str, new: str, at: Mapping[str, int]) -> str:
    lines = text.splitlines(keepends=True)
    start = sum(map(len, lines[: at["row"] - 1])) + at["col"] - 1
    if text[start : start + len(old)] != old:
        raise ValueError(f"line {at['row']} does not say {old}")
    return text[:start] + new + text[start + len(old) :]
