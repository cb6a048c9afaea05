"""The search endpoints of the AuthZEN Authorization API 1.0."""

import json

from flask import Blueprint, Response, g, request

from authz_service.decision.searches import MOST_ON_A_PAGE, Page, Searches
from authz_service.errors import Fault, InvalidRequest
from authz_service.journal.journal import Journal
from authz_service.questions import Json, Search
from authz_service.web.authentication import require_open
from authz_service.web.bodies import read_object
from authz_service.web.decide import DECISION_ID
from authz_service.web.endpoint import Endpoint, declares
from authz_service.web.evaluation import AskedPage, read_page, read_search
from authz_service.web.origins import origin_of_request
from authz_service.web.page_tokens import NotAToken, PageTokens, Place
from authz_service.web.request_ids import id_of_decision
from authz_service.web.shapes import (
    ActionSearchRequest,
    ActionSearchResponse,
    EntitySearchResponse,
    ResourceSearchRequest,
    SubjectSearchRequest,
)
from authz_service.words import Scope, Sought

_PHILIP = {"type": "person", "id": "philip.smith"}
_VIEW_USAGE = {"name": "view_usage"}
_HER_MOBILE = {"type": "subscription", "id": "mobile-2002"}
_UNASKED = {503: "The facts or the policy cannot be asked: no results."}
_DECISION_ID = {DECISION_ID: "The id of the decision."}

_ENDPOINTS = {
    Sought.SUBJECT: Endpoint(
        summary="Who may do this with that? Looks among the people linked to the customer number.",
        scope=Scope.DECIDE,
        body=SubjectSearchRequest,
        answers={200: EntitySearchResponse},
        problems=_UNASKED,
        example={"subject": {"type": "person"}, "action": _VIEW_USAGE, "resource": _HER_MOBILE},
        answer_example={
            "page": {"next_token": "", "count": 2},
            "results": [{"type": "person", "id": "mary.jones"}, {"type": "person", "id": "philip.smith"}],
        },
        answer_headers=_DECISION_ID,
    ),
    Sought.RESOURCE: Endpoint(
        summary="With what may this person do that? Looks among what the person is linked to.",
        scope=Scope.DECIDE,
        body=ResourceSearchRequest,
        answers={200: EntitySearchResponse},
        problems=_UNASKED,
        example={
            "subject": _PHILIP,
            "action": _VIEW_USAGE,
            "resource": {"type": "subscription"},
            "page": {"limit": 2},
        },
        answer_example={
            "page": {"next_token": "SvjNEZLHF8Uww4XScTV34x2ZZxhsFDxzkxflhU2Hhv2AcD7hTH9L7IhEUBPeHA", "count": 2},
            "results": [{"type": "subscription", "id": "internet-1001"}, {"type": "subscription", "id": "mobile-2001"}],
        },
        answer_headers=_DECISION_ID,
    ),
    Sought.ACTION: Endpoint(
        summary="What may this person do with that?",
        scope=Scope.DECIDE,
        body=ActionSearchRequest,
        answers={200: ActionSearchResponse},
        problems=_UNASKED,
        example={"subject": _PHILIP, "resource": _HER_MOBILE},
        answer_example={"page": {"next_token": "", "count": 1}, "results": [{"name": "view_usage"}]},
        answer_headers=_DECISION_ID,
    ),
}


def search_endpoints(searches: Searches, tokens: PageTokens, journal: Journal) -> Blueprint:
    endpoints = Blueprint("search", __name__)

    @endpoints.post("/access/v1/search/subject")
    @declares(_ENDPOINTS[Sought.SUBJECT])
    def subjects() -> Response:
        return _search(searches, tokens, journal, Sought.SUBJECT)

    @endpoints.post("/access/v1/search/resource")
    @declares(_ENDPOINTS[Sought.RESOURCE])
    def resources() -> Response:
        return _search(searches, tokens, journal, Sought.RESOURCE)

    @endpoints.post("/access/v1/search/action")
    @declares(_ENDPOINTS[Sought.ACTION])
    def actions() -> Response:
        return _search(searches, tokens, journal, Sought.ACTION)

    return endpoints


def _search(searches: Searches, tokens: PageTokens, journal: Journal, sought: Sought) -> Response:
    body = read_object(request)
    faults: list[Fault] = []
    search = read_search(body, sought, faults)
    asked = read_page(body, faults)
    if search is not None:
        faults.extend(searches.faults(search))
    if search is None or faults:
        raise InvalidRequest(faults)
    if sought is not Sought.ACTION:
        require_open(search.question.action.name)
    bound_to = _bound_to(search, asked)
    place = _place(tokens, asked, bound_to)
    limit = MOST_ON_A_PAGE if place.limit is None else min(place.limit, MOST_ON_A_PAGE)
    page = searches.page(search, place.after, limit, g.caller.actions if sought is Sought.ACTION else None)
    next_token = "" if page.after is None else tokens.seal(place._replace(after=page.after), bound_to)
    decision_id = id_of_decision()
    journal.searched(decision_id, origin_of_request(), search, page.found, page.asked)
    return _response(search, page, next_token, decision_id)


def _bound_to(search: Search, asked: AskedPage) -> bytes:
    """What has to be the same in the request for the next page, whatever the order of its members."""
    caller: str = g.caller.name
    return json.dumps([search.sought, caller, search.question, asked.properties], sort_keys=True).encode()


def _place(tokens: PageTokens, asked: AskedPage, bound_to: bytes) -> Place:
    if not asked.token:
        return Place("", asked.limit)
    try:
        place = tokens.open(asked.token, bound_to)
    except NotAToken as error:
        what = "is none that this search gave to this caller; send the same request with it, or begin anew without it"
        raise InvalidRequest([Fault(what, "page.token")]) from error
    # A limit of 0 asks whether there is anything, and nobody goes on so.
    if place.limit == 0:
        return place._replace(limit=asked.limit)
    if asked.limit not in {None, place.limit}:
        what = "must be that of the request which gave the token, or left out"
        raise InvalidRequest([Fault(what, "page.limit")])
    return place


def _response(search: Search, page: Page, next_token: str, decision_id: str) -> Response:
    body: dict[str, Json] = {
        "page": {"next_token": next_token, "count": len(page.found)},
        "results": [_result(search, found) for found in page.found],
    }
    encoded = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(encoded, content_type="application/json", headers={DECISION_ID: decision_id})


def _result(search: Search, found: str) -> dict[str, Json]:
    match search.sought:
        case Sought.SUBJECT:
            return {"type": search.question.subject.type, "id": found}
        case Sought.RESOURCE:
            return {"type": search.question.resource.type, "id": found}
        case Sought.ACTION:
            return {"name": found}
