"""Takes a batch of changes: of each object the newest that is right, all of them together."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, select

from authz_service.customers.feed.applying import Faults, apply
from authz_service.customers.feed.changes import Change, Key
from authz_service.customers.feed.choosing import Newest, choose, codes_of
from authz_service.customers.feed.stage import FeedStage, staged_changes
from authz_service.customers.record import RecordKind
from authz_service.errors import Fault
from authz_service.storage.schema import feed_objects

DELETED = "deleted"

Refused = tuple[Change, list[Fault]]
"""A change with what is wrong with it."""


class Rules(NamedTuple):
    """How changes are taken.

    Attributes:
        file: The name of the input, in faults.
        stops: Whether nothing is taken from the first faulty line on; else what is faulty is left out.
        has_authority: Whether the feed may change the administrators of a customer that is stored.
    """

    file: str
    stops: bool
    has_authority: bool


class Taken(NamedTuple):
    """What has become of the changes of a batch.

    Attributes:
        settled: Those that need not come again: applied, skipped or refused.
        applied: How many, by kind and as `DELETED`.
        skipped: How many were older than what is stored, or came with a newer one of the same object.
        refused: Those that do not fit each other or what is stored, in the order of lines, with what is wrong.
    """

    settled: list[Change]
    applied: Counter[str]
    skipped: int
    refused: list[Refused]


def take(connection: Connection, stage: FeedStage, changes: Sequence[Change], rules: Rules) -> Taken:
    """Applies changes, as one after the other would, but for what a later one of the same object mends.

    Args:
        connection: In a transaction that writes, while nobody else takes changes.
        stage: On that connection.
        changes: In the order of their lines.
        rules: How they are taken.
    """
    newest = _newest(connection, stage, changes)
    wrong: Faults = dict(_of_other_sources(changes, newest, rules.file))

    def is_newer(change: Change) -> bool:
        before = newest.get(change.key)
        return before is None or change.sequence > before.sequence

    while True:
        cut = min(wrong) if rules.stops and wrong else None
        left = [change for change in changes if change.line not in wrong and (cut is None or change.line < cut)]
        chosen = choose([change for change in left if is_newer(change)], codes_of(left, newest))
        with connection.begin_nested() as attempt:
            found: Faults = {}
            if chosen.newest or chosen.codes:
                found = apply(connection, stage, chosen, rules.file, may_change_administrators=rules.has_authority)
            if found:
                attempt.rollback()
        if not found:
            break
        wrong |= found
    settled = [change for change in changes if cut is None or change.line < cut]
    refused = [(change, wrong[change.line]) for change in changes if change.line in wrong]
    if cut is not None:
        refused = refused[:1]
    applied = Counter(DELETED if change.rows is None else change.kind for change in chosen.newest)
    applied[RecordKind.CUSTOMER] += len(chosen.codes.keys() - {change.key for change in chosen.newest})
    applied = +applied
    skipped = len(settled) - applied.total() - (0 if cut is not None else len(refused))
    return Taken(settled, applied, skipped, refused)


def _newest(connection: Connection, stage: FeedStage, changes: Sequence[Change]) -> dict[Key, Newest]:
    stage.place_keys(list({change.key: change for change in changes}.values()))
    found = connection.execute(select(feed_objects).join(staged_changes, _is_staged))
    return {
        (row.kind, row.id): Newest(row.source, row.sequence, -1 if row.code_sequence is None else row.code_sequence)
        for row in found
    }


_is_staged = and_(feed_objects.c.kind == staged_changes.c.kind, feed_objects.c.id == staged_changes.c.id)


def _of_other_sources(
    changes: Iterable[Change], newest: Mapping[Key, Newest], file: str
) -> Iterator[tuple[int, list[Fault]]]:
    # Two sequences say nothing of which change is newer.
    source_of = {key: each.source for key, each in newest.items()}
    for change in changes:
        source = source_of.setdefault(change.key, change.source)
        if source != change.source:
            what = f"comes from the source {source} already, and an object comes from one"
            yield change.line, [Fault(what, change.kind, file, change.line)]
