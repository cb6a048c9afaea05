"""Every response carries the X-Request-ID of its request, or that of its decision."""

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
    """That of the request; where the caller sends none, the id made for it."""
    return request.environ.get(_IN_ENVIRON) or made_id()


def made_id() -> str:
    """The id made for this request, which its decision has."""
    if "made_id" not in g:
        g.made_id = new_id()
    made: str = g.made_id
    return made
