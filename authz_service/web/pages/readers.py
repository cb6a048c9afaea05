"""Who reads pages: a caller with the scope for it, who has signed in, and whose forms are his or her own."""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Response, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from authz_service.callers.callers import Caller, Callers
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.settings import OpenId
from authz_service.web.endpoint import Page
from authz_service.web.pages.sessions import SessionCookies
from authz_service.web.problems import problem, unavailable
from authz_service.web.refusals import Refusals
from authz_service.words import Scope

FORM_KEY = "form_key"

_READER, _BY = "reader", "by"
# Anybody can send one to sign in, and not go on with it: most threads are left to others.
_FORMS_AT_ONCE = 2
_NO_FORM_OF_OURS = "This form is not from a page that was shown to you. Open the page again, and send it from there."


class Readers:
    """Signs readers in and out, and tells who has been.

    Attributes:
        cookies: How sessions are kept.
        openid: The provider that people sign in with, where there is one.

    Args:
        callers: Who may call; one who is taken out of them is signed out with that.
        cookies: The same.
        pseudonyms: How people are named in the journal.
        refusals: Keeps who was refused.
        openid: The same.
    """

    def __init__(
        self,
        callers: Callers,
        cookies: SessionCookies,
        pseudonyms: Pseudonyms,
        refusals: Refusals,
        openid: OpenId | None,
    ) -> None:
        self._callers = callers
        self.cookies = cookies
        self._pseudonyms = pseudonyms
        self._refusals = refusals
        self.openid = openid
        self._reading_forms = threading.Semaphore(_FORMS_AT_ONCE)
        self._marked: tuple[Mapping[str, Caller], Mapping[str, Caller]] = {}, {}

    def admit(self, page: Page) -> ResponseReturnValue | None:
        """Lets the reader of the session read a page; otherwise what is answered instead."""
        caller = self.reader()
        if caller:
            g.caller = caller
        if page.scope and caller is None:
            there = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for("pages.sign_in", next=there), HTTPStatus.SEE_OTHER)
        if page.scope and caller and page.scope not in caller.scopes:
            return self.refuse(HTTPStatus.FORBIDDEN, page.scope, f"Your token does not have the scope {page.scope}.")
        return self._check_form(page) if request.method == "POST" else None

    def _check_form(self, page: Page) -> Response | None:
        if not self._reading_forms.acquire(blocking=False):
            return unavailable("Other forms are being read. Send it again.")
        try:
            is_ours = self._is_form_of_ours()
        finally:
            self._reading_forms.release()
        return None if is_ours else self.refuse(HTTPStatus.FORBIDDEN, page.scope or Scope.AUDIT, _NO_FORM_OF_OURS)

    def reader(self) -> Caller | None:
        """Who has signed in, or None."""
        if _READER not in session:
            return None
        if _BY in session:
            return _vouched_for(session[_READER]) if self.openid and session[_BY] == self._provider_mark else None
        caller = self._by_mark().get(session[_READER])
        return None if caller is None or caller.is_expired else caller

    @property
    def provider(self) -> str:
        """Where people sign in with an account, as they know it; empty where they do not."""
        return urlsplit(self.openid.issuer).netloc if self.openid else ""

    def sign_in(self, token: str) -> HTTPStatus:
        """Begins the session of the caller with that token; a status other than OK is why there is none."""
        # An access token ends within minutes, and a session lasts a working day.
        caller = self._callers.configured(token)
        if caller is None:
            return HTTPStatus.UNAUTHORIZED
        g.caller = caller
        if Scope.AUDIT not in caller.scopes:
            return HTTPStatus.FORBIDDEN
        # Nothing of the session before is taken along, so that nobody can have prepared it.
        session.clear()
        session[_READER] = self._mark(caller)
        return HTTPStatus.OK

    def sign_in_as(self, subject: str) -> None:
        """Begins the session of a person that the provider vouches for."""
        session.clear()
        session.update({_READER: self.name_of(subject), _BY: self._provider_mark})

    def name_of(self, subject: str) -> str:
        """What a person is called here and in the journal: the same each time, and nobody's without its key."""
        issuer = self.openid.issuer if self.openid else ""
        return f"reader{self._pseudonyms.all_of('reader', f'{issuer} {subject}')[-1]}"

    def sign_out(self) -> None:
        session.clear()

    def refuse(self, status: HTTPStatus, scope: Scope, detail: str) -> Response:
        """The answer to whoever is refused, and the entry of it."""
        self.note_refusal(status, scope)
        return problem(status, detail)

    def note_refusal(self, status: HTTPStatus, scope: Scope) -> bool:
        """Somebody is refused; whether that is kept one by one, and not as one of very many."""
        return self._refusals.note(status, scope)

    def form_key(self) -> str:
        """What a form has to bring along to be taken in this session."""
        if FORM_KEY not in session:
            session[FORM_KEY] = secrets.token_urlsafe(16)
        key: str = session[FORM_KEY]
        return key

    def _is_form_of_ours(self) -> bool:
        kept = session.get(FORM_KEY, "")
        return bool(kept) and hmac.compare_digest(kept.encode(), request.form.get(FORM_KEY, "").encode())

    def _by_mark(self) -> Mapping[str, Caller]:
        """The callers by what stands for their tokens, made once for each list of them."""
        listed, marked = self._marked
        if listed is not self._callers.by_token:
            listed = self._callers.by_token
            marked = {self._mark(caller): caller for caller in listed.values()}
            self._marked = listed, marked
        return marked

    @cached_property
    def _provider_mark(self) -> str:
        """What stands for the provider and whom it may let in: another setting ends the sessions from before."""
        said = repr(self.openid and (self.openid.issuer, self.openid.client_id, self.openid.claim, self.openid.value))
        return hmac.new(self.cookies.derived_key(), said.encode(), hashlib.sha256).hexdigest()

    def _mark(self, caller: Caller) -> str:
        """What stands for a caller's token in a cookie, from which nobody without the key learns its digest."""
        return hmac.new(self.cookies.derived_key(), caller.token_sha256.encode(), hashlib.sha256).hexdigest()


def _vouched_for(name: str) -> Caller:
    return Caller(name, "", frozenset({Scope.AUDIT}))


def way_back(there: str) -> str:
    """An address of this service to go on to; the first page where `there` is none."""
    parts = urlsplit(there)
    is_here = not (parts.scheme or parts.netloc) and there.startswith("/") and there[1:2] not in {"/", "\\"}
    return there if is_here and there.isprintable() else url_for("pages.handbook")
