"""The rules of a policy as a reader sees them: a sentence, the Rego that it is, and since when."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from authz_service.handbook.history import Change, History, newest
from authz_service.policy.syntax import Rule, text


class ShownRule(NamedTuple):
    """All definitions of a rule that share a code.

    Attributes:
        code: The code; the name of the rule where it has none.
        title: What it says, as a sentence without its full stop.
        description: The same at length.
        cites: The facts and readings that it rests on.
        set: Where its reason goes, `grants` or `obstacles`; for another rule its name.
        gives_a_reason: Whether an answer can rest on it.
        message: The sentence to the person, by language.
        rego: Its definitions, as they are written.
        file: The file, from the policies folder.
        line: The line of the first.
        changed: When it was changed last; None where that is not known.
    """

    code: str
    title: str
    description: str
    cites: tuple[str, ...]
    set: str
    gives_a_reason: bool
    message: Mapping[str, str]
    rego: str
    file: Path
    line: int
    changed: Change | None


def shown_rules(rules: Sequence[Rule], folder: Path, policies: Path, history: History) -> list[ShownRule]:
    """The rules, in the order of their files.

    Args:
        rules: The definitions, read from `folder`.
        folder: The bundle that is in force, unpacked.
        policies: The policies folder that it was made of.
        history: Since when its lines are as they are.
    """
    together: dict[tuple[str, str, str], list[Rule]] = {}
    for rule in rules:
        together.setdefault((rule.package, rule.name, rule.code), []).append(rule)
    return [_shown(definitions, folder, policies, history) for definitions in together.values()]


def _shown(definitions: Sequence[Rule], folder: Path, policies: Path, history: History) -> ShownRule:
    first = definitions[0]
    inside = Path("bundle") / Path(first.file).relative_to(folder)
    lines = Path(first.file).read_text(encoding="utf-8").splitlines()
    written = policies / inside
    is_the_same = written.is_file() and written.read_text(encoding="utf-8").splitlines() == lines
    changes = [history.last_change(inside, *_extent(rule, lines)) for rule in definitions] if is_the_same else []
    return ShownRule(
        first.code or first.name,
        first.annotation.get("title", first.name),
        first.annotation.get("description", ""),
        first.cites,
        first.name,
        first.gives_a_reason,
        first.custom.get("message", {}),
        "\n\n".join("\n".join(lines[rule.line - 1 : _end(rule)]) for rule in definitions),
        inside,
        first.line,
        newest(changes),
    )


def _end(rule: Rule) -> int:
    return rule.line + text(rule.node).count("\n")


def _extent(rule: Rule, lines: Sequence[str]) -> tuple[int, int]:
    """The first and last line, with the METADATA."""
    first = rule.line
    while first > 1 and lines[first - 2].startswith("#"):
        first -= 1
    return first, _end(rule)
