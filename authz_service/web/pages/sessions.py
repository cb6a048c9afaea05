"""The session of a reader: a signed cookie, so that every process of the service takes it."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from urllib.parse import urlsplit

from flask import Flask, Request, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer

from authz_service.settings import LOOPBACK

LASTS = timedelta(hours=8)

_PURPOSE = b"sessions of readers"
_COOKIE = "authz_session"


class SessionCookies(SecureCookieSessionInterface):
    """Signs with a key that is looked for only where there is a session.

    Args:
        find_key: Finds the secret that the key is derived from, the same in every process of the service.
    """

    def __init__(self, find_key: Callable[[], bytes]) -> None:
        self.derived_key = cache(lambda: hmac.digest(find_key(), _PURPOSE, hashlib.sha256))

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if _COOKIE not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer:  # noqa: ARG002 - Flask calls it with the app
        return self.serializer_of(_COOKIE)

    def serializer_of(self, cookie: str) -> URLSafeTimedSerializer:
        """What signs a cookie of that name, and takes it for none other."""
        options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        return URLSafeTimedSerializer(
            self.derived_key(), salt=cookie, serializer=self.serializer, signer_kwargs=options
        )

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask calls it with the app
        return urlsplit(request.host_url).hostname not in LOOPBACK


def keep_sessions(app: Flask, find_key: Callable[[], bytes]) -> SessionCookies:
    """Has the app keep sessions in cookies that end after a working day, whatever the reader does."""
    app.config.update(
        SESSION_COOKIE_NAME=_COOKIE,
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=LASTS,
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    cookies = SessionCookies(find_key)
    app.session_interface = cookies
    return cookies
