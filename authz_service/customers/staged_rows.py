"""The rows to stage for a record as a reader of files hands it on."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from pydantic import ConfigDict, TypeAdapter, ValidationError
from sqlalchemy import Table

from authz_service.customers.activation_code import FindKey, digest
from authz_service.customers.customer_rows import member_rows, subscription_rows
from authz_service.customers.model import Customer, Id, Option, Person
from authz_service.customers.record import Record, RecordKind
from authz_service.customers.rules import Location, objects_in
from authz_service.customers.staging import (
    Row,
    Rows,
    customers,
    members,
    options,
    other_provider_numbers,
    own_columns,
    people,
    subscriptions,
)

_NAME: TypeAdapter[str] = TypeAdapter(Id, config=ConfigDict(strict=True))


def staged_rows(file: int, record: Record, checked: Person | Option | Customer | None, find_key: FindKey) -> Rows:
    """The rows of one record.

    Args:
        file: The index of the file.
        record: As it was read.
        checked: What it is; None where it has a fault, and only its names can be used.
        find_key: For an activation code.

    Raises:
        ConfigurationError: There is an activation code and no key to keep it under.
    """
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    for table, location, values in _rows(record, checked, find_key):
        item = next((step for step in location if isinstance(step, int)), None)
        origin = (file, record.line_of(location), record.index, item)
        rows[table.name].append((*origin, *(values[name] for name in own_columns(table))))
    return rows


_StagedRow = tuple[Table, Location, Mapping[str, object]]


def _rows(record: Record, checked: Person | Option | Customer | None, find_key: FindKey) -> Iterator[_StagedRow]:
    match checked:
        case Person():
            yield (
                people,
                ("id",),
                {
                    "id": checked.id,
                    "name": checked.name,
                    "email": checked.email,
                    "language": checked.language,
                },
            )
            for index, number in enumerate(checked.other_provider_numbers):
                location = ("other_provider_numbers", index)
                yield other_provider_numbers, location, {"number": number, "person": checked.id}
        case Option():
            yield options, ("id",), checked.model_dump()
        case Customer():
            yield from _customer_rows(record, checked, find_key)
        case None if isinstance(record.value, dict):
            yield from _named_rows(record.kind, record.value)


def _customer_rows(record: Record, customer: Customer, find_key: FindKey) -> Iterator[_StagedRow]:
    activation = customer.activation
    yield (
        customers,
        ("number",),
        {
            "number": customer.number,
            "name": customer.name,
            "kind": customer.kind,
            "activation_digest": activation and digest(find_key(), customer.number, activation.code, activation.date),
            "is_faultless": True,
        },
    )
    for index, row in enumerate(member_rows(customer)):
        yield members, ("members", index, "person"), row
    for index, row in enumerate(subscription_rows(customer)):
        number_line = record.line_of(("subscriptions", index, "number"))
        yield subscriptions, ("subscriptions", index, "id"), row | {"number_line": number_line}


def _named_rows(kind: RecordKind, value: dict[str, object]) -> Iterator[_StagedRow]:
    """What a record with a fault names, as far as it can be read, each thing once."""
    match kind:
        case RecordKind.PERSON:
            yield from _named(people, "id", [(("id",), value.get("id"))])
            numbers = value.get("other_provider_numbers")
            listed = enumerate(numbers) if isinstance(numbers, list) else ()
            found = ((("other_provider_numbers", index), number) for index, number in listed)
            yield from _named(other_provider_numbers, "number", found)
        case RecordKind.OPTION:
            yield from _named(options, "id", [(("id",), value.get("id"))])
        case RecordKind.CUSTOMER:
            yield from _named(customers, "number", [(("number",), value.get("number"))], is_faultless=False)
            customer_number = _name(value.get("number"))
            for table, list_name, column in (
                (members, "members", "person"),
                (subscriptions, "subscriptions", "id"),
                (subscriptions, "subscriptions", "number"),
            ):
                yield from _named(
                    table,
                    column,
                    (((list_name, index, column), item.get(column)) for index, item in objects_in(value, list_name)),
                    customer_number=customer_number,
                )


def _named(
    table: Table, column: str, found: Iterable[tuple[Location, object]], **further: object
) -> Iterator[_StagedRow]:
    seen: set[str] = set()
    for location, value in found:
        name = _name(value)
        if name is not None and name not in seen:
            seen.add(name)
            yield table, location, dict.fromkeys(own_columns(table)) | {column: name} | further


def _name(value: object) -> str | None:
    try:
        return _NAME.validate_python(value)
    except ValidationError:
        return None
