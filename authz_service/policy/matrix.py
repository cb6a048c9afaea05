"""Who may do what: every situation in a cell by what is done and by whom, and each cell as short as it can be told."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import NamedTuple, TypeAlias

from authz_service.policy.alternatives import Together, condition_of, matches
from authz_service.policy.matrix_layout import Layout
from authz_service.policy.sentences import Several
from authz_service.policy.situations import Facts, Value
from authz_service.policy.table import Outcome, Table

_Situations: TypeAlias = list[tuple[Facts, Outcome]]
_Key: TypeAlias = tuple[tuple[str, tuple[Value, ...]], ...]
_RowKey: TypeAlias = tuple[str, _Key]

OTHER_GROUP, OTHER_COLUMN = "Anything else", "anybody else"


class Answer(StrEnum):
    """What a cell says."""

    YES = "yes"
    NO = "no"
    IF = "if"
    DOES_NOT_APPLY = "does_not_apply"


class Cell(NamedTuple):
    """All situations of one row and column.

    Attributes:
        answer: What they have in common.
        size: How many they are.
        allowed: How many of them are allowed.
        codes: How often each reason is given, the most frequent first.
        situations: Each with its answer, in the order of the schema; none where only what is told of them is kept.
        condition: When it is allowed, with the names that conditions have; empty unless it depends.
        facts: The same by facts alone.
    """

    answer: Answer
    size: int
    allowed: int
    codes: Mapping[str, int]
    situations: Sequence[tuple[Facts, Outcome]]
    condition: Together = ()
    facts: Together = ()


class Row(NamedTuple):
    """One thing that can be done.

    Attributes:
        group: The title of the group it is in.
        facts: What is done, to what.
        cells: For whom it is allowed, by the title of the column.
    """

    group: str
    facts: Several
    cells: Mapping[str, Cell]


class Same(NamedTuple):
    """A fact that does not matter, but for some rows.

    Attributes:
        fact: The fact.
        values: The values that make no difference.
        but_for: The rows in which they do.
    """

    fact: str
    values: tuple[Value, ...]
    but_for: tuple[Row, ...]


class Matrix(NamedTuple):
    """The answers to all situations.

    Attributes:
        revision: The revision of the policy.
        columns: The titles of the columns.
        rows: What can be done, in groups.
        same: What makes no difference.
        rest: The situations in no row or column, none of which is allowed.
    """

    revision: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    same: tuple[Same, ...]
    rest: Cell


def arrange(table: Table, layout: Layout) -> Matrix:
    """The matrix of a table."""
    listed = [(group, _key(facts)) for group, of_group in layout.rows.items() for facts in of_group]
    place = _placing(layout, listed)
    sorted_in: dict[tuple[_RowKey, str], _Situations] = {}
    for facts, outcome in zip(table.situations, table.outcomes, strict=True):
        sorted_in.setdefault(place(facts), []).append((facts, outcome))
    # What has no row or column, such as the bills of a subscription, is no question as long as nobody may do it.
    opened = [where for where, situations in sorted_in.items() if any(outcome.allow for _, outcome in situations)]
    keys = [*listed, *dict.fromkeys(key for key, _ in opened if key not in listed)]
    columns = [*layout.columns, *dict.fromkeys(title for _, title in opened if title not in layout.columns)]
    rows = tuple(
        Row(key[0], dict(key[1]), {title: _cell(sorted_in.get((key, title), []), layout) for title in columns})
        for key in keys
    )
    rest = [
        situation
        for (key, title), situations in sorted_in.items()
        if key not in keys or title not in columns
        for situation in situations
    ]
    return Matrix(table.revision, tuple(columns), rows, tuple(_same(rows, layout)), _told(Answer.NO, rest))


def values_in(cells: Iterable[Cell]) -> dict[str, dict[Value, None]]:
    """The values that the facts of some cells' situations have, in the order of the schema."""
    values: dict[str, dict[Value, None]] = {}
    for cell in cells:
        for facts, _ in cell.situations:
            for fact, value in facts.items():
                values.setdefault(fact, {})[value] = None
    return values


def _key(facts: Several) -> _Key:
    return tuple(facts.items())


def _placing(layout: Layout, listed: Sequence[_RowKey]) -> Callable[[Facts], tuple[_RowKey, str]]:
    """Finds the row and the column of a situation."""
    in_rows = dict.fromkeys(fact for _, key in listed for fact, _ in key)
    in_columns = dict.fromkeys(fact for of_whom in layout.columns.values() for fact in of_whom)

    @cache
    def row(stated: tuple[tuple[str, Value], ...]) -> _RowKey:
        other = OTHER_GROUP, tuple((fact, (value,)) for fact, value in stated)
        return next((key for key in listed if matches(dict(stated), dict(key[1]))), other)

    @cache
    def column(stated: tuple[tuple[str, Value], ...]) -> str:
        return next((who for who, of_whom in layout.columns.items() if matches(dict(stated), of_whom)), OTHER_COLUMN)

    def place(facts: Facts) -> tuple[_RowKey, str]:
        return row(_only(facts, in_rows)), column(_only(facts, in_columns))

    return place


def _only(facts: Facts, names: Iterable[str]) -> tuple[tuple[str, Value], ...]:
    return tuple((name, facts[name]) for name in names if name in facts)


def _cell(situations: _Situations, layout: Layout) -> Cell:
    answers = {outcome.allow for _, outcome in situations}
    if len(answers) > 1:
        so = [(facts, outcome.allow) for facts, outcome in situations]
        condition, facts = condition_of(so, layout.conditions), condition_of(so, {})
        return _told(Answer.IF, situations)._replace(condition=condition, facts=facts)
    if not answers:
        return _told(Answer.DOES_NOT_APPLY, situations)
    return _told(Answer.YES if answers.pop() else Answer.NO, situations)


def _told(answer: Answer, situations: _Situations) -> Cell:
    counted = Counter(code for _, outcome in situations for code in outcome.codes)
    codes = dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
    return Cell(answer, len(situations), sum(outcome.allow for _, outcome in situations), codes, situations)


def _same(rows: Sequence[Row], layout: Layout) -> Iterator[Same]:
    arranged = {fact for facts in layout.columns.values() for fact in facts}
    arranged |= {fact for of_group in layout.rows.values() for facts in of_group for fact in facts}
    of_rows = [values_in(row.cells.values()) for row in rows]
    for fact in dict.fromkeys(fact for values in of_rows for fact in values if fact not in arranged):
        varied = [row for row, values in zip(rows, of_rows, strict=True) if len(values.get(fact, ())) > 1]
        but_for = [row for row in varied if any(_depends_on(fact, cell) for cell in row.cells.values())]
        if len(but_for) < len(varied):
            seen = dict.fromkeys(value for values in of_rows for value in values.get(fact, ()))
            yield Same(fact, tuple(seen), tuple(but_for))


def _depends_on(fact: str, cell: Cell) -> bool:
    return any(fact in box for boxes in cell.facts for box in boxes)
