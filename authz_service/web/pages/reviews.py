"""The access review of a customer number: asked for, shown, and signed off."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine

from authz_service.customers.linked import Part
from authz_service.decision.decisions import Decisions
from authz_service.errors import ReviewOutdated
from authz_service.handbook.shelf import Opened, Shelf
from authz_service.journal.journal import Journal
from authz_service.reviews.kept import LONGEST_NOTE, compare_with_last, sign_off, signed_reviews
from authz_service.reviews.reviewing import Review, review, reviewed_actions
from authz_service.reviews.rows import counted, on_subscriptions, on_the_number
from authz_service.web.endpoint import Page, declares
from authz_service.web.origins import origin_of_request
from authz_service.web.pages.frame import Frame
from authz_service.web.pages.signed_reviews import add_signed_reviews
from authz_service.words import Scope

_FOR_READERS = Page(Scope.AUDIT)
_TOO_LONG = f"A note has {LONGEST_NOTE} characters at most."
_NO_TEXT = "A note is plain text; this one has a character that cannot be shown."
_LOOK_AGAIN = "Look at what is so now, and sign that off."


def decision_address(decision_id: str) -> str:
    """Where a decision is shown."""
    return f"/decisions/{quote(decision_id, safe='')}"


class _Parts(NamedTuple):
    """What a review is made of."""

    frame: Frame
    shelf: Shelf
    database: Engine
    decisions: Decisions
    journal: Journal

    def review(self, opened: Opened, number: str, part: Part) -> Review:
        """All that is asked about, in a single entry of the journal."""
        actions = reviewed_actions(opened.book.matrix, opened.book.phrases)
        found = review(self.database, self.decisions, actions, number, part)
        self.journal.reviewed(origin_of_request(), number, found.decisions)
        return found

    def show(self, number: str, part: Part, fault: str = "") -> str:
        opened = self.shelf.open()
        content, _, (next_people, next_subscriptions) = self.review(opened, number, part)
        return self.frame.render(
            "review.html",
            opened,
            content=content,
            number_table=on_the_number(content),
            subscription_table=on_subscriptions(content),
            part=part,
            next_people=next_people,
            next_subscriptions=next_subscriptions,
            compared=compare_with_last(self.database, content),
            signed=signed_reviews(self.database, number),
            longest_note=LONGEST_NOTE,
            note=request.form.get("note", ""),
            fault=fault,
        )

    def sign(self, number: str, part: Part) -> ResponseReturnValue:
        note = request.form.get("note", "").strip().replace("\r\n", "\n")
        fault = _fault_of(note)
        if fault:
            return self.show(number, part, fault), HTTPStatus.BAD_REQUEST
        content = self.review(self.shelf.open(), number, part).content
        shown = request.form.get("digest", "")
        try:
            review_id = sign_off(self.database, self.journal, origin_of_request(), content, shown, note)
        except ReviewOutdated as error:
            return self.show(number, part, f"{error} {_LOOK_AGAIN}"), HTTPStatus.CONFLICT
        there = url_for("pages.reviews_one", number=number, review_id=review_id)
        return redirect(there, HTTPStatus.SEE_OTHER)


def add_reviews(
    pages: Blueprint, frame: Frame, shelf: Shelf, database: Engine, decisions: Decisions, journal: Journal
) -> None:
    parts = _Parts(frame, shelf, database, decisions, journal)
    pages.add_app_template_global(decision_address)
    pages.add_app_template_filter(counted)

    @pages.get("/customers")
    @declares(_FOR_READERS)
    def reviews() -> ResponseReturnValue:
        number = "".join(request.args.get("number", "").split())
        if number.isascii() and number.isdecimal():
            return redirect(url_for("pages.reviews_of", number=number), HTTPStatus.SEE_OTHER)
        return frame.render("reviews.html", has_fault=bool(number))

    @pages.get("/customers/<number:number>")
    @declares(_FOR_READERS)
    def reviews_of(number: str) -> str:
        return parts.show(number, _part(request.args))

    @pages.post("/customers/<number:number>")
    @declares(_FOR_READERS)
    def reviews_signed(number: str) -> ResponseReturnValue:
        return parts.sign(number, _part(request.form))

    add_signed_reviews(pages, frame, database, journal)


def _part(given: Mapping[str, str]) -> Part:
    # No id has a NUL character, and PostgreSQL takes none.
    return Part(*(given.get(name, "").replace("\0", "") for name in Part._fields))


def _fault_of(note: str) -> str:
    if len(note) > LONGEST_NOTE:
        return _TOO_LONG
    return "" if all(line.isprintable() for line in note.split("\n")) else _NO_TEXT
