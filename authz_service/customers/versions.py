"""The version of a person, an option or a customer: 1 when it is new, one more with every write."""

from collections.abc import Callable
from typing import TypeAlias

from sqlalchemy import Column, Connection, select

from authz_service.errors import StaleVersion

Record: TypeAlias = Callable[[Connection, int | None], None]
"""Writes down a change, in its transaction. It is told the version that the object has then, None when it is gone."""


def unrecorded(_connection: Connection, _version: int | None) -> None:
    """Nothing is written down."""


def version_for_change(connection: Connection, key: Column[str], value: str, expected: int | None) -> int | None:
    """The version of what is about to be changed, which nobody else can change until this transaction ends.

    Args:
        connection: In a transaction that writes.
        key: The column that names the object.
        value: Its name.
        expected: The version that the change was made for, None where any will do.

    Returns:
        None where there is no such object yet.

    Raises:
        StaleVersion: It is not the version expected.
    """
    version = connection.scalar(select(key.table.c.version).where(key == value).with_for_update())
    if expected is not None and version != expected:
        raise StaleVersion("It has changed since it was read; read it again and make the change anew.")
    return None if version is None else int(version)
