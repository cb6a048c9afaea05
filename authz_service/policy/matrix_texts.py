"""The permission matrix in words, and as the texts that other programs take: CSV, JSON and Markdown."""

import csv
import json
from collections.abc import Mapping, Sequence
from io import StringIO
from itertools import groupby

from authz_service.policy.alternatives import NOT_STATED, told
from authz_service.policy.matrix import OTHER_GROUP, Answer, Cell, Matrix, Row, Same
from authz_service.policy.sentences import Phrases, Several
from authz_service.policy.situations import Value

_MOST_FREQUENT = 3
_FEW_WORDS = 6
NO_DIFFERENCE = "Makes no difference"
SYMBOLS = {Answer.YES: "✓", Answer.NO: "✗", Answer.IF: "◐", Answer.DOES_NOT_APPLY: "-"}


def said_of_cell(cell: Cell, phrases: Phrases) -> str:
    """A symbol with its word or condition: `✓ yes`, `✗ no`, `◐ own mobile on the bill`, `-`."""
    words = {Answer.DOES_NOT_APPLY: "", Answer.IF: told(cell.condition, phrases)}.get(cell.answer, cell.answer)
    return f"{SYMBOLS[cell.answer]} {words}".rstrip()


def condition_in_short(cell: Cell, in_short: Mapping[str, str], phrases: Phrases) -> str:
    """What tells most of the condition of a cell, in few words; empty where that takes more.

    Args:
        cell: A cell that says that it depends.
        in_short: What some conditions are called where there is little room.
        phrases: How facts are told.
    """
    most = max(cell.condition, key=len)
    brief = tuple({in_short.get(fact, fact): values for fact, values in box.items()} for box in most)
    said = told((brief,), phrases)
    return said if len(said.split()) <= _FEW_WORDS else ""


def title_of_row(row: Row, phrases: Phrases) -> str:
    title = phrases.what(row.facts)
    if row.group != OTHER_GROUP:
        return title
    # That it is about something else than the other rows may be in a fact that has no words.
    wordless = [f"{fact} {value}" for fact, (value, *_) in row.facts.items() if not phrases.of(fact, value)]
    return " ".join([title, *(f"({said})" for said in wordless)])


def said_below(matrix: Matrix, phrases: Phrases) -> tuple[list[str], str]:
    """What makes no difference, a line each, and what else there is to know."""
    mostly = ", ".join(list(matrix.rest.codes)[:_MOST_FREQUENT])
    rest = (
        f"Nothing else is allowed to anybody: {matrix.rest.size:,} more situations, mostly {mostly}.\n"
        f"All {_count(matrix):,} situations are judged by revision {matrix.revision}; a cell with a dash has none."
    )
    return [_same(same, matrix, phrases) for same in matrix.same], rest


def write_csv(matrix: Matrix, phrases: Phrases) -> str:
    """A line a cell."""
    text = StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["group", "what", "who", "answer", "condition", "situations", "allowed", "reasons"])
    for row in matrix.rows:
        for who, cell in row.cells.items():
            condition = told(cell.condition, phrases)
            counts = [cell.size, cell.allowed, " ".join(cell.codes)]
            lines.writerow([row.group, title_of_row(row, phrases), who, cell.answer, condition, *counts])
    return text.getvalue()


def write_json(matrix: Matrix, phrases: Phrases) -> str:
    """All there is but the situations themselves.

    `when` of a cell is a list of which everything has to hold; of each of its members any one object has to hold, which
    has facts with their values. A fact that is not stated is null.
    """

    def of_cell(cell: Cell) -> dict[str, object]:
        conditional = cell.answer is Answer.IF
        return {
            "answer": cell.answer,
            "condition": told(cell.condition, phrases) if conditional else None,
            "when": [[_stated(box) for box in boxes] for boxes in cell.facts] if conditional else None,
            "situations": cell.size,
            "allowed": cell.allowed,
            "reasons": cell.codes,
        }

    document = {
        "revision": matrix.revision,
        "situations": _count(matrix),
        "columns": matrix.columns,
        "rows": [
            {
                "group": row.group,
                "what": title_of_row(row, phrases),
                "facts": row.facts,
                "cells": {who: of_cell(cell) for who, cell in row.cells.items()},
            }
            for row in matrix.rows
        ],
        "same": [
            {"fact": same.fact, "values": same.values, "except": [title_of_row(row, phrases) for row in same.but_for]}
            for same in matrix.same
        ],
        "rest": {"situations": matrix.rest.size, "allowed": 0, "reasons": matrix.rest.codes},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write_markdown(matrix: Matrix, phrases: Phrases) -> str:
    lines = [_line(["", *matrix.columns]), _line(["---"] * (len(matrix.columns) + 1))]
    for group, rows in groupby(matrix.rows, key=lambda row: row.group):
        lines.append(_line([f"**{group}**", *([""] * len(matrix.columns))]))
        for row in rows:
            cells = [said_of_cell(cell, phrases) for cell in row.cells.values()]
            lines.append(_line([title_of_row(row, phrases), *cells]))
    same, rest = said_below(matrix, phrases)
    makes_none = ["", f"{NO_DIFFERENCE}:", "", *(f"- {line}" for line in same)] if same else []
    return "\n".join([*lines, *makes_none, "", rest, ""])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _same(same: Same, matrix: Matrix, phrases: Phrases) -> str:
    values = [phrases.of(same.fact, value) or f"{same.fact} {value}" for value in same.values]
    exceptions: dict[str, None] = {}
    for group, rows in groupby(matrix.rows, key=lambda row: row.group):
        of_group = list(rows)
        excepted = [row for row in of_group if row in same.but_for]
        titles = [group] if excepted == of_group else [title_of_row(row, phrases) for row in excepted]
        exceptions |= dict.fromkeys(f"“{title}”" for title in titles)
    return ", ".join(values) + (f"; except under {', '.join(exceptions)}" if exceptions else "")


def _stated(box: Several) -> dict[str, list[Value | None]]:
    return {fact: [None if value == NOT_STATED else value for value in values] for fact, values in box.items()}


def _count(matrix: Matrix) -> int:
    cells = [cell for row in matrix.rows for cell in row.cells.values()]
    return sum(cell.size for cell in [*cells, matrix.rest])
