"""A review that was signed off: shown, and taken along as CSV and PDF."""

from flask import Blueprint, Response
from sqlalchemy import Engine

from authz_service.journal.journal import Journal
from authz_service.reviews.csv_text import write_csv
from authz_service.reviews.kept import SignedReview, get_review, is_sealed
from authz_service.reviews.rows import on_subscriptions, on_the_number
from authz_service.web.endpoint import Page, declares
from authz_service.web.pages.frame import Frame
from authz_service.words import Scope

_FOR_READERS = Page(Scope.AUDIT)


def add_signed_reviews(pages: Blueprint, frame: Frame, database: Engine, journal: Journal) -> None:
    @pages.get("/customers/<number:number>/reviews/<review_id>")
    @declares(_FOR_READERS)
    def reviews_one(number: str, review_id: str) -> str:
        one = get_review(database, number, review_id)
        return frame.render(
            "signed_review.html",
            one=one,
            content=one.content,
            compared=one.compared,
            number_table=on_the_number(one.content),
            subscription_table=on_subscriptions(one.content),
            is_sealed=is_sealed(database, journal, one),
        )

    @pages.get("/customers/<number:number>/reviews/<review_id>.csv")
    @declares(_FOR_READERS)
    def reviews_csv(number: str, review_id: str) -> Response:
        one = get_review(database, number, review_id)
        return Response(write_csv(one), mimetype="text/csv", headers=_named(one, "csv"))

    @pages.get("/customers/<number:number>/reviews/<review_id>.pdf")
    @declares(_FOR_READERS)
    def reviews_pdf(number: str, review_id: str) -> Response:
        from authz_service.reviews.review_pdf import write_pdf  # noqa: PLC0415 - slow to import, and seldom needed

        one = get_review(database, number, review_id)
        return Response(write_pdf(one), mimetype="application/pdf", headers=_named(one, "pdf"))


def _named(one: SignedReview, ending: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="review-{one.signed.id}.{ending}"'}
