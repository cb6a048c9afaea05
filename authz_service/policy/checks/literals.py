"""Values that are compared with a fact, or with what an answer says, and that it never has."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TypeAlias

from authz_service.errors import Fault
from authz_service.policy.situations import InputSchema, Value
from authz_service.policy.syntax import Node, Rule, nodes, path, text
from authz_service.policy.tree import word

Known: TypeAlias = Mapping[tuple[str, ...], Collection[Value]]
"""The values that a reference such as `input.role` can have, by its names."""

_COMPARES = (["equal"], ["eq"], ["neq"], ["internal", "member_2"])
_NAMED = 16
_SCALARS = ("string", "boolean", "number", "null")


def unknown_literals(rules: Sequence[Rule], promising: Sequence[Rule], schema: InputSchema) -> list[Fault]:
    """What the rules of the bundle, and those in its promises, compare with something that never has that value."""
    of_rules: dict[tuple[str, ...], set[Value]] = {}
    for kind in schema.kinds:
        for fact, values in kind.facts.items():
            of_rules.setdefault(("input", fact), set()).update(values)
    of_promises: Known = {("input", "facts", fact): values for (_, fact), values in of_rules.items()}
    of_answers: Known = {("input", "answer", part): words for part, words in _words_of_answers(rules).items()}
    return [*_unknown(rules, of_rules), *_unknown(promising, {**of_promises, **of_answers})]


def _unknown(rules: Sequence[Rule], known: Known) -> list[Fault]:
    constants: dict[str, list[Rule]] = {}
    for rule in rules:
        if not rule.conditions:
            constants.setdefault(f"{rule.package}.{rule.name}", []).append(rule)
    return [
        Fault(_what(reference, literal, known[reference]), file=file, line=literal["location"]["row"])
        for rule in rules
        for reference, value in _comparisons(rule.node, known)
        for file, literal in _literals(value, rule, constants)
        if not _is_one_of(literal["value"], known[reference])
    ]


def _words_of_answers(rules: Sequence[Rule]) -> Mapping[str, set[Value]]:
    """What the parts of an answer can have in them."""
    elements = {
        "reasons": [rule for rule in rules if rule.gives_a_reason],
        "requires": [rule for rule in rules if rule.name == "requires"],
        "effects": [rule for rule in rules if rule.name == "effects"],
    }
    return {part: {rule.code for rule in of_part if rule.code} for part, of_part in elements.items()}


def _comparisons(node: Node, known: Known) -> Iterator[tuple[tuple[str, ...], Node]]:
    """What is compared with a known reference: the other side."""
    for part in nodes(node):
        terms = part["value"] if part.get("type") == "call" else part.get("terms")
        if not isinstance(terms, list) or path(terms[0]) not in _COMPARES:
            continue
        _, left, right = terms
        for one, other in ((left, right), (right, left)):
            reference = tuple(path(one))
            if reference in known:
                yield reference, other


def _literals(value: Node, rule: Rule, constants: Mapping[str, list[Rule]]) -> Iterator[tuple[str, Node]]:
    """The values that are written there, or in the constants that are named there, each with its file."""
    kind = value["type"]
    if kind in _SCALARS:
        yield rule.file, value
    elif kind in {"set", "array"}:
        for element in value["value"]:
            yield from _literals(element, rule, constants)
    elif kind == "call" and path(value["value"][0]) in (["or"], ["and"], ["minus"]):
        for argument in value["value"][1:]:
            yield from _literals(argument, rule, constants)
    else:
        first, *others = path(value) or [""]
        name = ".".join([rule.imports.get(first, f"{rule.package}.{first}"), *others])
        for constant in constants.get(name, []):
            yield from _literals(constant.node["head"]["value"], constant, constants)


def _is_one_of(value: object, known: Collection[Value]) -> bool:
    return any(type(value) is type(each) and value == each for each in known)


def _what(reference: tuple[str, ...], literal: Node, known: Collection[Value]) -> str:
    words = sorted({word(each) if isinstance(each, str) else str(each).lower() for each in known})
    written = text(literal)
    near = get_close_matches(written.strip('"'), words, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    named = words if len(words) <= _NAMED else [*words[:_NAMED], f"{len(words) - _NAMED} more"]
    return f"`{'.'.join(reference)}` is never {written}; known are {', '.join(named)}{meant}"
