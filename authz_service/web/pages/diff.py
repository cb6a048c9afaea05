"""Two revisions of the policy side by side."""

from collections.abc import Sequence
from http import HTTPStatus

from flask import Blueprint, request

from authz_service.handbook.comparison import CellAnswer
from authz_service.handbook.comparisons import Comparisons
from authz_service.handbook.revisions import KnownRevision, Standing
from authz_service.handbook.shelf import Shelf
from authz_service.policy.matrix import Answer
from authz_service.policy.matrix_texts import SYMBOLS
from authz_service.web.endpoint import Page, declares
from authz_service.web.pages.frame import Frame
from authz_service.words import Scope

_FOR_READERS = Page(Scope.AUDIT)


def add_diff(pages: Blueprint, frame: Frame, shelf: Shelf, comparisons: Comparisons) -> None:
    pages.add_app_template_global(_answer_in_words, "answer_in_words")

    @pages.get("/matrix/diff")
    @declares(_FOR_READERS)
    def matrix_diff() -> tuple[str, HTTPStatus]:
        opened = shelf.open()
        known = comparisons.revisions.known(opened.book.revision)
        asked = request.args.get("from"), request.args.get("to")
        old, new = _asked(known, *(name or "" for name in asked))
        unknown = [name for name, found in zip(asked, (old, new), strict=True) if name and found is None]
        shown = comparisons.of(old, new) if old and new and asked != (None, None) else None
        page = frame.render("diff.html", opened, known=known, old=old, new=new, unknown=unknown, shown=shown)
        return page, HTTPStatus.NOT_FOUND if unknown else HTTPStatus.OK


def _asked(known: Sequence[KnownRevision], old: str, new: str) -> tuple[KnownRevision | None, KnownRevision | None]:
    """What is compared; where a reader leaves one open, that in force with the one before it or the shadow policy."""
    by_name = {one.revision: one for one in known}
    in_force, *others = known
    if old and not new:
        new = in_force.revision
    shadow = next((one for one in others if one.standing is Standing.SHADOW), None)
    earlier = next((one for one in others if one.standing is Standing.EARLIER), None)
    if not (old or new):
        # What may come is of more interest than what has been.
        return (in_force, shadow) if shadow else (earlier, in_force)
    if not old:
        old = in_force.revision if in_force.revision != new or earlier is None else earlier.revision
    return by_name.get(old), by_name.get(new)


def _answer_in_words(said: CellAnswer) -> tuple[str, str, str]:
    """The class, the symbol and the words of what a cell says."""
    kinds = {Answer.YES: "permit", Answer.NO: "deny", Answer.IF: "condition"}
    words = {
        Answer.IF: f"in {said.allowed:,} of {said.size:,}",
        Answer.DOES_NOT_APPLY: "no such situation",
    }
    return kinds.get(said.answer, "none"), SYMBOLS[said.answer], words.get(said.answer, said.answer)
