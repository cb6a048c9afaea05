"""Who has caused what the journal keeps of a request."""

from flask import g, request

from authz_service.journal.entries import Origin
from authz_service.web.request_ids import request_id


def origin_of_request() -> Origin:
    """The caller of the request, empty where it is not known, and what ties the request to those before it."""
    caller = g.caller.name if "caller" in g else ""
    return Origin(caller, request_id(), request.environ.get("HTTP_TRACEPARENT"))
