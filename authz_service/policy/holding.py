"""Which rules hold in no situation at all: the conditions of each are asked of OPA for all of them."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from authz_service.opa.each import evaluate_each
from authz_service.policy.syntax import Node, Rule, copy_rules, text
from authz_service.questions import Document

_SET = "situations_that_hold"
_MODULE = "held"
# Most rules hold in one of a few situations, so that only what is left is asked for all. A prime has no rhythm in
# common with their order.
_ONE_IN = 17


class Asked(NamedTuple):
    """A rule, and those of its conditions that are asked."""

    rule: Rule
    conditions: Sequence[Node]


def hold_nowhere(opa: Path, folder: Path, asked: Sequence[Asked], documents: Sequence[Document]) -> list[Rule]:
    """Those rules of a folder whose conditions hold for none of the documents.

    Raises:
        InvalidPolicy: OPA refuses the rules.
    """
    left = dict(enumerate(asked))
    for few in (documents[::_ONE_IN], documents):
        if left:
            held = _held(opa, folder, left, few)
            left = {number: each for number, each in left.items() if number not in held}
    return [each.rule for each in left.values()]


def _held(opa: Path, folder: Path, asked: Mapping[int, Asked], documents: Sequence[Document]) -> set[int]:
    with tempfile.TemporaryDirectory() as made:
        bundle = Path(made) / "bundle"
        copy_rules(folder, bundle)
        for number, (rule, conditions) in asked.items():
            copied = bundle / Path(rule.file).relative_to(folder)
            with copied.open("a", encoding="utf-8") as file:
                body = "\n".join(map(text, conditions))
                file.write(f"\n{_SET} contains {number} if {{\n{body}\n}}\n")
        sets = sorted({f"{rule.package}.{_SET}" for rule, _ in asked.values()})
        module = Path(made) / f"{_MODULE}.rego"
        module.write_text(
            f"package {_MODULE}\n\n"
            "rows := [held | some document in input.documents; held := all with input as document]\n\n"
            f"all := union({{{', '.join(sets)}}})\n",
            encoding="utf-8",
        )
        return {number for row in evaluate_each(opa, bundle, module, documents, shown=folder) for number in row}
