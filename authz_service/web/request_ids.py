"""Every response carries the X-Request-ID of its request, or a new one."""

from flask import Flask, Response, request

from authz_service.ids import new_id

HEADER = "X-Request-ID"


def echo_request_ids(app: Flask) -> None:
    def echo(response: Response) -> Response:
        response.headers[HEADER] = request.headers.get(HEADER) or new_id()
        return response

    app.after_request(echo)
