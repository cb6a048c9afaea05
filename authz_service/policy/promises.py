"""Promises: what holds in every situation, written as Rego over facts and answer, and each counterexample."""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from authz_service.errors import Fault, InvalidPolicy
from authz_service.opa.each import OnProgress, evaluate_each
from authz_service.policy.examples import further, smallest_first, told
from authz_service.policy.remembered import remembered
from authz_service.policy.sentences import Phrases
from authz_service.policy.syntax import Rule, copy_rules
from authz_service.policy.table import Table
from authz_service.questions import Document

FOLDER = Path("checks") / "promises"
PACKAGE = "promises"
BROKEN = "broken"

_ASKED = Path(__file__).parents[1] / "opa" / "promised.rego"
_WRITE = f"`{BROKEN} contains rego.metadata.rule().custom.code if …`"


class Promise(NamedTuple):
    """What holds in every situation.

    Attributes:
        code: Its name.
        title: It, as a sentence without its full stop.
        cites: The facts and readings that it rests on.
        file: The file, as the folder was named.
        line: The line of its rule.
    """

    code: str
    title: str
    cites: tuple[str, ...]
    file: str
    line: int


class Broken(NamedTuple):
    """A promise that does not hold.

    Attributes:
        promise: The promise.
        places: The situations in which it does not, by their place in the table, never empty; the smallest first.
    """

    promise: Promise
    places: tuple[int, ...]


def promises_among(rules: Sequence[Rule]) -> list[Rule]:
    """The rules that are promises, and not what those are written with."""
    return [rule for rule in rules if (rule.package, rule.name) == (f"data.{PACKAGE}", BROKEN)]


def read_promises(rules: Sequence[Rule]) -> list[Promise]:
    """The promises among the rules that are in their folder.

    Raises:
        InvalidPolicy: One lacks its METADATA.
    """
    promises = promises_among(rules)
    faults = [fault for rule in promises for fault in _faults(rule)]
    if faults:
        raise InvalidPolicy(faults)
    return [Promise(rule.code, rule.annotation["title"], rule.cites, rule.file, rule.line) for rule in promises]


def broken_promises(
    opa: Path,
    policies: Path,
    promises: Sequence[Promise],
    table: Table,
    on_progress: OnProgress = lambda _done, _of: None,
) -> list[Broken]:
    """The promises of a policies folder that the answers of a table break, in the order given.

    Raises:
        InvalidPolicy: OPA refuses them, or one is broken under a code that none of them has.
    """
    if not promises:
        return []
    stated = documents(table)
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle"
        content = copy_rules(policies / FOLDER, bundle)
        digest = hashlib.sha256(json.dumps(stated).encode()).hexdigest()
        rows = remembered(
            [_ASKED.read_text(encoding="utf-8"), content, digest],
            len(stated),
            lambda: evaluate_each(opa, bundle, _ASKED, stated, on_progress, policies / FOLDER),
        )
    found: dict[str, list[int]] = {}
    for place, codes in enumerate(rows):
        for code in codes:
            found.setdefault(code, []).append(place)
    unknown = sorted(found.keys() - {promise.code for promise in promises})
    if unknown:
        what = f"has `{', '.join(unknown)}` in `{BROKEN}`, which is the code of no promise; write {_WRITE}"
        raise InvalidPolicy([Fault(what, file=str(policies / FOLDER))])
    return [
        Broken(promise, tuple(smallest_first(table, found[promise.code])))
        for promise in promises
        if promise.code in found
    ]


def counterexample(broken: Broken, table: Table, phrases: Phrases) -> str:
    """The smallest situation that breaks it, as a sentence without its full stop, and how many more there are."""
    first, *others = broken.places
    return f"{told(table, first, phrases)}{further(len(others))}"


def documents(table: Table) -> list[Document]:
    """What a promise is asked about: each situation with its answer."""
    return [
        {
            "facts": dict(facts),
            "answer": {
                "allow": outcome.allow,
                "reasons": list(outcome.codes),
                "route": outcome.route,
                "requires": list(outcome.requires),
                "effects": list(outcome.effects),
            },
        }
        for facts, outcome in zip(table.situations, table.outcomes, strict=True)
    ]


def _faults(rule: Rule) -> Iterator[Fault]:
    lacking = [
        *([] if isinstance(rule.annotation.get("title"), str) else ["title, the promise as a sentence"]),
        *([] if rule.code else ["custom.code"]),
        *([] if rule.cites else ["custom.cites, the facts that it rests on"]),
    ]
    if lacking:
        yield Fault(f"lacks in its METADATA: {'; '.join(lacking)}", file=rule.file, line=rule.line)
