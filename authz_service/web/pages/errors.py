"""What goes wrong, as a page for whoever reads in a browser."""

from http import HTTPStatus

from flask import Flask, Response, current_app, request

from authz_service.web.endpoint import Page, declaration_of
from authz_service.web.pages.frame import Frame

_PROBLEM, _PAGE = "application/problem+json", "text/html"
_TITLES = {
    HTTPStatus.UNAUTHORIZED: "Please sign in",
    HTTPStatus.FORBIDDEN: "This is not for you to see",
    HTTPStatus.NOT_FOUND: "There is no such page",
    HTTPStatus.SERVICE_UNAVAILABLE: "This cannot be told now",
}
_WHAT_TO_DO = {
    HTTPStatus.FORBIDDEN: "Sign out, and sign in with a token or account that has it, or ask whoever runs the service.",
    HTTPStatus.NOT_FOUND: "The address may be mistyped, or the policy no longer has what it names.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Load the page again in a moment. If that does not help, tell whoever runs it.",
}
_OTHERWISE = "Go back, and try it another way; if that does not help, tell whoever runs the service."


def show_problems(app: Flask, frame: Frame) -> None:
    """Has a problem that a person meets shown as a page; callers of the API get the document."""

    def show(response: Response) -> Response:
        if response.mimetype == _PROBLEM and _is_for_a_person():
            status = HTTPStatus(response.status_code)
            body = response.get_json()
            page = frame.render(
                "error.html",
                status=response.status_code,
                title=_TITLES.get(status, body["title"]),
                detail=body["detail"],
                what_to_do=_WHAT_TO_DO.get(status, _OTHERWISE),
            )
            response.set_data(page)
            response.content_type = f"{_PAGE}; charset=utf-8"
        return response

    app.after_request(show)


def _is_for_a_person() -> bool:
    if request.endpoint:
        return isinstance(declaration_of(current_app.view_functions[request.endpoint]), Page)
    # Where there is nothing, a browser is told by what it would rather have.
    return request.accept_mimetypes.best_match([_PROBLEM, _PAGE]) == _PAGE
