"""Every endpoint knows its caller, but for those that declare to be open to all."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from math import ceil
from typing import TypeAlias

from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue

from authz_service.callers.callers import Caller
from authz_service.callers.entrance import Entrance, bearer_token
from authz_service.errors import ActionNotOpen, ConfigurationError
from authz_service.web.endpoint import Endpoint, Page, declaration_of
from authz_service.web.problems import problem
from authz_service.web.refusals import Refusals

WAIT = "authz_service.wait"
"""Where the environ of a request has how many seconds its caller has to wait, if that was asked before Flask."""

ACTION_NOT_OPEN = "This caller may not ask about this action."

_REALM = 'Bearer realm="authz-service"'


Admit: TypeAlias = Callable[[Page], ResponseReturnValue | None]
"""Lets a person read a page, or answers what is shown instead."""


def authenticate(app: Flask, entrance: Entrance, refusals: Refusals, admit: Admit) -> None:
    """Has every request checked before its view runs.

    Args:
        app: With all its endpoints.
        entrance: Who may call, and how much.
        refusals: Keeps who was refused.
        admit: Who may read pages, with a session.

    Raises:
        ConfigurationError: An endpoint does not say who may call it.
    """
    needs = {}
    for name, view in app.view_functions.items():
        if name.endswith(".static"):
            continue
        declaration = declaration_of(view)
        if declaration is None:
            raise ConfigurationError(f"The endpoint {name} does not declare the scope that it needs.")
        needs[name] = declaration

    check = _Check(needs, entrance, refusals, admit)
    app.before_request(check.admit)
    app.teardown_request(check.leave)
    app.register_error_handler(ActionNotOpen, check.not_open)


class _Check:
    """The check of every request.

    Args:
        needs: What each endpoint declares.
        entrance: As for `authenticate`.
        refusals: Likewise.
        admit: Likewise.
    """

    def __init__(
        self, needs: Mapping[str, Endpoint | Page], entrance: Entrance, refusals: Refusals, admit: Admit
    ) -> None:
        self._needs = needs
        self._entrance = entrance
        self._refusals = refusals
        self._admit = admit

    def admit(self) -> ResponseReturnValue | None:
        """Lets the request go on to its view; otherwise what is answered instead."""
        # Without an endpoint it is a 404 or 405, which tells nobody anything.
        declaration = self._needs.get(request.endpoint or "")
        if isinstance(declaration, Page):
            return self._admit(declaration)
        if declaration is None or declaration.scope is None:
            return None
        g.scope = declaration.scope
        caller = self._entrance.caller_of(request.environ)
        if caller is None:
            self._refusals.note(HTTPStatus.UNAUTHORIZED, g.scope)
            return _unauthorized()
        g.caller = caller
        if g.scope not in caller.scopes:
            self._refusals.note(HTTPStatus.FORBIDDEN, g.scope)
            return _forbidden(g.scope)
        return self._enter(caller)

    def _enter(self, caller: Caller) -> Response | None:
        wait = request.environ.get(WAIT)
        if wait is None:
            wait = self._entrance.limiter.enter(caller)
            g.has_entered = not wait
        if not wait:
            return None
        self._refusals.note(HTTPStatus.TOO_MANY_REQUESTS, g.scope)
        return _too_many(wait)

    def leave(self, _error: BaseException | None) -> None:
        if g.pop("has_entered", None):
            self._entrance.limiter.leave(g.caller)

    def not_open(self, error: ActionNotOpen) -> Response:
        self._refusals.note(HTTPStatus.FORBIDDEN, g.scope)
        return problem(HTTPStatus.FORBIDDEN, str(error))


def require_open(action: str) -> None:
    """Lets the caller of the request ask about this action.

    Raises:
        ActionNotOpen: It may ask about others only.
    """
    if not g.caller.may_ask_about(action):
        raise ActionNotOpen(ACTION_NOT_OPEN)


def _unauthorized() -> Response:
    detail = "A valid bearer token is needed in the header Authorization."
    response = problem(HTTPStatus.UNAUTHORIZED, detail)
    error = ', error="invalid_token"' if bearer_token(request.headers.get("Authorization", "")) else ""
    response.headers["WWW-Authenticate"] = _REALM + error
    return response


def _forbidden(scope: str) -> Response:
    response = problem(HTTPStatus.FORBIDDEN, f"This token does not have the scope {scope}.")
    response.headers["WWW-Authenticate"] = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
    return response


def _too_many(wait: float) -> Response:
    detail = "This caller asks more than its limits allow; ask again after Retry-After, in seconds."
    response = problem(HTTPStatus.TOO_MANY_REQUESTS, detail)
    response.headers["Retry-After"] = str(ceil(wait))
    return response
