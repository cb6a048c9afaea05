"""Every error is a problem document (RFC 9457): what is wrong, and which members."""

import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import TypeVar

import structlog
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from authz_service.errors import (
    AuthzServiceError,
    Conflict,
    DatabaseUnavailable,
    Fault,
    InvalidInput,
    IssuerUnavailable,
    JournalUnavailable,
    NotFound,
    PolicyBeingRead,
    PolicyEngineMisbehaved,
    PolicyEngineUnavailable,
    StaleVersion,
    Unavailable,
)
from authz_service.telemetry.tally import Tally
from authz_service.web.slow_bodies import TOO_SLOW

Error = TypeVar("Error", bound=Exception)

log = structlog.get_logger()

FAILURES = "authz_failures"
_OTHER = "other"
_CAUSES: dict[type[AuthzServiceError], str] = {
    DatabaseUnavailable: "database",
    IssuerUnavailable: "issuer",
    JournalUnavailable: "journal",
    PolicyEngineUnavailable: "opa",
    PolicyEngineMisbehaved: "opa",
}
_STATUSES: dict[type[AuthzServiceError], HTTPStatus] = {
    InvalidInput: HTTPStatus.BAD_REQUEST,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    StaleVersion: HTTPStatus.PRECONDITION_FAILED,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
# Where OPA is and what ails it is for the operator, and in the log.
_POLICY_UNASKED = (PolicyEngineUnavailable, PolicyEngineMisbehaved)
_UNASKED = "The policy cannot be asked now, so there is no decision."
_SENTENCES = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.REQUEST_TIMEOUT: TOO_SLOW,
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take this method.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than 1 MiB.",
}


def problem(
    status: int, detail: str, faults: Sequence[Fault] = (), more: Mapping[str, object] | None = None
) -> Response:
    """The response for an error.

    Args:
        status: The HTTP status.
        detail: One sentence for the developer who calls.
        faults: The members that are wrong, each with its own sentence.
        more: Further members of the document.
    """
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
    }
    if faults:
        body["errors"] = [{"member": fault.path, "detail": fault.what} for fault in faults]
    body |= more or {}
    return Response(json.dumps(body), status=status, content_type="application/problem+json")


def handle_errors(app: Flask, tally: Tally) -> None:
    """Has every error of the app answered as a problem document, and counted where it is the service's."""

    def counted(answer: Callable[[Error], Response]) -> Callable[[Error], Response]:
        def answered(error: Error) -> Response:
            response = answer(error)
            # That a page is still being made is no failure.
            if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, PolicyBeingRead):
                cause = next((cause for kind, cause in _CAUSES.items() if isinstance(error, kind)), _OTHER)
                tally.count(FAILURES, cause, str(response.status_code))
            return response

        return answered

    # Told from the beginning, as Prometheus sees no rise to the first of its kind.
    for cause in sorted({*_CAUSES.values(), _OTHER}):
        tally.count(FAILURES, cause, str(int(HTTPStatus.SERVICE_UNAVAILABLE)), number=0)
    tally.count(FAILURES, _OTHER, str(int(HTTPStatus.INTERNAL_SERVER_ERROR)), number=0)
    app.register_error_handler(AuthzServiceError, counted(_expected))
    app.register_error_handler(MemoryError, counted(_out_of_memory))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, counted(_unexpected))


def _expected(error: AuthzServiceError) -> Response:
    status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), None)
    if status is None:
        return _unexpected(error)
    if isinstance(error, InvalidInput):
        return problem(status, "; ".join(map(str, error.faults)), error.faults)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        # Whoever is not let in must not be able to fill the log; why keys are not known, is in it already.
        if not isinstance(error, IssuerUnavailable):
            log.error("request.unavailable", reason=error.for_operators())
        return unavailable(_UNASKED if isinstance(error, _POLICY_UNASKED) else str(error))
    return problem(status, str(error))


def unavailable(detail: str) -> Response:
    """The response where it is not answered now, and may be in a second."""
    response = problem(HTTPStatus.SERVICE_UNAVAILABLE, detail)
    response.headers["Retry-After"] = "1"
    return response


def _out_of_memory(error: MemoryError) -> Response:
    log.error("request.out_of_memory", exc_info=error)
    return unavailable("There is not enough memory for this now.")


def _http(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    response = problem(status, _SENTENCES.get(status, f"{status.phrase}."))
    # What else belongs to the answer, such as Allow with a 405; its content is ours.
    for name, value in error.get_headers():
        if name.lower() != "content-type":
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    log.error("request.failed", exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here; it is in the log of the service.")
