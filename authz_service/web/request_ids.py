"""Every response carries the X-Request-ID of its request, or a new one."""

from flask import Flask, Response, g, request

from authz_service.ids import new_id

HEADER = "X-Request-ID"


def echo_request_ids(app: Flask) -> None:
    def echo(response: Response) -> Response:
        response.headers[HEADER] = request_id()
        return response

    app.after_request(echo)


def request_id() -> str:
    """That of the request, made where the caller sends none."""
    if "request_id" not in g:
        g.request_id = request.headers.get(HEADER) or new_id()
    made: str = g.request_id
    return made
