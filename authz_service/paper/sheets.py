"""Sheets of A4 with headings, sentences and tables, in one typeface that has Latin, Greek, Cyrillic and our symbols."""

import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    KeepInFrame,
    LongTable,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)

INK, FAINT, HAIRLINE = HexColor(0x1F1D1A), HexColor(0x625D55), HexColor(0xDCD7CC)
COLOURS = {"permit": HexColor(0x17602F), "deny": HexColor(0x992020), "condition": HexColor(0x7A4D00), "none": FAINT}
WASHES = {"permit": HexColor(0xE4F1E6), "condition": HexColor(0xF8EDD5)}

_FONTS = Path(__file__).with_name("fonts")
_REGULAR, _BOLD = "DejaVuSansCondensed", "DejaVuSansCondensed-Bold"
_MARGIN = 14 * mm
_FOOT = 8 * mm
_BELOW_A_HEADING = 30 * mm
_PADDING = 6  # that of a frame, in points
# Scripts that are written from right to left would stand in the wrong order.
_FROM_THE_RIGHT = frozenset({"R", "AL", "AN"})
_REPLACED = (
    "Characters that this document has no letters for stand as their numbers in Unicode, such as [U+4E2D];"
    " the page that it was made from has them as they are."
)

Story = list[Flowable]


class Sheets:
    """Makes one document.

    Args:
        title: Its title.
        foot: What stands at the foot of each page, beside the number of the page.
        is_wide: Whether the paper lies on its long side.
    """

    def __init__(self, title: str, foot: str, *, is_wide: bool = False) -> None:
        _register_fonts()
        self._title = title
        self._foot = self._shown(foot)
        self._size = landscape(A4) if is_wide else A4
        self._has_replaced = False

    @property
    def width(self) -> float:
        """How wide what stands on a page may be, in points."""
        return self._size[0] - 2 * (_MARGIN + _PADDING)

    def heading(self, words: str, size: float = 15) -> Story:
        """A heading with room for something below it on the same page."""
        style = ParagraphStyle("heading", fontName=_BOLD, fontSize=size, leading=size * 1.25, textColor=INK)
        style.spaceBefore, style.spaceAfter = size * 0.55, size * 0.3
        return [CondPageBreak(_BELOW_A_HEADING), Paragraph(self._markup(words), style)]

    def text(self, words: str, size: float = 8.5, colour: Color = INK, *, is_bold: bool = False) -> Paragraph:
        """A paragraph; each line of the words is one."""
        style = ParagraphStyle(
            "text",
            fontName=_BOLD if is_bold else _REGULAR,
            fontSize=size,
            leading=size * 1.3,
            textColor=colour,
            # An id has no blank to be broken at.
            splitLongWords=1,
        )
        return Paragraph(self._markup(words).replace("\n", "<br/>"), style)

    def space(self, height: float = 4) -> Flowable:
        return Spacer(1, height)

    def table(
        self,
        rows: Sequence[list[Any]],
        widths: Sequence[float],
        style: Sequence[tuple[Any, ...]] = (),
        *,
        has_heads: bool = True,
    ) -> Flowable:
        """A table.

        Args:
            rows: Its rows.
            widths: The parts of the width that the columns have.
            style: What is said of some cells besides, as ReportLab has it.
            has_heads: Whether the first row has its heads, and is repeated on each page.
        """
        share = self.width / sum(widths)
        lines: list[tuple[Any, ...]] = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, HAIRLINE),
            ("LEFTPADDING", (0, 0), (-1, -1), 3),
            ("RIGHTPADDING", (0, 0), (-1, -1), 3),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ]
        if has_heads:
            lines += [("VALIGN", (0, 0), (-1, 0), "BOTTOM"), ("LINEBELOW", (0, 0), (-1, 0), 0.6, INK)]
        made = LongTable(rows, [width * share for width in widths], repeatRows=int(has_heads), hAlign="LEFT")
        made.setStyle(TableStyle([*lines, *style]))
        return made

    def write(self, tell: Callable[["Sheets"], Story], *, on_one_page: bool = False) -> bytes:
        """The file.

        Args:
            tell: Makes what stands in it; it is called more than once.
            on_one_page: Whether it is made smaller until it fits on one page.
        """
        # Once to know how many pages there are.
        pages = 1 if on_one_page else self._build(tell, 0, on_one_page=False)[1]
        return self._build(tell, pages, on_one_page=on_one_page)[0]

    def _build(self, tell: Callable[["Sheets"], Story], pages: int, *, on_one_page: bool) -> tuple[bytes, int]:
        def foot(canvas: Canvas, template: SimpleDocTemplate) -> None:
            canvas.setFont(_REGULAR, 7)
            canvas.setFillColor(FAINT)
            left = _MARGIN + _PADDING
            canvas.drawString(left, _FOOT, self._foot)
            canvas.drawRightString(left + self.width, _FOOT, f"Page {template.page} of {pages}")

        stream = BytesIO()
        document = SimpleDocTemplate(
            stream,
            pagesize=self._size,
            leftMargin=_MARGIN,
            rightMargin=_MARGIN,
            topMargin=_MARGIN,
            bottomMargin=_MARGIN,
            title=self._title,
            author="authz-service",
            creator="authz-service",
            subject=self._title,
            lang="en",
            # Without the time of its making, so that what says the same is the same.
            invariant=1,
        )
        story = tell(self)
        if self._has_replaced:
            story += [self.space(8), self.text(_REPLACED, 7.5, FAINT)]
        if on_one_page:
            room = self.width, self._size[1] - 2 * (_MARGIN + _PADDING)
            story = [KeepInFrame(*room, content=story, mode="shrink")]
        document.build(story, onFirstPage=foot, onLaterPages=foot)
        return stream.getvalue(), document.page

    def _markup(self, words: str) -> str:
        return escape(self._shown(words))

    def _shown(self, words: str) -> str:
        known = _characters()
        shown = [
            one if one == "\n" or (ord(one) in known and unicodedata.bidirectional(one) not in _FROM_THE_RIGHT) else ""
            for one in unicodedata.normalize("NFC", words)
        ]
        if "" not in shown:
            return "".join(shown)
        self._has_replaced = True
        characters = unicodedata.normalize("NFC", words)
        return "".join(sign or f"[U+{ord(one):04X}]" for sign, one in zip(shown, characters, strict=True))


@cache
def _register_fonts() -> None:
    for name in (_REGULAR, _BOLD):
        registerFont(TTFont(name, _FONTS / f"{name}.ttf"))
    registerFontFamily(_REGULAR, normal=_REGULAR, bold=_BOLD, italic=_REGULAR, boldItalic=_BOLD)


@cache
def _characters() -> frozenset[int]:
    """What both fonts have."""
    faces = [TTFont(name, _FONTS / f"{name}.ttf").face for name in (_REGULAR, _BOLD)]
    return frozenset.intersection(*(frozenset(face.charToGlyph) for face in faces))
