"""Customers, read and written one at a time."""

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, Table, bindparam, delete, insert, select, update

from authz_service.customers.activation_code import FindKey, digest
from authz_service.customers.customer_rows import Row, member_rows, subscription_rows
from authz_service.customers.fixture import Object, customer_object
from authz_service.customers.lookup import present
from authz_service.customers.model import Customer, Mobile
from authz_service.customers.versions import Record, unrecorded, version_for_change
from authz_service.errors import AdministratorsChange, Fault, InvalidRequest, UnknownCustomer
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import customers, members, people, subscriptions
from authz_service.words import Role


def get_customer(engine: Engine, number: str) -> tuple[Object, int]:
    """The customer in the shape of the files without the activation code, and its version.

    Raises:
        UnknownCustomer: There is no such customer number.
        DatabaseUnavailable: The database does not answer.
    """
    of_members = select(members).where(members.c.customer_number == number).order_by(members.c.role, members.c.person)
    of_subscriptions = (
        select(subscriptions).where(subscriptions.c.customer_number == number).order_by(subscriptions.c.id)
    )
    with reading(engine) as connection:
        row = connection.execute(select(customers).where(customers.c.number == number)).mappings().one_or_none()
        if row is None:
            raise UnknownCustomer("There is no such customer number.")
        listed = customer_object(
            row,
            connection.execute(of_members).mappings(),
            connection.execute(of_subscriptions).mappings(),
        )
    return listed, row["version"]


def put_customer(
    engine: Engine,
    customer: Customer,
    find_key: FindKey,
    expected_version: int | None = None,
    record: Record = unrecorded,
) -> tuple[bool, int]:
    """Writes the customer with all its members and subscriptions; says whether it is new, and its version.

    Without an activation, or with the code that is kept already, what is kept stays as it is, used or not.
    Another code is a new issue: it is unused, and nobody has tried it. Source: READ-11, READ-12.

    Raises:
        InvalidRequest: A member is no known person, or a subscription or its number is another customer's.
        AdministratorsChange: The customer exists and its administrators would be others than they are.
        StaleVersion: Its version is not the one expected.
        Conflict: Another write came in between.
        ConfigurationError: There is an activation code and no key to keep it under.
        DatabaseUnavailable: The database does not answer.
    """
    issued = (
        digest(find_key(), customer.number, customer.activation.code, customer.activation.date)
        if customer.activation
        else None
    )
    with writing(engine) as connection:
        version = version_for_change(connection, customers.c.number, customer.number, expected_version)
        faults = list(_faults(connection, customer))
        if faults:
            raise InvalidRequest(faults)
        if version is not None:
            _refuse_other_administrators(connection, customer)
        _write_customer(connection, customer, version)
        _issue(connection, customer.number, issued)
        _replace(connection, members, "person", customer.number, member_rows(customer))
        _replace(connection, subscriptions, "id", customer.number, subscription_rows(customer))
        record(connection, (version or 0) + 1)
    return version is None, (version or 0) + 1


def delete_customer(
    engine: Engine, number: str, expected_version: int | None = None, record: Record = unrecorded
) -> None:
    """Deletes a customer number with its members' roles and its subscriptions.

    Raises:
        UnknownCustomer: There is no such customer number.
        StaleVersion: Its version is not the one expected.
        DatabaseUnavailable: The database does not answer.
    """
    with writing(engine) as connection:
        if version_for_change(connection, customers.c.number, number, expected_version) is None:
            raise UnknownCustomer("There is no such customer number.")
        connection.execute(delete(customers).where(customers.c.number == number))
        record(connection, None)


def _faults(connection: Connection, customer: Customer) -> Iterator[Fault]:
    persons = [member.person for member in customer.members]
    known = present(connection, people.c.id, persons)
    for index, person in enumerate(persons):
        if person not in known:
            yield Fault("is no known person", f"members[{index}].person")

    of_others = subscriptions.c.customer_number != customer.number
    ids = [subscription.id for subscription in customer.subscriptions]
    numbers = {
        index: subscription.number
        for index, subscription in enumerate(customer.subscriptions)
        if isinstance(subscription, Mobile)
    }
    taken_ids = present(connection, subscriptions.c.id, ids, of_others)
    taken_numbers = present(connection, subscriptions.c.number, list(numbers.values()), of_others)
    for index, subscription_id in enumerate(ids):
        if subscription_id in taken_ids:
            yield Fault("is a subscription of another customer number", f"subscriptions[{index}].id")
        if numbers.get(index) in taken_numbers:
            yield Fault("is a mobile of another customer number", f"subscriptions[{index}].number")


def _refuse_other_administrators(connection: Connection, customer: Customer) -> None:
    are = select(members.c.person).where(
        members.c.customer_number == customer.number, members.c.role == Role.ADMINISTRATOR
    )
    would_be = {member.person for member in customer.members if member.role == Role.ADMINISTRATOR}
    if set(connection.scalars(are)) != would_be:
        raise AdministratorsChange(
            "The administrators of an existing customer number change by becoming administrator alone."
        )


def _write_customer(connection: Connection, customer: Customer, version: int | None) -> None:
    values = {"number": customer.number, "name": customer.name, "kind": customer.kind}
    if version is None:
        connection.execute(insert(customers).values(values))
    else:
        changed = values | {"version": version + 1}
        connection.execute(update(customers).where(customers.c.number == customer.number).values(changed))


def _issue(connection: Connection, number: str, issued: str | None) -> None:
    if issued is not None:
        connection.execute(
            update(customers)
            .where(customers.c.number == number, customers.c.activation_digest.is_distinct_from(issued))
            .values(activation_digest=issued, activation_used=False, activation_wrong=0)
        )


def _replace(connection: Connection, table: Table, key: str, number: str, rows: list[Row]) -> None:
    # Only what differs is touched. What is gone goes first, so that two rows may swap what is unique.
    kept_rows = connection.execute(select(table).where(table.c.customer_number == number)).mappings()
    kept = {row[key]: dict(row) for row in kept_rows}
    wanted = {row[key]: row for row in rows}
    gone = [{"gone": name} for name, row in kept.items() if wanted.get(name) != row]
    new = [row for name, row in wanted.items() if kept.get(name) != row]
    if gone:
        row_gone = (table.c.customer_number == number) & (table.c[key] == bindparam("gone"))
        connection.execute(delete(table).where(row_gone), gone)
    if new:
        connection.execute(insert(table), new)
