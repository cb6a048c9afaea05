"""Takes a batch of changes: of each object the newest that is right, all of them together."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, func, select, true, update

from authz_service.customers import staging
from authz_service.customers.cross_checks import cross_faults
from authz_service.customers.feed.changes import Change, Key
from authz_service.customers.feed.stage import FeedStage, staged_changes
from authz_service.customers.moving import lock_stored, move
from authz_service.customers.record import RecordKind
from authz_service.errors import Fault
from authz_service.storage.bulk import insert_or_update
from authz_service.storage.schema import customers, feed_objects, members, options, other_provider_numbers, people

DELETED = "deleted"

_Faults = dict[int, list[Fault]]
"""What is wrong with changes, by their line."""

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


class _Newest(NamedTuple):
    """The newest change of an object that was taken before.

    Attributes:
        source: Whose sequence it is in.
        sequence: Where in it.
        code_sequence: Where the newest change is that issued an activation code or deleted the customer; else -1.
    """

    source: str
    sequence: int
    code_sequence: int


def take(connection: Connection, stage: FeedStage, changes: Sequence[Change], rules: Rules) -> Taken:
    """Applies changes, as one after the other would, but for what a later one of the same object mends.

    Args:
        connection: In a transaction that writes, while nobody else takes changes.
        stage: On that connection.
        changes: In the order of their lines.
        rules: How they are taken.
    """
    newest = _newest(connection, stage, changes)
    wrong: _Faults = dict(_of_other_sources(changes, newest, rules.file))

    def is_newer(change: Change) -> bool:
        before = newest.get(change.key)
        return before is None or change.sequence > before.sequence

    while True:
        cut = min(wrong) if rules.stops and wrong else None
        left = [change for change in changes if change.line not in wrong and (cut is None or change.line < cut)]
        chosen = _choose([change for change in left if is_newer(change)], _codes(left, newest))
        with connection.begin_nested() as attempt:
            found = _apply(connection, stage, chosen, rules) if chosen.newest or chosen.codes else {}
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


def _newest(connection: Connection, stage: FeedStage, changes: Sequence[Change]) -> dict[Key, _Newest]:
    stage.place_keys(list({change.key: change for change in changes}.values()))
    found = connection.execute(select(feed_objects).join(staged_changes, _is_staged))
    return {
        (row.kind, row.id): _Newest(row.source, row.sequence, -1 if row.code_sequence is None else row.code_sequence)
        for row in found
    }


_is_staged = and_(feed_objects.c.kind == staged_changes.c.kind, feed_objects.c.id == staged_changes.c.id)


def _of_other_sources(
    changes: Iterable[Change], newest: Mapping[Key, _Newest], file: str
) -> Iterator[tuple[int, list[Fault]]]:
    # Two sequences say nothing of which change is newer.
    source_of = {key: each.source for key, each in newest.items()}
    for change in changes:
        source = source_of.setdefault(change.key, change.source)
        if source != change.source:
            what = f"comes from the source {source} already, and an object comes from one"
            yield change.line, [Fault(what, change.kind, file, change.line)]


class _Code(NamedTuple):
    """The newest that is said of the activation code of a customer: a digest, or None as the customer went."""

    sequence: int
    digest: str | None


def _codes(changes: Iterable[Change], newest: Mapping[Key, _Newest]) -> dict[Key, _Code]:
    """Of each customer whose code is not yet known so.

    A customer without a code keeps what there is, so that this may be in an older change than the rest.
    """
    codes: dict[Key, _Code] = {}
    for change in changes:
        if change.kind == RecordKind.CUSTOMER and (change.rows is None or change.code is not None):
            before = newest[change.key].code_sequence if change.key in newest else -1
            known = codes[change.key].sequence if change.key in codes else before
            if change.sequence > known:
                codes[change.key] = _Code(change.sequence, change.code)
    return codes


class _Chosen(NamedTuple):
    """What of a batch is applied.

    Attributes:
        newest: Of each object, in the order of lines.
        gone: The objects that were deleted by the newest change or by one before it.
        leaving: People who came and went, as they were.
        code_sequences: Where the code of a customer among the newest was issued or went.
        codes: What else is issued or gone, of customers that stay as they are or come without a code.
    """

    newest: list[Change]
    gone: set[Key]
    leaving: list[Change]
    code_sequences: dict[Key, int]
    codes: dict[Key, _Code]


def _choose(changes: Iterable[Change], codes: Mapping[Key, _Code]) -> _Chosen:
    of_object: defaultdict[Key, list[Change]] = defaultdict(list)
    for change in sorted(changes, key=lambda change: (change.sequence, -change.line)):
        of_object[change.key].append(change)
    newest = sorted((of_one[-1] for of_one in of_object.values()), key=lambda change: change.line)
    gone = {key for key, of_one in of_object.items() if any(change.rows is None for change in of_one)}
    came_and_went = (
        [change for change in of_one if change.rows is not None]
        for (kind, _), of_one in of_object.items()
        if kind == RecordKind.PERSON and of_one[-1].rows is None
    )
    issued = {key: code.digest for key, code in codes.items()}
    with_codes = [
        change
        if change.kind != RecordKind.CUSTOMER or change.rows is None
        else change.with_code(issued.get(change.key))
        for change in newest
    ]
    return _Chosen(
        with_codes,
        gone,
        [came[-1] for came in came_and_went if came],
        {key: codes[key].sequence for key in of_object if key in codes},
        {key: code for key, code in codes.items() if key not in of_object or (code.digest is None and key not in gone)},
    )


def _apply(connection: Connection, stage: FeedStage, chosen: _Chosen, rules: Rules) -> _Faults:
    stage.place(chosen.newest, chosen.gone, chosen.leaving, chosen.code_sequences)
    lock_stored(connection)
    # What goes is in nobody's way, and what comes anew after it is new.
    for name, kind in (
        (customers.c.number, RecordKind.CUSTOMER),
        (options.c.id, RecordKind.OPTION),
        (other_provider_numbers.c.person, RecordKind.PERSON),
    ):
        gone = select(staged_changes.c.id).where(staged_changes.c.kind == kind, staged_changes.c.is_deleted)
        connection.execute(delete(name.table).where(name.in_(gone)))
    found: defaultdict[int, list[Fault]] = defaultdict(list)
    for fault in cross_faults(connection, [rules.file], may_change_administrators=rules.has_authority):
        found[fault.line].append(fault)
    if found:
        return found
    move(connection)
    for fault in _faults_of_leaving(connection, rules.file):
        found[fault.line].append(fault)
    if not found:
        connection.execute(delete(people).where(people.c.id.in_(select(staged_changes.c.id).where(_leaves))))
        _remember(connection)
        _issue(connection, chosen.codes)
    return found


_leaves = and_(staged_changes.c.kind == RecordKind.PERSON, ~staged_changes.c.is_there_after)


def _faults_of_leaving(connection: Connection, file: str) -> Iterator[Fault]:
    """People who are to go and are members: the fault of what comes later."""
    staged = staging.members
    is_member = and_(members.c.person == staged_changes.c.id, _leaves)
    named_later = and_(
        staged.c.customer_number == members.c.customer_number,
        staged.c.person == members.c.person,
        staged.c.line > staged_changes.c.line,
    )
    query = (
        select(staged_changes.c.line, staged.c.line, staged.c.item)
        .select_from(staged_changes)
        .join(members, is_member)
        .outerjoin(staged, named_later)
        .order_by(staged_changes.c.line, staged.c.line, staged.c.item)
    )
    is_told = set()
    for line, later, item in connection.execute(query):
        if later is not None:
            yield Fault("is no known person", f"{RecordKind.CUSTOMER}.members[{item}].person", file, later)
        elif line not in is_told:
            is_told.add(line)
            what = "is a member of a customer number; take him or her off it first"
            yield Fault(what, f"delete.{RecordKind.PERSON}", file, line)


def _remember(connection: Connection) -> None:
    names = feed_objects.c.keys()
    # SQLite needs a WHERE to tell ON CONFLICT from the ON of a join.
    rows = select(*(staged_changes.c[name] for name in names)).where(true())
    statement = insert_or_update(connection, feed_objects).from_select(names, rows)
    new = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "id"],
            set_={
                "sequence": new.sequence,
                "code_sequence": func.coalesce(new.code_sequence, feed_objects.c.code_sequence),
            },
        )
    )


def _issue(connection: Connection, codes: Mapping[Key, _Code]) -> None:
    if not codes:
        return
    rows = [{"of": number, "digest": code.digest, "at": code.sequence} for (_, number), code in codes.items()]
    issued = {"activation_digest": bindparam("digest"), "activation_used": False, "activation_wrong": 0}
    is_other = customers.c.activation_digest.is_distinct_from(bindparam("digest"))
    connection.execute(update(customers).where(customers.c.number == bindparam("of"), is_other).values(issued), rows)
    is_customer = and_(feed_objects.c.kind == RecordKind.CUSTOMER, feed_objects.c.id == bindparam("of"))
    connection.execute(update(feed_objects).where(is_customer).values(code_sequence=bindparam("at")), rows)
