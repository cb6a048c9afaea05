"""Exports the customer data as files that an import takes again, without the activation codes."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import BinaryIO

from sqlalchemy import Connection, Engine, RowMapping, Table, func, select

from authz_service.customers.fixture import Object, customer_object, option_object, person_object
from authz_service.customers.record import LIST_OF, RecordKind
from authz_service.customers.yaml_text import yaml_flow
from authz_service.storage.database import reading
from authz_service.storage.schema import (
    customers,
    members,
    options,
    other_provider_numbers,
    people,
    subscriptions,
)

_ROWS_IN_A_PAGE = 1_000


class FileFormat(StrEnum):
    YAML = "yaml"
    NDJSON = "ndjson"


OnProgress = Callable[[int, int], None]
"""Is told how many objects have been written, and of how many."""


def export(engine: Engine, stream: BinaryIO, file_format: FileFormat, on_progress: OnProgress | None = None) -> None:
    """Writes people, options and customers as they are at one moment, sorted, in memory that does not grow.

    Two exports of the same data are the same bytes.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    with reading(engine) as connection:
        total = sum(_count(connection, table) for table in (people, options, customers))
        done = 0
        previous: RecordKind | None = None
        for kind, page in _pages_of_objects(connection):
            if file_format is FileFormat.NDJSON:
                text = "".join(_json_line(kind, listed) for listed in page)
            else:
                heading = "" if kind is previous else f"{LIST_OF[kind]}:\n"
                text = heading + "".join(_yaml_item(kind, listed) for listed in page)
            stream.write(text.encode())
            previous = kind
            done += len(page)
            if on_progress:
                on_progress(done, total)


def _json_line(kind: RecordKind, listed: Object) -> str:
    return json.dumps({kind: listed}, ensure_ascii=False) + "\n"


def _yaml_item(kind: RecordKind, listed: Object) -> str:
    if kind is not RecordKind.CUSTOMER:
        return f"  - {yaml_flow(listed)}\n"
    text = ""
    for key, value in listed.items():
        text += f"{'    ' if text else '  - '}{key}:"
        if isinstance(value, list):
            text += "\n" + "".join(f"      - {yaml_flow(item)}\n" for item in value)
        else:
            text += f" {yaml_flow(value)}\n"
    return text


def _pages_of_objects(connection: Connection) -> Iterator[tuple[RecordKind, list[Object]]]:
    for page in _pages(connection, people, "id"):
        numbers = _belonging(connection, other_provider_numbers, "person", page, ("number",))
        yield (
            RecordKind.PERSON,
            [person_object(row, [number["number"] for number in numbers[row["id"]]]) for row in page],
        )
    for page in _pages(connection, options, "id"):
        yield RecordKind.OPTION, [option_object(row) for row in page]
    for page in _pages(connection, customers, "number"):
        of_members = _belonging(connection, members, "customer_number", page, ("role", "person"))
        of_subscriptions = _belonging(connection, subscriptions, "customer_number", page, ("id",))
        yield (
            RecordKind.CUSTOMER,
            [customer_object(row, of_members[row["number"]], of_subscriptions[row["number"]]) for row in page],
        )


def _pages(connection: Connection, table: Table, key: str) -> Iterator[Sequence[RowMapping]]:
    column = table.c[key]
    rows = select(table).order_by(column).limit(_ROWS_IN_A_PAGE)
    page = connection.execute(rows).mappings().all()
    while page:
        yield page
        page = connection.execute(rows.where(column > page[-1][key])).mappings().all()


def _belonging(
    connection: Connection, table: Table, owner: str, page: Sequence[RowMapping], order: Sequence[str]
) -> defaultdict[str, list[RowMapping]]:
    """The rows of a table that belong to those of a page, by the key of the page, its first column."""
    [first, *_], [last, *_] = page[0].values(), page[-1].values()
    rows = select(table).where(table.c[owner].between(first, last)).order_by(*(table.c[column] for column in order))
    belonging: defaultdict[str, list[RowMapping]] = defaultdict(list)
    for row in connection.execute(rows).mappings():
        belonging[row[owner]].append(row)
    return belonging


def _count(connection: Connection, table: Table) -> int:
    return connection.scalars(select(func.count()).select_from(table)).one()
