"""Every response carries the X-Request-ID of its request, or that of its decision; so does each line of the log."""

import re

from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from authz_service.ids import new_id

HEADER = "X-Request-ID"
TRACE = "authz_service.trace"
"""Where the environ of a request has the id of the trace that it belongs to, if one is kept here."""

_IN_ENVIRON = "HTTP_X_REQUEST_ID"
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


def echo_request_ids(app: Flask) -> None:
    def echo(response: Response) -> Response:
        response.headers[HEADER] = request_id()
        return response

    def name_in_log() -> None:
        trace_id = _trace_id()
        bind_contextvars(request_id=request_id(), **({"trace_id": trace_id} if trace_id else {}))

    def leave_log(_error: BaseException | None) -> None:
        clear_contextvars()

    app.before_request_funcs.setdefault(None, []).insert(0, name_in_log)
    app.teardown_request(leave_log)
    app.after_request(echo)


def request_id() -> str:
    """That of the request; where the caller sends none, the id made for it."""
    return request.environ.get(_IN_ENVIRON) or made_id()


def made_id() -> str:
    """The id made for this request, which its decision has."""
    if "made_id" not in g:
        g.made_id = new_id()
    made: str = g.made_id
    return made


def id_of_decision() -> str:
    """The id of the decision that this request is answered with, which its lines in the log have from here on."""
    bind_contextvars(decision_id=made_id())
    return made_id()


def _trace_id() -> str | None:
    """That of the trace kept here, or of the one that the caller names."""
    kept: str | None = request.environ.get(TRACE)
    named = _TRACEPARENT.fullmatch(request.environ.get("HTTP_TRACEPARENT", ""))
    return kept or (named[1] if named else None)
