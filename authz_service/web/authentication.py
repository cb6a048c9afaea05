"""Every endpoint knows its caller, but for those that declare to be open to all."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeAlias

from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue

from authz_service.callers.callers import Callers
from authz_service.errors import ConfigurationError
from authz_service.journal.journal import Journal
from authz_service.web.endpoint import Page, declaration_of
from authz_service.web.origins import origin_of_request
from authz_service.web.problems import problem

_SCHEME = "bearer "
_REALM = 'Bearer realm="authz-service"'


Admit: TypeAlias = Callable[[Page], ResponseReturnValue | None]
"""Lets a person read a page, or answers what is shown instead."""


def authenticate(app: Flask, callers: Callers, journal: Journal, admit: Admit) -> None:
    """Has every request checked before its view runs.

    Args:
        app: With all its endpoints.
        callers: Who may call, with a bearer token.
        journal: Keeps who was refused.
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

    def check() -> ResponseReturnValue | None:
        # Without an endpoint it is a 404 or 405, which tells nobody anything.
        declaration = needs.get(request.endpoint or "")
        if isinstance(declaration, Page):
            return admit(declaration)
        if declaration is None or declaration.scope is None:
            return None
        scope = declaration.scope
        token = bearer_token(request.headers.get("Authorization", ""))
        caller = callers.caller_of(token) if token else None
        if caller is None:
            journal.refused(origin_of_request(), HTTPStatus.UNAUTHORIZED, request.endpoint or "", scope)
            return _unauthorized(error=', error="invalid_token"' if token else "")
        g.caller = caller
        if scope not in caller.scopes:
            journal.refused(origin_of_request(), HTTPStatus.FORBIDDEN, request.endpoint or "", scope)
            return _forbidden(scope)
        return None

    app.before_request(check)


def bearer_token(header: str) -> str:
    """The token in a header Authorization; empty where there is none."""
    return header[len(_SCHEME) :].strip() if header[: len(_SCHEME)].lower() == _SCHEME else ""


def _unauthorized(error: str) -> Response:
    detail = "A valid bearer token is needed in the header Authorization."
    response = problem(HTTPStatus.UNAUTHORIZED, detail)
    response.headers["WWW-Authenticate"] = _REALM + error
    return response


def _forbidden(scope: str) -> Response:
    response = problem(HTTPStatus.FORBIDDEN, f"This token does not have the scope {scope}.")
    response.headers["WWW-Authenticate"] = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
    return response
