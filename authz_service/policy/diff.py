"""What two versions of a policy answer differently: every situation, grouped by what happened and why."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection

from authz_service.customers.population import Population, count_population
from authz_service.policy.boxes import Box, Boxes
from authz_service.policy.situations import Facts, InputSchema, Value
from authz_service.policy.table import Outcome, Table


class Happened(StrEnum):
    """What happened to a situation, what matters most first."""

    WIDENED = "widened"
    NARROWED = "narrowed"
    TAKES_OVER_OTHERWISE = "takes_over_otherwise"
    STILL_TO_BRING_OTHERWISE = "still_to_bring_otherwise"
    OTHER_REASONS = "other_reasons"


class Change(NamedTuple):
    """One situation that is answered differently."""

    facts: Facts
    old: Outcome
    new: Outcome


class Why(NamedTuple):
    """What a group of changes has in common.

    Attributes:
        happened: What happened.
        allow: Whether it is allowed now.
        came: What the new answer has and the old has not: codes of reasons, and `effect …`, `requires …`, `route …`.
        went: What the old answer has and the new has not.
    """

    happened: Happened
    allow: bool
    came: tuple[str, ...]
    went: tuple[str, ...]


class Group(NamedTuple):
    """Changes for the same reason.

    Attributes:
        why: What they have in common.
        changes: All of them, in the order of the schema.
        boxes: The same, in few words.
    """

    why: Why
    changes: tuple[Change, ...]
    boxes: tuple[Box, ...]


class OneSided(NamedTuple):
    """Situations of one kind that only one of the two policies can be asked about.

    Attributes:
        kind: What they are about.
        size: How many they are.
        allowed: How many of them are allowed.
    """

    kind: str
    size: int
    allowed: int


class Diff(NamedTuple):
    """What is different.

    Attributes:
        judged: How many situations both policies answer.
        changes: Those that they answer differently, in the order of the schema.
        groups: The same, what widened first.
        added: Situations that only the new schema has.
        removed: Situations that only the old schema has.
    """

    judged: int
    changes: tuple[Change, ...]
    groups: tuple[Group, ...]
    added: tuple[OneSided, ...]
    removed: tuple[OneSided, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.changes or self.added or self.removed)

    @property
    def widens(self) -> bool:
        """Whether something is allowed that was not, or could not be asked."""
        return any(group.why.happened is Happened.WIDENED for group in self.groups) or any(
            added.allowed for added in self.added
        )


Impact: TypeAlias = Mapping[Why | Happened, Population]
"""How many are in each group, and in all groups to which the same happened."""


def compare(old: Table, old_schema: InputSchema, new: Table, new_schema: InputSchema) -> Diff:
    """What two tables answer differently; situations are the same where all their facts are."""
    before, after = _by_facts(old), _by_facts(new)
    places = {
        n: Change(facts, before[key], outcome)
        for n, (key, facts, outcome) in enumerate(zip(after, new.situations, new.outcomes, strict=True))
        if key in before and before[key] != outcome
    }
    return Diff(
        judged=len(before.keys() & after.keys()),
        changes=tuple(places.values()),
        groups=tuple(_groups(new_schema, new.situations, places)),
        added=_one_sided(new_schema, new, [key not in before for key in after]),
        removed=_one_sided(old_schema, old, [key not in after for key in before]),
    )


def impact(connection: Connection, diff: Diff) -> Impact:
    """How many people and customer numbers are in each group of changes today.

    Raises:
        InvalidPolicy: The schema has a fact that the customer data does not state.
    """
    of_groups: dict[Why | Happened, list[Facts]] = {}
    for group in diff.groups:
        facts = [change.facts for change in group.changes]
        of_groups[group.why] = facts
        of_groups.setdefault(group.why.happened, []).extend(facts)
    return count_population(connection, of_groups)


def why(change: Change) -> Why:
    """What happened to one situation, and what came and went with it."""
    old, new = change.old, change.new
    before, after = set(old.codes), set(new.codes)
    if old.allow != new.allow:
        happened = Happened.WIDENED if new.allow else Happened.NARROWED
    else:
        # Where it is allowed as before, or denied as before, how has changed too.
        before, after = before | _how(old), after | _how(new)
        if old.effects != new.effects:
            happened = Happened.TAKES_OVER_OTHERWISE
        elif (old.requires, old.route) != (new.requires, new.route):
            happened = Happened.STILL_TO_BRING_OTHERWISE
        else:
            happened = Happened.OTHER_REASONS
    return Why(happened, new.allow, tuple(sorted(after - before)), tuple(sorted(before - after)))


def _how(outcome: Outcome) -> set[str]:
    return {
        *(f"effect {effect}" for effect in outcome.effects),
        *(f"requires {needed}" for needed in outcome.requires),
        *([f"route {outcome.route}"] if outcome.route else []),
    }


def _groups(schema: InputSchema, situations: Sequence[Facts], changes: Mapping[int, Change]) -> Iterator[Group]:
    grouped: dict[Why, list[int]] = {}
    for n, change in changes.items():
        grouped.setdefault(why(change), []).append(n)
    if not grouped:
        return
    boxes = Boxes(schema, situations)
    for reason, places in sorted(grouped.items(), key=_place):
        # Where only the reasons are others it is told shorter, leaving open what happened besides.
        either = {n for other, more in grouped.items() if _happened_too(reason, other) for n in more}
        yield Group(reason, tuple(changes[n] for n in places), tuple(boxes.of({*places}, either)))


def _happened_too(reason: Why, other: Why) -> bool:
    """Whether the same reasons came and went elsewhere, with more besides."""
    return (
        reason.happened is Happened.OTHER_REASONS
        and other != reason
        and {*other.came} >= {*reason.came}
        and {*other.went} >= {*reason.went}
    )


def _place(group: tuple[Why, Sequence[int]]) -> tuple[int, int, Why]:
    reason, places = group
    return list(Happened).index(reason.happened), -len(places), reason


def _by_facts(table: Table) -> dict[frozenset[tuple[str, Value]], Outcome]:
    keys = (frozenset(facts.items()) for facts in table.situations)
    return dict(zip(keys, table.outcomes, strict=True))


def _one_sided(schema: InputSchema, table: Table, is_there: Sequence[bool]) -> tuple[OneSided, ...]:
    counts: Counter[str] = Counter()
    allowed: Counter[str] = Counter()
    for facts, outcome in itertools.compress(zip(table.situations, table.outcomes, strict=True), is_there):
        kind = schema.kind_of(facts)
        title = kind.title if kind else ""
        counts[title] += 1
        allowed[title] += outcome.allow
    return tuple(OneSided(title, count, allowed[title]) for title, count in counts.items())
