"""Every response carries the X-Request-ID of its request, or a new one."""

from flask import Flask, Response, g, request

from authz_service.ids import new_id

HEADER = "X-Request-ID"
_IN_ENVIRON = "HTTP_X_REQUEST_ID"


def echo_request_ids(app: Flask) -> None:
    def echo(response: Response) -> Response:
        response.headers[HEADER] = request_id()
        return response

    app.after_request(echo)


def request_id() -> str:
    """That of the request, made where the caller sends none."""
    if "request_id" not in g:
        g.request_id = request.environ.get(_IN_ENVIRON) or new_id()
    made: str = g.request_id
    return made
