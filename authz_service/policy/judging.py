"""Which conditions of rules hold in a situation: OPA is asked about each as a rule of its own."""

import json
from bisect import bisect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from authz_service.errors import InvalidPolicy
from authz_service.opa.command import run_opa
from authz_service.opa.engine import PACKAGE, RULE, parse_verdict
from authz_service.policy.conditions import Condition, Expression, Name, conditions_of, name_of
from authz_service.policy.situations import Facts
from authz_service.policy.syntax import Rule
from authz_service.questions import Verdict

_ASKED = "explained"
_PREFIX = "authz_service_holds"


class _Beginning(NamedTuple):
    """The first expressions of a condition.

    Attributes:
        condition: The condition.
        length: How many expressions.
    """

    condition: Condition
    length: int


class Prepared(NamedTuple):
    """What a policy is asked, in modules that have been added to it.

    Attributes:
        conditions: Those of each rule, in the order of the rules; None where they do not tell whether it holds.
        asked: The beginnings of conditions that are asked about, by their numbers in the modules.
    """

    conditions: Sequence[tuple[Condition, ...] | None]
    asked: Sequence[_Beginning]


class Judged(NamedTuple):
    """What OPA says of one situation.

    Attributes:
        verdict: The answer.
        codes: The codes that are in each set of reasons.
        conditions: Those of each rule, in the order of the rules; None where they do not tell whether it holds.
        holds: Of each condition, whether its first expressions hold, by how many those are; without those that are no
            body by themselves.
    """

    verdict: Verdict
    codes: Mapping[Name, frozenset[str]]
    conditions: Sequence[tuple[Condition, ...] | None]
    holds: Mapping[Condition, Mapping[int, bool]]

    def failed(self, rule: int) -> list[Condition] | None:
        """The conditions that do not hold, of the rule of that number; None where that cannot be told one by one."""
        conditions = self.conditions[rule]
        if conditions is None or any(len(each) not in self.holds.get(each, {}) for each in conditions):
            return None
        return [condition for condition in conditions if not self.holds[condition][len(condition)]]

    def end(self, condition: Condition) -> Expression:
        """The expression at which a condition that does not hold comes to an end."""
        holds = self.holds[condition]
        return condition[next(length for length in sorted(holds) if not holds[length]) - 1]


def prepare(opa: Path, folder: Path, rules: Sequence[Rule]) -> Prepared:
    """Adds to a policy the modules that `judge` asks.

    Args:
        opa: The program.
        folder: A bundle that has been unpacked.
        rules: Its rules, their files named from there.

    Raises:
        InvalidPolicy: OPA refuses it.
    """
    owned: dict[str, set[str]] = {}
    for rule in rules:
        owned.setdefault(rule.package, set()).add(rule.name)
    conditions = [conditions_of(rule, owned[rule.package]) for rule in rules]
    asked = [
        (rule, _Beginning(condition, length))
        for rule, of_rule in zip(rules, conditions, strict=True)
        for condition in of_rule or ()
        for length in range(1, len(condition) + 1)
    ]
    while True:
        places = _write(folder, rules, asked)
        try:
            _evaluate(opa, folder, [])
        except InvalidPolicy as error:
            # A beginning may be no body by itself, such as `n > 3` before `n = count(…)`.
            refused = {at for fault in error.faults if (at := _at(places, fault.file, fault.line)) is not None}
            if not refused:
                raise
            asked = [one for n, one in enumerate(asked) if n not in refused]
        else:
            return Prepared(conditions, [beginning for _, beginning in asked])


def judge(opa: Path, bundle: Path, prepared: Prepared, situations: Sequence[Facts]) -> list[Judged]:
    """Asks a policy about each situation.

    Args:
        opa: The program.
        bundle: A bundle, packed or not, with the modules that are prepared.
        prepared: What they ask.
        situations: What is asked about.

    Raises:
        InvalidPolicy: OPA refuses it.
    """
    return [_judged(row, prepared) for row in _evaluate(opa, bundle, situations)]


def _evaluate(opa: Path, bundle: Path, situations: Sequence[Facts]) -> list[dict[str, Any]]:
    folder, name = (bundle, ".") if bundle.is_dir() else (bundle.parent, bundle.name)
    options = ["--bundle", name, "--stdin-input", "--strict-builtin-errors", "--format", "json"]
    one = f"data.{PACKAGE}.{_ASKED} with input as document"
    query = f"[row | some document in input.documents; row := {one}]"
    documents = json.dumps({"documents": situations})
    said = json.loads(run_opa(opa, "eval", *options, query, cwd=folder, shown=folder, stdin=documents))
    rows: list[dict[str, Any]] = said["result"][0]["expressions"][0]["value"]
    return rows


def _judged(row: Mapping[str, Any], prepared: Prepared) -> Judged:
    held = set(row.get("held", ()))
    holds: dict[Condition, dict[int, bool]] = {}
    for n, beginning in enumerate(prepared.asked):
        holds.setdefault(beginning.condition, {})[beginning.length] = str(n) in held
    codes = {tuple(json.loads(name)): frozenset(found) for name, found in row["codes"].items()}
    return Judged(parse_verdict({"result": row["verdict"]}), codes, prepared.conditions, holds)


def _is_element(rule: Rule) -> bool:
    """Whether a rule adds an element to a set, so that it is a rule by itself."""
    return "key" in rule.node["head"] and "value" not in rule.node["head"]


def _write(
    folder: Path, rules: Sequence[Rule], asked: Sequence[tuple[Rule, _Beginning]]
) -> dict[str, list[tuple[int, int]]]:
    """Writes the rules that are asked; returns, by file, at which line each of them begins."""
    sets = {name_of(rule) for rule in rules if _is_element(rule) and "message" in rule.custom}
    modules = {_file(rule): _head(rule) for rule in rules}
    places: dict[str, list[tuple[int, int]]] = {}
    codes = (f"{json.dumps(json.dumps(name))}: {{one.code | some one in {_reference(name)}}}" for name in sets)
    gathered = [
        f"package {PACKAGE}.{_ASKED}",
        f'verdict := said if said := data.{PACKAGE}.{RULE} with input as {{"documents": [input]}}',
        f"codes := {{{', '.join(codes)}}}",
    ]
    for n, (rule, (condition, length)) in enumerate(asked):
        lines = modules[_file(rule)]
        places.setdefault(str(folder / _file(rule)), []).append((len(lines) + 1, n))
        body = "\n".join(expression.text for expression in condition[:length])
        lines += f"{_PREFIX}_{n} if {{\n{body}\n}}".split("\n")
        gathered.append(f'held contains "{n}" if {_reference((*name_of(rule)[:-1], f"{_PREFIX}_{n}"))}')
    for file, lines in modules.items():
        (folder / file).write_text("\n".join(lines), encoding="utf-8")
    (folder / PACKAGE / f"{_ASKED}.rego").write_text("\n".join(gathered), encoding="utf-8")
    return places


def _file(rule: Rule) -> str:
    source = Path(rule.file)
    return str(source.with_name(f"{_PREFIX}_{source.name}"))


def _head(rule: Rule) -> list[str]:
    """The beginning of a module in which the conditions of a rule mean the same."""
    imports = {name: tuple(imported.split(".")) for name, imported in rule.imports.items()}
    return [
        f"package {_reference(name_of(rule)[:-1]).removeprefix('data.')}",
        *(f"import {_reference(imported)} as {name}" for name, imported in imports.items() if imported[0] == "data"),
    ]


def _at(places: Mapping[str, list[tuple[int, int]]], file: str, line: int) -> int | None:
    """Which of those that are asked is at that line."""
    of_file = places.get(file, [])
    before = bisect(of_file, line, key=lambda place: place[0])
    return of_file[before - 1][1] if before else None


def _reference(name: Name) -> str:
    first, second, *rest = name
    return f"{first}.{second}" + "".join(f"[{json.dumps(part)}]" for part in rest)
