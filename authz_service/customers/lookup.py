"""Asks the database about many values without ever sending too many at once."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, select

_VALUES_IN_A_STATEMENT = 500


def present(
    connection: Connection,
    column: ColumnElement[str],
    values: Sequence[str],
    *conditions: ColumnElement[bool],
) -> set[str]:
    """Those of the values that the column holds in rows that meet the conditions."""
    found: set[str] = set()
    for start in range(0, len(values), _VALUES_IN_A_STATEMENT):
        some = values[start : start + _VALUES_IN_A_STATEMENT]
        found.update(connection.scalars(select(column).where(column.in_(some), *conditions)))
    return found
