"""The golden table: the answers to all situations, kept beside the policy, so that a review shows which change."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from authz_service.errors import Fault, InvalidPolicy
from authz_service.policy import tree
from authz_service.policy.situations import Facts, InputSchema, Kind
from authz_service.policy.table import Outcome, Table

FILE = "golden.txt"

_HEAD = """\
# The answers to all {count:,} situations: when each part of an answer is given, kind by kind. Made by
#     authz-service policy accept
# and compared by `policy check`, so that a review shows every situation that an edit changes. A line is a condition,
# and the lines further in belong to it; facts that do not matter are not named.
"""
# What tells most comes first; whether the person is known follows from the role for all but strangers.
_FIRST = ("action", "role")
_LAST = ("is_known_person",)
_PART = re.compile(r"(allow|reason|route|requires|effect)(?: (\S+))? \(([\d,]+) of ([\d,]+)\)")


def write(table: Table, schema: InputSchema) -> str:
    """The text of the golden table."""
    text = [_HEAD.format(count=len(table.situations))]
    rows = zip(table.situations, table.outcomes, strict=True)
    for kind, of_kind in groupby(rows, key=lambda row: _kind_of(schema, row[0])):
        text += [*_section(kind, list(of_kind)), ""]
    return "\n".join(text)


def read(file: Path, schema: InputSchema) -> list[Outcome]:
    """What the golden table says of each situation of the schema, in its order.

    A situation that the table knows nothing of is denied without a reason there.

    Raises:
        InvalidPolicy: The file is missing or is no golden table.
    """
    try:
        sections = _sections(file.read_text(encoding="utf-8").splitlines())
    except FileNotFoundError:
        raise InvalidPolicy([Fault("does not exist; `authz-service policy accept` makes it", file=str(file))]) from None
    except (OSError, ValueError, LookupError) as error:
        what = "is no golden table; `authz-service policy accept` makes it anew"
        raise InvalidPolicy([Fault(what, file=str(file))]) from error
    return [_outcome(sections.get(_kind_of(schema, facts).title, {}), facts) for facts in schema.situations()]


def _kind_of(schema: InputSchema, facts: Facts) -> Kind:
    kind = schema.kind_of(facts)
    if kind is None:
        raise ValueError("a situation is of one of the schema's kinds")
    return kind


def _section(kind: Kind, rows: Sequence[tuple[Facts, Outcome]]) -> Iterator[str]:
    yield kind.title
    middle = [fact for fact in kind.facts if fact not in {*_FIRST, *_LAST}]
    facts = {fact: kind.facts[fact] for fact in (*_FIRST, *middle, *_LAST) if fact in kind.facts}
    parts = [_parts(outcome) for _, outcome in rows]
    for part in sorted({part for of_row in parts for part in of_row}, key=_place):
        situations = [(stated, part in of_row) for (stated, _), of_row in zip(rows, parts, strict=True)]
        count = sum(is_so for _, is_so in situations)
        yield f"  {part} ({count:,} of {len(rows):,})"
        yield from tree.write(tree.grow(situations, facts), depth=2)


def _parts(outcome: Outcome) -> frozenset[str]:
    return frozenset(
        [
            *(["allow"] if outcome.allow else []),
            *(f"reason {code}" for code in outcome.codes),
            *([f"route {outcome.route}"] if outcome.route else []),
            *(f"requires {needed}" for needed in outcome.requires),
            *(f"effect {effect}" for effect in outcome.effects),
        ]
    )


def _place(part: str) -> tuple[int, str]:
    return ["allow", "reason", "route", "requires", "effect"].index(part.partition(" ")[0]), part


def _sections(lines: Sequence[str]) -> dict[str, dict[str, tree.Tree]]:
    sections: dict[str, dict[str, tree.Tree]] = {}
    conditions: dict[str, list[tuple[int, str]]] = {}
    title = part = ""
    for line in lines:
        text = line.lstrip(" ")
        depth = (len(line) - len(text)) // 2
        if not text or text.startswith("#"):
            continue
        if depth == 0:
            title = text
            sections[title] = {}
        elif depth == 1:
            found = _PART.fullmatch(text)
            if not found or not title:
                raise ValueError(line)
            part = f"{title}\0{' '.join(filter(None, found.groups()[:2]))}"
            conditions[part] = []
        else:
            conditions[part].append((depth, text))
    for name, of_part in conditions.items():
        of_title, _, said = name.partition("\0")
        sections[of_title][said] = tree.read(of_part)
    return sections


def _outcome(parts: Mapping[str, tree.Tree], facts: Facts) -> Outcome:
    said: dict[str, list[str]] = {}
    for part, when in parts.items():
        if tree.holds(when, facts):
            name, _, value = part.partition(" ")
            said.setdefault(name, []).append(value)
    return Outcome(
        "allow" in said,
        tuple(sorted(said.get("reason", ()))),
        next(iter(said.get("route", ())), None),
        tuple(sorted(said.get("requires", ()))),
        tuple(sorted(said.get("effect", ()))),
    )
