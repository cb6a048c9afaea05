"""What is shown while that which a page tells of is being prepared."""

from http import HTTPStatus

from flask import Blueprint
from werkzeug.wrappers import Response

from authz_service.errors import PolicyBeingRead
from authz_service.web.pages.frame import Frame

_AGAIN_AFTER_SECONDS = "2"


def show_what_is_prepared(pages: Blueprint, frame: Frame) -> None:
    """Has whoever comes too early wait on a page that loads itself again."""

    def show(error: PolicyBeingRead) -> Response:
        page = frame.render("being_read.html", detail=str(error))
        headers = {"Refresh": _AGAIN_AFTER_SECONDS, "Retry-After": _AGAIN_AFTER_SECONDS}
        return Response(page, HTTPStatus.SERVICE_UNAVAILABLE, headers, mimetype="text/html")

    pages.register_error_handler(PolicyBeingRead, show)
