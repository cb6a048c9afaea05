"""Moves staged records, known to be right, into the tables they are for."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, false, func, insert, select, true, update

from authz_service.customers import staging
from authz_service.storage import schema
from authz_service.storage.bulk import insert_or_update


def move(connection: Connection, *, into_empty: bool = False) -> None:
    """Adds what is new and replaces what is there, as putting each object by itself would.

    The records are staged on this connection, which is in a transaction that writes.

    Args:
        connection: Where they are staged.
        into_empty: Whether nothing is there, so that it is only added, which costs less.

    Raises:
        sqlalchemy.exc.IntegrityError: Something is there all the same.
    """
    replaces = not into_empty
    _add(connection, staging.people, schema.people, "id", ("name", "email", "language"), replaces=replaces)
    numbers = schema.other_provider_numbers
    if replaces:
        connection.execute(delete(numbers).where(numbers.c.person.in_(select(staging.people.c.id))))
    _copy(connection, staging.other_provider_numbers, numbers, true())

    # These may be there before anybody is.
    columns = ("name", "subscription_kind", "price_cents")
    _add(connection, staging.options, schema.options, "id", columns, replaces=True)

    # Only what differs is touched. What is gone goes first, so that two rows may swap what is unique; and before the
    # kind of a customer, which members have a copy of: two administrators would not fit a residential one.
    if replaces:
        for staged, stored in ((staging.subscriptions, schema.subscriptions), (staging.members, schema.members)):
            replaced = stored.c.customer_number.in_(select(staging.customers.c.number))
            connection.execute(delete(stored).where(replaced, ~_same_row(staged, stored)))
    _add(
        connection,
        staging.customers,
        schema.customers,
        "number",
        ("name", "kind"),
        only_new=("activation_digest",),
        replaces=replaces,
    )
    if replaces:
        _issue_codes(connection)
    for staged, stored in ((staging.members, schema.members), (staging.subscriptions, schema.subscriptions)):
        _copy(connection, staged, stored, ~_same_row(staged, stored) if replaces else true())


def lock_stored(connection: Connection) -> None:
    """Has nobody else change, until this transaction ends, the customers that are staged and stored already.

    Who becomes administrator in between would else be undone. Always in the same order, so that nobody waits in a ring.
    """
    if connection.dialect.name == "postgresql":
        number = schema.customers.c.number
        staged = number.in_(select(staging.customers.c.number))
        locked = select(number).where(staged).order_by(number).with_for_update().subquery()
        connection.execute(select(func.count()).select_from(locked))


def _add(
    connection: Connection,
    source: Table,
    target: Table,
    key: str,
    columns: Sequence[str],
    *,
    only_new: Sequence[str] = (),
    replaces: bool,
) -> None:
    names = [key, *columns, *only_new]
    # SQLite needs a WHERE to tell ON CONFLICT from the ON of a join.
    rows = select(*(source.c[name] for name in names)).where(true())
    statement = insert_or_update(connection, target).from_select(names, rows)
    if replaces:
        changed = {name: statement.excluded[name] for name in columns} | {"version": target.c.version + 1}
        statement = statement.on_conflict_do_update(index_elements=[key], set_=changed)
    connection.execute(statement)


def _copy(connection: Connection, source: Table, target: Table, condition: ColumnElement[bool]) -> None:
    names = target.c.keys()
    rows = select(*(source.c[name] for name in names)).where(condition)
    connection.execute(insert(target).from_select(names, rows))


def _same_row(staged: Table, stored: Table) -> ColumnElement[bool]:
    """Whether a row is in both, to be asked of a row of either."""
    same = [
        staged.c[column.name].is_not_distinct_from(column) if column.nullable else staged.c[column.name] == column
        for column in stored.c
    ]
    return exists().where(*same)


def _issue_codes(connection: Connection) -> None:
    # The code that is kept stays as it is, used or not; another is a new issue. Source: READ-11, READ-12.
    kept, staged = schema.customers, staging.customers
    connection.execute(
        update(kept)
        .where(
            kept.c.number == staged.c.number,
            staged.c.activation_digest.is_not(None),
            kept.c.activation_digest.is_distinct_from(staged.c.activation_digest),
        )
        .values(activation_digest=staged.c.activation_digest, activation_used=false(), activation_wrong=0)
    )
