"""The cells of the permission matrix by the words that stand for them in an address."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from authz_service.policy.matrix import Cell, Matrix, Row
from authz_service.policy.situations import Value

_NO_WORD = re.compile(r"\W+")


class Place(NamedTuple):
    """A cell with where it is.

    Attributes:
        row: What is done.
        column: The title of the column.
        cell: The situations.
    """

    row: Row
    column: str
    cell: Cell


def places(matrix: Matrix) -> Mapping[tuple[str, str], Place]:
    """The cells by the words for their row and column."""
    return dict(_places(matrix))


def row_word(row: Row) -> str:
    """Such as `activate_option-free`."""
    return "-".join(_word(fact, value) for fact, values in row.facts.items() for value in values)


def column_word(title: str) -> str:
    """Such as `user-own-mobile`."""
    return _NO_WORD.sub("-", title.lower()).strip("-")


def _places(matrix: Matrix) -> Iterator[tuple[tuple[str, str], Place]]:
    for row in matrix.rows:
        for title, cell in row.cells.items():
            yield (row_word(row), column_word(title)), Place(row, title, cell)


def _word(fact: str, value: Value) -> str:
    if isinstance(value, str):
        return value
    return fact if value else f"not-{fact}"
