"""Signing in with a token, and out."""

from http import HTTPStatus

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from authz_service.handbook.shelf import Shelf
from authz_service.web.endpoint import Page, declares
from authz_service.web.pages.frame import Frame
from authz_service.web.pages.readers import Readers, way_back
from authz_service.words import Scope

_FOR_ALL = Page(None)
_REFUSED = {
    HTTPStatus.UNAUTHORIZED: "No caller has this token. Copy it whole, as it was given to you.",
    HTTPStatus.FORBIDDEN: "This token is right, but does not have the scope audit. Ask for one that has.",
}


def add_sign_in(pages: Blueprint, frame: Frame, readers: Readers, shelf: Shelf) -> None:
    @pages.get("/sign-in")
    @declares(_FOR_ALL)
    def sign_in() -> str | Response:
        # Whoever is about to sign in is about to read.
        shelf.prepare()
        there = request.args.get("next", "")
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            # On the way from another site a browser leaves the session behind; from a page of ours it brings it along.
            page = frame.render("passing.html", there=way_back(there))
            return Response(page, headers={"Refresh": f"0; url={way_back(there)}"}, mimetype="text/html")
        return frame.render("sign_in.html", there=there)

    @pages.post("/sign-in")
    @declares(_FOR_ALL)
    def signed_in() -> Response | tuple[str, HTTPStatus]:
        there = request.form.get("next", "")
        status = readers.sign_in(request.form.get("token", "").strip())
        if status == HTTPStatus.OK:
            return redirect(way_back(there), HTTPStatus.SEE_OTHER)
        readers.note_refusal(status, Scope.AUDIT)
        return frame.render("sign_in.html", there=there, fault=_REFUSED[status]), status

    @pages.post("/sign-out")
    @declares(_FOR_ALL)
    def sign_out() -> Response:
        readers.sign_out()
        return redirect(url_for("pages.sign_in"), HTTPStatus.SEE_OTHER)
