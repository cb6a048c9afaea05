"""Finds what is wrong between the records of an import, and between them and what is stored already."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, exists, func, null, or_, select

from authz_service.customers import staging
from authz_service.customers.record import RecordKind, record_path
from authz_service.errors import Fault
from authz_service.storage import schema
from authz_service.words import Role


class _Check(NamedTuple):
    """One sort of fault.

    Attributes:
        what: The sentence.
        kind: The kind of record it is in.
        member: Where in the record; `{item}` is the index in a list.
        faults: A row each: file, line, record, item, and file and line of the first where it is a repetition.
        is_of_roles: Whether it is that administrators change by a take-over alone.
    """

    what: str
    kind: RecordKind
    member: str
    faults: Select[Any]
    is_of_roles: bool = False


def cross_faults(
    connection: Connection, files: Sequence[str], *, may_change_administrators: bool = False
) -> Iterator[Fault]:
    """Every such fault. The records are staged on this connection, which is in a transaction that writes.

    Args:
        connection: Where the records are staged.
        files: The names of the files, by the index that the staged rows have.
        may_change_administrators: Whether those of a customer that is stored may be others than they are.
    """
    for check in _CHECKS:
        if check.is_of_roles and may_change_administrators:
            continue
        for file, line, record, item, first_file, first_line in connection.execute(check.faults):
            first = "" if first_file is None else f", first at {files[first_file]}:{first_line}"
            where = f"{record_path(check.kind, record)}.{check.member.format(item=item)}"
            yield Fault(f"{check.what}{first}", where, files[file], line)


def _line(table: FromClause, column: str) -> ColumnElement[int]:
    # The only row with two names that may be on two lines is a mobile.
    if column == "number" and "number_line" in table.c:
        return func.coalesce(table.c.number_line, table.c.line)
    return table.c.line


def _repeated(table: FromClause, column: str) -> Select[Any]:
    values = table.c[column]
    repeated = (
        select(values.label("value"), func.min(table.c.place).label("place"))
        .where(values.is_not(None))
        .group_by(values)
        .having(func.count() > 1)
        .subquery()
    )
    first = table.alias()
    return (
        select(
            table.c.file,
            _line(table, column),
            table.c.record,
            table.c.item,
            first.c.file,
            _line(first, column).label("first_line"),
        )
        .join_from(table, repeated, repeated.c.value == values)
        .join(first, first.c.place == repeated.c.place)
        .where(table.c.place > repeated.c.place)
        .order_by(table.c.place)
    )


def _rows(table: FromClause, column: str, wrong: ColumnElement[bool]) -> Select[Any]:
    return (
        select(table.c.file, _line(table, column), table.c.record, table.c.item, null(), null())
        .where(wrong)
        .order_by(table.c.place)
    )


def _of_another_customer(column: str) -> Select[Any]:
    # What a customer in the files has in the database is about to be replaced and stands in nobody's way.
    kept = schema.subscriptions
    staged = staging.subscriptions
    taken = exists().where(
        kept.c[column] == staged.c[column],
        kept.c.customer_number != staged.c.customer_number,
        ~exists().where(staging.customers.c.number == kept.c.customer_number),
    )
    return _rows(staged, column, taken)


def _of_another_person() -> Select[Any]:
    kept = schema.other_provider_numbers
    staged = staging.other_provider_numbers
    taken = exists().where(
        kept.c.number == staged.c.number,
        kept.c.person != staged.c.person,
        ~exists().where(staging.people.c.id == kept.c.person),
    )
    return _rows(staged, "number", taken)


def unknown_persons() -> Select[Any]:
    """Members who are in no file and not stored."""
    staged = staging.members
    # Two conditions, and not the denial of one or the other: these PostgreSQL joins, and in that it would look through
    # a whole table for each row, once the tables are large.
    is_in_no_file = ~exists().where(staging.people.c.id == staged.c.person)
    is_not_stored = ~exists().where(schema.people.c.id == staged.c.person)
    return _rows(staged, "person", and_(is_in_no_file, is_not_stored))


def _other_administrators() -> Select[Any]:
    customer = staging.customers
    now, then = schema.members, staging.members
    same_person = and_(
        now.c.customer_number == then.c.customer_number,
        now.c.person == then.c.person,
        now.c.role == then.c.role,
    )
    leaves = exists().where(
        now.c.customer_number == customer.c.number,
        now.c.role == Role.ADMINISTRATOR,
        ~exists().where(same_person).correlate(now),
    )
    joins = exists().where(
        then.c.customer_number == customer.c.number,
        then.c.role == Role.ADMINISTRATOR,
        ~exists().where(same_person).correlate(then),
    )
    is_kept = exists().where(schema.customers.c.number == customer.c.number)
    return _rows(customer, "number", and_(customer.c.is_faultless, is_kept, or_(leaves, joins)))


_CHECKS = (
    _Check("is there already", RecordKind.PERSON, "id", _repeated(staging.people, "id")),
    _Check("is there already", RecordKind.OPTION, "id", _repeated(staging.options, "id")),
    _Check("is there already", RecordKind.CUSTOMER, "number", _repeated(staging.customers, "number")),
    _Check(
        "is there already",
        RecordKind.PERSON,
        "other_provider_numbers[{item}]",
        _repeated(staging.other_provider_numbers, "number"),
    ),
    _Check(
        "is a number of another person",
        RecordKind.PERSON,
        "other_provider_numbers[{item}]",
        _of_another_person(),
    ),
    _Check("is no known person", RecordKind.CUSTOMER, "members[{item}].person", unknown_persons()),
    _Check(
        "administrators of an existing customer number change by becoming administrator alone",
        RecordKind.CUSTOMER,
        "members",
        _other_administrators(),
        is_of_roles=True,
    ),
    _Check(
        "is there already",
        RecordKind.CUSTOMER,
        "subscriptions[{item}].id",
        _repeated(staging.subscriptions, "id"),
    ),
    _Check(
        "is a subscription of another customer number",
        RecordKind.CUSTOMER,
        "subscriptions[{item}].id",
        _of_another_customer("id"),
    ),
    _Check(
        "is there already",
        RecordKind.CUSTOMER,
        "subscriptions[{item}].number",
        _repeated(staging.subscriptions, "number"),
    ),
    _Check(
        "is a mobile of another customer number",
        RecordKind.CUSTOMER,
        "subscriptions[{item}].number",
        _of_another_customer("number"),
    ),
)
