"""The addresses of the pages."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TypeAlias

from flask import Blueprint, Response, abort, request

from authz_service.handbook.matrix_cells import column_word, row_word
from authz_service.handbook.shelf import Shelf
from authz_service.policy.matrix_texts import write_csv
from authz_service.web.endpoint import Page, declares
from authz_service.web.pages.being_read import show_what_is_prepared
from authz_service.web.pages.frame import Frame
from authz_service.web.pages.matrix import Filter, cell_as_shown, matrix_as_shown
from authz_service.web.pages.moments import told_moment
from authz_service.web.pages.readers import Readers
from authz_service.web.pages.rego import highlighted
from authz_service.web.pages.sign_in import add_sign_in
from authz_service.words import Scope

_FOR_READERS = Page(Scope.AUDIT)
_A_YEAR = "public, max-age=31536000, immutable"


AddPages: TypeAlias = Callable[[Blueprint, Frame, Shelf], None]
"""Adds the addresses of more pages."""


def page_endpoints(frame: Frame, readers: Readers, shelf: Shelf, more: Sequence[AddPages]) -> Blueprint:
    pages = Blueprint("pages", __name__, template_folder="templates", static_folder="static", static_url_path="/assets")
    pages.add_app_template_filter(highlighted, "rego")
    pages.add_app_template_filter(_thousands, "thousands")
    pages.add_app_template_global(row_word)
    pages.add_app_template_global(column_word)
    pages.add_app_template_filter(told_moment, "moment")

    @pages.get("/")
    @declares(_FOR_READERS)
    def handbook() -> str:
        opened = shelf.open()
        return frame.render("handbook.html", opened, gaps=opened.book.handbook.gaps)

    @pages.get("/matrix")
    @declares(_FOR_READERS)
    def matrix() -> str:
        opened = shelf.open()
        wanted = Filter(**{name: request.args.get(name, "") for name in Filter._fields})
        return frame.render("matrix.html", opened, shown=matrix_as_shown(opened.book, wanted), wanted=wanted)

    @pages.get("/matrix.csv")
    @declares(_FOR_READERS)
    def matrix_csv() -> Response:
        book = shelf.open().book
        headers = {"Content-Disposition": f'attachment; filename="matrix-{book.revision}.csv"'}
        return Response(write_csv(book.matrix, book.phrases), mimetype="text/csv", headers=headers)

    @pages.get("/matrix.pdf")
    @declares(_FOR_READERS)
    def matrix_pdf() -> Response:
        from authz_service.web.pages.matrix_pdf import write_matrix_pdf  # noqa: PLC0415 - slow to import, and only who asks needs it

        book = shelf.open().book
        headers = {"Content-Disposition": f'attachment; filename="matrix-{book.revision}.pdf"'}
        return Response(write_matrix_pdf(book), mimetype="application/pdf", headers=headers)

    @pages.get("/matrix/<row>/<column>")
    @declares(_FOR_READERS)
    def matrix_cell(row: str, column: str) -> str:
        opened = shelf.open()
        place = opened.book.cells.get((row, column))
        if place is None:
            abort(HTTPStatus.NOT_FOUND)
        return frame.render("cell.html", opened, shown=cell_as_shown(opened.book, place))

    add_sign_in(pages, frame, readers, shelf)
    for add in more:
        add(pages, frame, shelf)
    show_what_is_prepared(pages, frame)

    @pages.after_request
    def keep(response: Response) -> Response:
        # What a reader saw is not left behind on a shared machine; what looks the same for all is.
        is_named_by_content = request.endpoint == "pages.static" and "v" in request.args
        response.headers["Cache-Control"] = _A_YEAR if is_named_by_content else "no-store"
        return response

    return pages


def _thousands(number: int) -> str:
    return f"{number:,}"
