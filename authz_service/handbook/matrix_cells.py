"""The cells of the permission matrix by the words that stand for them in an address."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from authz_service.policy.matrix import Cell, Matrix, Row, values_in
from authz_service.policy.situations import Facts, Value
from authz_service.policy.table import Outcome

_NO_WORD = re.compile(r"\W+")
_MOST_EXAMPLES = 60


class Place(NamedTuple):
    """A cell with where it is, and what is told of its situations.

    Attributes:
        row: What is done, without its cells.
        column: The title of the column.
        cell: The cell.
        values: The values that each fact has in its situations, in the order of the schema.
        examples: The first situations, each with its answer, those that are allowed first.
    """

    row: Row
    column: str
    cell: Cell
    values: Mapping[str, tuple[Value, ...]]
    examples: Sequence[tuple[Facts, Outcome]]


def places(matrix: Matrix) -> Mapping[tuple[str, str], Place]:
    """The cells by the words for their row and column."""
    return dict(_places(matrix))


def without_situations(matrix: Matrix) -> Matrix:
    """The same without the situations themselves, which take much more memory than all that is told of them."""

    def told(cell: Cell) -> Cell:
        return cell._replace(situations=())

    rows = tuple(row._replace(cells={title: told(cell) for title, cell in row.cells.items()}) for row in matrix.rows)
    same = tuple(
        one._replace(but_for=tuple(rows[matrix.rows.index(row)] for row in one.but_for)) for one in matrix.same
    )
    return matrix._replace(rows=rows, same=same, rest=told(matrix.rest))


def row_word(row: Row) -> str:
    """Such as `activate_option-free`."""
    return "-".join(_word(fact, value) for fact, values in row.facts.items() for value in values)


def column_word(title: str) -> str:
    """Such as `user-own-mobile`."""
    return _NO_WORD.sub("-", title.lower()).strip("-")


def _places(matrix: Matrix) -> Iterator[tuple[tuple[str, str], Place]]:
    for row in matrix.rows:
        for title, cell in row.cells.items():
            first = sorted(cell.situations, key=lambda situation: not situation[1].allow)[:_MOST_EXAMPLES]
            values = {fact: tuple(of_fact) for fact, of_fact in values_in([cell]).items()}
            told = Place(row._replace(cells={}), title, cell._replace(situations=()), values, first)
            yield (row_word(row), column_word(title)), told


def _word(fact: str, value: Value) -> str:
    if isinstance(value, str):
        return value
    return fact if value else f"not-{fact}"
