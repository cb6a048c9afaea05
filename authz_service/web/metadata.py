"""The AuthZEN metadata: where this decision point is, as configured and never as a caller says it is."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify

from authz_service.web.endpoint import Endpoint, declares
from authz_service.web.shapes import Metadata
from authz_service.web.signed_metadata import SigningKey

_WELL_KNOWN = "/.well-known/authzen-configuration"
_CACHE = "public, max-age=300"
_PATHS = {
    "access_evaluation_endpoint": "/access/v1/evaluation",
    "access_evaluations_endpoint": "/access/v1/evaluations",
    "search_subject_endpoint": "/access/v1/search/subject",
    "search_resource_endpoint": "/access/v1/search/resource",
    "search_action_endpoint": "/access/v1/search/action",
}


def metadata_endpoints(public_url: str | None, signing_key: SigningKey | None) -> Blueprint:
    """None of them where no public URL is configured: callers then use the default paths."""
    endpoints = Blueprint("metadata", __name__)
    if public_url is None:
        return endpoints
    members = {"policy_decision_point": public_url}
    members |= {member: public_url.rstrip("/") + path for member, path in _PATHS.items()}
    signed = {"signed_metadata": signing_key.sign({"iss": public_url, **members})} if signing_key else {}
    described = Metadata(**members, **signed).model_dump(exclude_none=True)

    # The well-known path stands between host and path of the identifier.
    @endpoints.get(_WELL_KNOWN + urlsplit(public_url).path.rstrip("/"))
    @declares(
        Endpoint(
            summary="Where the AuthZEN endpoints are.", scope=None, answers={200: Metadata}, answer_example=described
        )
    )
    def metadata() -> Response:
        response = jsonify(described)
        response.headers["Cache-Control"] = _CACHE
        return response

    return endpoints
