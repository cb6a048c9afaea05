"""Signing in with an account at an OpenID Connect provider."""

from http import HTTPStatus
from typing import NamedTuple

import structlog
from flask import Blueprint, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadData
from werkzeug.wrappers import Response

from authz_service.callers.callers import Caller
from authz_service.callers.openid import Begun, Provider
from authz_service.errors import (
    NotAllowed,
    NotSignedIn,
    ProviderUnavailable,
    SignInDeclined,
    SignInExpired,
    SignInNotHeld,
)
from authz_service.handbook.shelf import Shelf
from authz_service.settings import OpenId
from authz_service.web.endpoint import Page, declares
from authz_service.web.pages.frame import Frame
from authz_service.web.pages.readers import Readers, way_back
from authz_service.web.pages.sessions import SessionCookies
from authz_service.words import Scope

log = structlog.get_logger()

_FOR_ALL = Page(None)
_PATH = "/sign-in"
_BACK = f"{_PATH}/back"
_COOKIE = "authz_sign_in"
_LASTS_SECONDS = 600

_SAID = {
    ProviderUnavailable: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Your account cannot be asked about now. Try again in a moment, or sign in with a token.",
    ),
    SignInDeclined: (
        HTTPStatus.FORBIDDEN,
        "The sign-in was broken off, or your account may not use this service. Begin again, or use another account.",
    ),
    SignInExpired: (
        HTTPStatus.BAD_REQUEST,
        "It took longer than ten minutes, or was begun in another browser or at another address. Begin again.",
    ),
    SignInNotHeld: (
        HTTPStatus.BAD_REQUEST,
        "What came back about your account cannot be relied on. Begin again; or else tell whoever runs the service.",
    ),
    NotAllowed: (
        HTTPStatus.FORBIDDEN,
        "Your account is known, but is not among those that may read here. Ask whoever runs the service.",
    ),
}


class _Kept(NamedTuple):
    """What the browser keeps while the person is at the provider."""

    begun: Begun
    there: str


class _KeptCookie:
    """Where the browser keeps it: signed, for the way back alone, and for ten minutes."""

    def __init__(self, cookies: SessionCookies, *, is_secure: bool) -> None:
        self._cookies = cookies
        self._is_secure = is_secure

    def read(self) -> _Kept:
        """What was kept.

        Raises:
            SignInExpired: There is nothing any more.
        """
        signed = request.cookies.get(_COOKIE, "")
        try:
            *begun, there = self._cookies.serializer_of(_COOKIE).loads(signed, max_age=_LASTS_SECONDS)
        except BadData as error:
            raise SignInExpired("Nothing of that sign-in is kept in the browser.") from error
        return _Kept(Begun(*begun), there)

    def write(self, response: Response, kept: _Kept | None) -> None:
        """Keeps it; nothing any more with None."""
        value = self._cookies.serializer_of(_COOKIE).dumps([*kept.begun, kept.there]) if kept else ""
        response.set_cookie(
            _COOKIE,
            str(value),
            max_age=_LASTS_SECONDS if kept else 0,
            path=_PATH,
            secure=self._is_secure,
            httponly=True,
            # The way back is one from another site, which a stricter cookie would not go along with.
            samesite="Lax",
        )


def add_provider(
    pages: Blueprint, frame: Frame, _shelf: Shelf, readers: Readers, openid: OpenId, public_url: str
) -> None:
    base = public_url.rstrip("/")
    provider = Provider(openid, f"{base}{_BACK}")
    cookie = _KeptCookie(readers.cookies, is_secure=base.startswith("https:"))

    @pages.get(f"{_PATH}/provider")
    @declares(_FOR_ALL)
    def begin() -> ResponseReturnValue:
        there = request.args.get("next", "")
        if request.host_url.rstrip("/") != base:
            # The provider sends people back there, and cookies are kept by address.
            return redirect(f"{base}{url_for('pages.begin', next=there or None)}", HTTPStatus.SEE_OTHER)
        try:
            address, begun = provider.begin()
        except NotSignedIn as error:
            return refused(error, there)
        response = redirect(address, HTTPStatus.SEE_OTHER)
        cookie.write(response, _Kept(begun, there))
        return response

    @pages.get(_BACK)
    @declares(_FOR_ALL)
    def back() -> ResponseReturnValue:
        there = ""
        try:
            begun, there = cookie.read()
            readers.sign_in_as(provider.end(request.args, begun))
        except NotSignedIn as error:
            response = refused(error, there)
        else:
            # A browser that comes from elsewhere brings the session along only from a page of ours.
            page = frame.render("passing.html", there=way_back(there))
            response = Response(page, headers={"Refresh": f"0; url={way_back(there)}"}, mimetype="text/html")
        # One sign-in is good for one way back.
        cookie.write(response, None)
        return response

    def refused(error: NotSignedIn, there: str) -> Response:
        status, said = _SAID[type(error)]
        if isinstance(error, NotAllowed):
            g.caller = Caller(readers.name_of(error.subject), "", frozenset())
        # The log as the journal, so that nobody can fill either.
        if readers.note_refusal(status, Scope.AUDIT):
            log.warning("sign_in.refused", reason=str(error))
        # Without a form: it would begin a session, and as the browser comes from another site it has left behind the
        # one that there may be, which would end by that.
        return Response(frame.render("not_signed_in.html", there=there, fault=said), status, mimetype="text/html")
