"""The conditions of a rule one by one: what each says, where, and what it depends on."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from authz_service.policy.syntax import Node, Rule, path, text

_SCOPES_OF_THEIR_OWN = {"arraycomprehension", "setcomprehension", "objectcomprehension"}

Name: TypeAlias = tuple[str, ...]
"""Where something is, from `data` or `input` on."""


class Expression(NamedTuple):
    """One expression of a body.

    Attributes:
        text: As it is written.
        line: Where it begins.
        helper: The rule that it asks, where it does nothing else; else None.
        is_negated: Whether it begins with `not`.
        refers: What it names: facts, other rules and what is in them.
        variables: Those that it may share with other expressions of the body.
    """

    text: str
    line: int
    helper: Name | None
    is_negated: bool
    refers: frozenset[Name]
    variables: frozenset[str]


Condition: TypeAlias = tuple[Expression, ...]
"""Expressions that share variables, in their order, so that they hold or fail together; most are one alone."""


def name_of(rule: Rule) -> Name:
    return (*rule.package.split("."), rule.name)


def conditions_of(rule: Rule, owned: Collection[str]) -> tuple[Condition, ...] | None:
    """The conditions of one definition of a rule.

    Args:
        rule: The rule.
        owned: The names of all rules of its package.

    Returns:
        None where they do not tell alone whether it holds: of a function, a default, or what has an `else`.
    """
    if rule.node.get("default") or "else" in rule.node or "args" in rule.node["head"]:
        return None
    known: dict[str, Name] = {"input": ("input",), "data": ("data",)}
    known |= {name: tuple(imported.split(".")) for name, imported in rule.imports.items()}
    known |= {name: (*rule.package.split("."), name) for name in owned}
    return tuple(_conditions([_expression(node, known) for node in rule.conditions]))


def _expression(node: Node, known: Mapping[str, Name]) -> Expression:
    named = list(_named(node))
    terms = node["terms"]
    is_plain = isinstance(terms, dict) and "with" not in node
    return Expression(
        text(node),
        node["location"]["row"],
        _resolved(terms, known) if is_plain else None,
        node.get("negated", False),
        frozenset(name for each in named if (name := _resolved(each.node, known))),
        frozenset(
            variable
            for each in named
            if not (each.is_called or each.is_nested or (variable := path(each.node)[0]) in known)
        ),
    )


def _conditions(body: Sequence[Expression]) -> Iterator[Condition]:
    groups: list[list[int]] = []
    for at, expression in enumerate(body):
        shared = [group for group in groups if any(body[n].variables & expression.variables for n in group)]
        groups = [group for group in groups if group not in shared]
        groups.append(sorted([*(n for group in shared for n in group), at]))
    for group in sorted(groups):
        yield tuple(body[n] for n in group)


class _Named(NamedTuple):
    """A variable or reference; whether it is a function that is called; whether it is in an inner scope."""

    node: Node
    is_called: bool
    is_nested: bool


def _named(part: object, *, is_called: bool = False, is_nested: bool = False) -> Iterator[_Named]:
    if isinstance(part, list):
        for inner in part:
            yield from _named(inner, is_nested=is_nested)
    elif isinstance(part, dict):
        yield from _named_in(part, is_called=is_called, is_nested=is_nested)


def _named_in(node: dict[str, Any], *, is_called: bool, is_nested: bool) -> Iterator[_Named]:
    kind = node.get("type")
    # `every` has a domain.
    is_nested = is_nested or kind in _SCOPES_OF_THEIR_OWN or "domain" in node
    called = node["value"] if kind == "call" else node.get("terms")
    if kind in {"var", "ref"}:
        names = path(node)
        if names and not names[0].startswith("$"):
            yield _Named(node, is_called, is_nested)
        if kind == "ref":
            first, *rest = node["value"]
            yield from _named([part for part in (first, *rest) if part is not first or not names], is_nested=is_nested)
    elif isinstance(called, list):
        yield from _named(called[0], is_called=True, is_nested=is_nested)
        yield from _named([called[1:], node.get("with")], is_nested=is_nested)
    else:
        yield from _named([value for name, value in node.items() if name != "location"], is_nested=is_nested)


def _resolved(node: Node, known: Mapping[str, Name]) -> Name | None:
    names = path(node)
    return (*known[names[0]], *names[1:]) if names and names[0] in known else None
