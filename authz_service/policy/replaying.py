"""Recorded decisions beside what another policy says of the same facts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from authz_service.journal.counting import Beside, Given
from authz_service.policy.diff import Change, Diff, compare
from authz_service.policy.situations import Facts, InputSchema
from authz_service.policy.table import Outcome, Table


class Replayed(NamedTuple):
    """The decisions recorded under one revision, judged again.

    Attributes:
        revision: That revision.
        other: The revision that judged again.
        diff: What is answered differently, by situations.
        decisions: How many decisions there were.
        unasked: How many of them the other policy cannot be asked about, as it knows no such facts.
        counts: How many decisions each situation was, by its facts.
    """

    revision: str
    other: str
    diff: Diff
    decisions: int
    unasked: int
    counts: Mapping[frozenset[tuple[str, object]], int]

    @property
    def changed(self) -> int:
        """How many decisions are answered differently."""
        return self.of(self.diff.changes)

    def of(self, changes: Iterable[Change]) -> int:
        """How many decisions these situations were."""
        return sum(self.counts[_key(change.facts)] for change in changes)


class _Pair(NamedTuple):
    """A situation with what was recorded and what is said instead, None where nothing can be said."""

    facts: Facts
    recorded: Outcome
    instead: Outcome | None
    decisions: int


def replay(given: Sequence[Given], table: Table, schema: InputSchema) -> list[Replayed]:
    """What a policy answers differently from what was recorded, a revision at a time, that of most decisions first.

    Args:
        given: What was recorded. Rulings without facts are left out.
        table: The policy's answers to every situation.
        schema: The situations.
    """
    outcomes = {_key(facts): outcome for facts, outcome in zip(table.situations, table.outcomes, strict=True)}
    revisions: dict[str, list[_Pair]] = {}
    for ruling, decisions in given:
        facts = ruling["facts"]
        if facts is not None:
            pair = _Pair(facts, _outcome(ruling), outcomes.get(_key(facts)), decisions)
            revisions.setdefault(ruling["revision"], []).append(pair)
    replayed = [_replayed(revision, table.revision, pairs, schema) for revision, pairs in revisions.items()]
    return sorted(replayed, key=lambda each: -each.decisions)


def shadowed(besides: Sequence[Beside], schema: InputSchema) -> list[Replayed]:
    """What shadow policies have answered differently, two revisions at a time."""
    revisions: dict[tuple[str, str], list[_Pair]] = {}
    for ruling, shadow, decisions in besides:
        pair = _Pair(ruling["facts"], _outcome(ruling), _outcome(shadow), decisions)
        revisions.setdefault((ruling["revision"], shadow["revision"]), []).append(pair)
    return [_replayed(*both, pairs, schema) for both, pairs in revisions.items()]


def _replayed(revision: str, other: str, pairs: Sequence[_Pair], schema: InputSchema) -> Replayed:
    asked = [pair for pair in pairs if pair.instead is not None]
    situations = [pair.facts for pair in asked]
    old = Table(revision, situations, [pair.recorded for pair in asked])
    new = Table(other, situations, [pair.instead for pair in asked if pair.instead is not None])
    decisions = sum(pair.decisions for pair in pairs)
    return Replayed(
        revision,
        other,
        compare(old, schema, new, schema),
        decisions,
        decisions - sum(pair.decisions for pair in asked),
        {_key(pair.facts): pair.decisions for pair in asked},
    )


def _outcome(ruling: Mapping[str, Any]) -> Outcome:
    return Outcome(
        ruling["allow"],
        tuple(sorted(reason["code"] for reason in ruling["reasons"])),
        ruling["route"],
        tuple(ruling["requires"]),
        tuple(ruling["effects"]),
    )


def _key(facts: Facts) -> frozenset[tuple[str, object]]:
    return frozenset(facts.items())
