"""The matrix as one sheet of A4."""

from typing import Any

from authz_service.handbook.book import Book
from authz_service.paper.sheets import COLOURS, FAINT, WASHES, Sheets, Story
from authz_service.policy.matrix import Answer
from authz_service.web.pages.matrix import Filter, ShownCell, matrix_as_shown

_KINDS = {Answer.YES: "permit", Answer.NO: "deny", Answer.IF: "condition", Answer.DOES_NOT_APPLY: "none"}
_FIRST, _OTHER = 3.2, 1.6


def write_matrix_pdf(book: Book) -> bytes:
    """The whole matrix, on one page."""
    sheets = Sheets("Who may do what", f"Policy revision {book.revision}")
    return sheets.write(lambda _: _tell(sheets, book), on_one_page=True)


def _tell(sheets: Sheets, book: Book) -> Story:
    shown = matrix_as_shown(book, Filter())
    titles = list(shown.columns.values())
    rows: list[list[Any]] = [["", *(sheets.text(_capital(title), 8, FAINT, is_bold=True) for title in titles)]]
    style: list[tuple[Any, ...]] = []
    for group, of_group in shown.groups:
        style += [("SPAN", (0, len(rows)), (-1, len(rows))), ("TOPPADDING", (0, len(rows)), (-1, len(rows)), 6)]
        rows.append([sheets.text(group, 9, is_bold=True), *([""] * len(titles))])
        for row in of_group:
            cells = []
            for place, cell in enumerate(row.cells, 1):
                kind = _KINDS[cell.answer]
                cells.append(sheets.text(_told(cell), 8, COLOURS[kind], is_bold=kind in WASHES))
                if kind in WASHES:
                    style.append(("BACKGROUND", (place, len(rows)), (place, len(rows)), WASHES[kind]))
            rows.append([sheets.text(_capital(row.title), 8), *cells])
    notes = [f"{number}. {_capital('; and '.join(parts))}." for number, parts in enumerate(shown.notes, 1)]
    said = (
        f"All {book.situations:,} situations that can be asked about are judged. A dash means that there is none such."
    )
    return [
        *sheets.heading("Who may do what"),
        sheets.table(rows, [_FIRST, *([_OTHER] * len(titles))], style),
        *([*sheets.heading("Conditions", 9.5), *(sheets.text(note, 7.5) for note in notes)] if notes else []),
        *sheets.heading("What makes no difference", 9.5),
        *(sheets.text(f"{_capital(line)}.", 7.5) for line in shown.same),
        sheets.space(),
        sheets.text(f"{shown.rest.partition(chr(10))[0]} {said}", 7.5),
    ]


def _told(cell: ShownCell) -> str:
    if cell.answer is Answer.DOES_NOT_APPLY:
        return "\N{EN DASH}"
    return f"{cell.symbol} {cell.words}{f' ({cell.note})' if cell.note else ''}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
