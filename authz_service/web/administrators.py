"""Becoming administrator."""

from http import HTTPStatus

from flask import Blueprint, Response, jsonify, request

from authz_service.administrators.take_over import Administrators
from authz_service.administrators.wish import Activation, Wish
from authz_service.customers.parsing import parse
from authz_service.errors import TakeOverRefused
from authz_service.telemetry.tally import Tally
from authz_service.web.authentication import require_open
from authz_service.web.bodies import read_object
from authz_service.web.endpoint import Endpoint, declares
from authz_service.web.languages import ACCEPTED, language_of, told_in
from authz_service.web.origins import origin_of_request
from authz_service.web.problems import problem
from authz_service.web.shapes import TakenOver, TakeOverRequest
from authz_service.words import ActionName, Scope

TAKE_OVERS = "authz_take_overs"
PERMIT, DENY = "permit", "deny"


def administrator_endpoints(administrators: Administrators, tally: Tally) -> Blueprint:
    endpoints = Blueprint("administrators", __name__)
    for each in (PERMIT, DENY):
        tally.count(TAKE_OVERS, each, number=0)

    @endpoints.post("/v1/customers/<number:number>/administrators")
    @declares(
        Endpoint(
            summary="A person becomes administrator of a customer number, at once.",
            scope=Scope.ADMINISTRATORS,
            body=TakeOverRequest,
            answers={201: TakenOver},
            problems={
                403: (
                    "The policy says no: reasons say why. Or the token does not have the scope, or the caller may not"
                    " ask about this action."
                ),
                404: "There is no such customer number, or no such person.",
                503: "The facts or the policy cannot be asked: nothing is done.",
            },
            example={"person": "mary.jones", "channel": "web", "current_administrator_informed": True},
            answer_example={
                "customer_number": "123456789",
                "administrator": "mary.jones",
                "became_users": ["philip.smith"],
                "notified": ["philip.smith"],
                "decision_id": "01M84QSGESVD27XPQJ3W7TSFSQ",
            },
            headers=ACCEPTED,
        )
    )
    def take_over(number: str) -> tuple[Response, int]:
        body = parse(TakeOverRequest, read_object(request))
        require_open(ActionName.BECOME_ADMINISTRATOR)
        activation = Activation(body.activation.code, body.activation.date) if body.activation else None
        is_informed, origin = body.current_administrator_informed, origin_of_request()
        done = administrators.take_over(Wish(number, body.person, body.channel, is_informed, activation, origin))
        tally.count(TAKE_OVERS, PERMIT)
        answer = TakenOver(
            customer_number=number,
            administrator=body.person,
            became_users=list(done.became_users),
            notified=list(done.notified),
            decision_id=done.decision_id,
        )
        return jsonify(answer.model_dump()), HTTPStatus.CREATED

    @endpoints.errorhandler(TakeOverRefused)
    def refused(error: TakeOverRefused) -> Response:
        tally.count(TAKE_OVERS, DENY)
        language = language_of(request)
        reasons = [
            {"code": reason.code, "cites": list(reason.cites), "message": reason.said_in(language)}
            for reason in error.reasons
        ]
        more = {"reasons": reasons, "decision_id": error.decision_id}
        detail = "The policy does not permit this take-over; reasons say why."
        return told_in(problem(HTTPStatus.FORBIDDEN, detail, more=more), language)

    return endpoints
