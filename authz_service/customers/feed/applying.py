"""Applies what was chosen of a batch, if it fits each other and what is stored."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, and_, bindparam, delete, func, select, true, update

from authz_service.customers import staging
from authz_service.customers.cross_checks import cross_faults
from authz_service.customers.feed.changes import Key
from authz_service.customers.feed.choosing import Chosen, Code
from authz_service.customers.feed.stage import FeedStage, staged_changes
from authz_service.customers.moving import lock_stored, move
from authz_service.customers.record import RecordKind
from authz_service.errors import Fault
from authz_service.storage.bulk import insert_or_update
from authz_service.storage.schema import customers, feed_objects, members, options, other_provider_numbers, people

Faults = dict[int, list[Fault]]
"""What is wrong with changes, by their line."""


def apply(
    connection: Connection, stage: FeedStage, chosen: Chosen, file: str, *, may_change_administrators: bool
) -> Faults:
    """Applies it and remembers so, or returns what is wrong; then the transaction has to be rolled back to before.

    Args:
        connection: In a transaction that writes.
        stage: On that connection.
        chosen: What is applied.
        file: The name of the input, in faults.
        may_change_administrators: Of a customer that is stored.
    """
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
    for fault in cross_faults(connection, [file], may_change_administrators=may_change_administrators):
        found[fault.line].append(fault)
    if found:
        return found
    move(connection)
    for fault in _faults_of_leaving(connection, file):
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


def _issue(connection: Connection, codes: Mapping[Key, Code]) -> None:
    if not codes:
        return
    rows = [{"of": number, "digest": code.digest, "at": code.sequence} for (_, number), code in codes.items()]
    issued = {"activation_digest": bindparam("digest"), "activation_used": False, "activation_wrong": 0}
    is_other = customers.c.activation_digest.is_distinct_from(bindparam("digest"))
    connection.execute(update(customers).where(customers.c.number == bindparam("of"), is_other).values(issued), rows)
    is_customer = and_(feed_objects.c.kind == RecordKind.CUSTOMER, feed_objects.c.id == bindparam("of"))
    connection.execute(update(feed_objects).where(is_customer).values(code_sequence=bindparam("at")), rows)
