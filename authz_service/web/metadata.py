"""The AuthZEN metadata: where this decision point is, as configured and never as a caller says it is."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify

from authz_service.web.endpoint import Endpoint, declares
from authz_service.web.shapes import Metadata

_WELL_KNOWN = "/.well-known/authzen-configuration"
_CACHE = "public, max-age=300"


def metadata_endpoints(public_url: str | None) -> Blueprint:
    """None of them where no public URL is configured: callers then use the default paths."""
    endpoints = Blueprint("metadata", __name__)
    if public_url is None:
        return endpoints

    # The well-known path stands between host and path of the identifier.
    @endpoints.get(_WELL_KNOWN + urlsplit(public_url).path.rstrip("/"))
    @declares(Endpoint(summary="Where the AuthZEN endpoints are.", scope=None, answers={200: Metadata}))
    def metadata() -> Response:
        base = public_url.rstrip("/")
        found = Metadata(
            policy_decision_point=public_url,
            access_evaluation_endpoint=f"{base}/access/v1/evaluation",
            access_evaluations_endpoint=f"{base}/access/v1/evaluations",
        )
        response = jsonify(found.model_dump())
        response.headers["Cache-Control"] = _CACHE
        return response

    return endpoints
