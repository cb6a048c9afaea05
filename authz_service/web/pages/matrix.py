"""The matrix and one of its cells, as they are shown."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from authz_service.handbook.book import Book
from authz_service.handbook.matrix_cells import Place, column_word, row_word
from authz_service.handbook.rules import ShownRule
from authz_service.policy.alternatives import told
from authz_service.policy.matrix import Answer, Cell, Row
from authz_service.policy.matrix_texts import SYMBOLS, condition_in_short, said_below, title_of_row
from authz_service.policy.sentences import Phrases
from authz_service.policy.situations import Facts

_VERBS = {Answer.YES: "may", Answer.NO: "may not"}


class Filter(NamedTuple):
    """What a reader wants to see; all where it is empty.

    Attributes:
        who: The word of a column.
        what: The title of a group.
        answer: What a cell says.
    """

    who: str = ""
    what: str = ""
    answer: str = ""


class ShownCell(NamedTuple):
    """A cell.

    Attributes:
        answer: What it says.
        symbol: The symbol for that.
        words: The same in a word or a few.
        column: The word of its column.
        is_wanted: Whether the reader has asked for such ones.
        note: The number of its condition below the table; 0 where it has none.
    """

    answer: Answer
    symbol: str
    words: str
    column: str
    is_wanted: bool
    note: int


class ShownRow(NamedTuple):
    """A row."""

    title: str
    word: str
    cells: tuple[ShownCell, ...]


class ShownMatrix(NamedTuple):
    """The matrix.

    Attributes:
        heads: The titles over columns that begin alike, each with those below.
        groups: The rows in groups, without those that nobody wants.
        all_groups: The titles of all groups.
        columns: The titles of all columns, by their word.
        notes: The conditions, which cells refer to by number.
        same: What makes no difference.
        rest: What else there is to know.
    """

    heads: Sequence[tuple[str, Sequence[str]]]
    groups: Sequence[tuple[str, Sequence[ShownRow]]]
    all_groups: Sequence[str]
    columns: Mapping[str, str]
    notes: Sequence[Sequence[str]]
    same: Sequence[str]
    rest: str


class ShownReason(NamedTuple):
    """A rule that answers rest on.

    Attributes:
        rule: The rule.
        given: In how many situations.
        home: The id of the fact under which the handbook has it.
    """

    rule: ShownRule
    given: int
    home: str


class ShownPlace(NamedTuple):
    """A cell by itself.

    Attributes:
        title: What is done.
        who: By whom.
        answer: What the cell says.
        symbol: The symbol for that.
        size: How many situations it has.
        allowed: How many of them are allowed.
        condition: What has to hold, all of it.
        reasons: The rules, the most frequent first.
        sentence: What all situations have in common, without its full stop.
        varied: The facts that tell the situations apart.
        situations: The first of them, each with its answer, those that are allowed first.
    """

    title: str
    who: str
    answer: Answer
    symbol: str
    size: int
    allowed: int
    condition: Sequence[str]
    reasons: Sequence[ShownReason]
    sentence: str
    varied: Sequence[str]
    situations: Sequence[tuple[bool, Sequence[str], Sequence[str]]]


def matrix_as_shown(book: Book, wanted: Filter) -> ShownMatrix:
    matrix, phrases = book.matrix, book.phrases
    notes: list[Sequence[str]] = []
    columns = [title for title in matrix.columns if wanted.who in {"", column_word(title)}] or list(matrix.columns)
    groups = []
    for group, rows in groupby(matrix.rows, key=lambda row: row.group):
        shown = [_row(row, columns, wanted, book, notes) for row in rows]
        shown = [row for row in shown if any(cell.is_wanted for cell in row.cells)]
        if shown and wanted.what in {"", group}:
            groups.append((group, shown))
    same, rest = said_below(matrix, phrases)
    return ShownMatrix(
        [(head, list(titles)) for head, titles in groupby(columns, key=lambda title: title.partition(", ")[0])],
        groups,
        list(dict.fromkeys(row.group for row in matrix.rows)),
        {column_word(title): title for title in matrix.columns},
        notes,
        same,
        rest,
    )


def cell_as_shown(book: Book, place: Place) -> ShownPlace:
    cell, phrases = place.cell, book.phrases
    homes = book.handbook.homes
    rules = book.rules
    varied = [fact for fact, values in place.values.items() if len(values) > 1]
    return ShownPlace(
        title_of_row(place.row, phrases),
        place.column,
        cell.answer,
        SYMBOLS[cell.answer],
        cell.size,
        cell.allowed,
        _condition(cell, phrases),
        [ShownReason(rules[code], count, homes[code]) for code, count in cell.codes.items() if code in rules],
        _sentence(place, phrases),
        varied,
        [(out.allow, [_value(facts, fact) for fact in varied], out.codes) for facts, out in place.examples],
    )


def _row(row: Row, columns: Sequence[str], wanted: Filter, book: Book, notes: list[Sequence[str]]) -> ShownRow:
    cells = tuple(_cell(row.cells[title], title, wanted, book, notes) for title in columns)
    return ShownRow(title_of_row(row, book.phrases), row_word(row), cells)


def _cell(cell: Cell, title: str, wanted: Filter, book: Book, notes: list[Sequence[str]]) -> ShownCell:
    note = 0
    words: str = cell.answer
    if cell.answer is Answer.IF:
        condition = _condition(cell, book.phrases)
        if condition not in notes:
            notes.append(condition)
        note = notes.index(condition) + 1
        words = condition_in_short(cell, book.in_short, book.phrases) or "on condition"
    elif cell.answer is Answer.DOES_NOT_APPLY:
        words = "no such situation"
    return ShownCell(
        cell.answer, SYMBOLS[cell.answer], words, column_word(title), wanted.answer in {"", cell.answer}, note
    )


def _condition(cell: Cell, phrases: Phrases) -> list[str]:
    return [told((part,), phrases) for part in sorted(cell.condition, key=len, reverse=True)]


def _sentence(place: Place, phrases: Phrases) -> str:
    verb = _VERBS.get(place.cell.answer, "")
    said = phrases.who_does_what(place.values, verb) if verb else ""
    return said[:1].upper() + said[1:]


def _value(facts: Facts, fact: str) -> str:
    value = facts.get(fact, "")
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value.replace("_", " ")
