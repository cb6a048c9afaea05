"""The journal: decisions that were made, proven and replayed."""

from datetime import UTC, datetime

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine

from authz_service.decision.decisions import Decisions
from authz_service.errors import Fault, InvalidRequest
from authz_service.journal.proof import prove
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.journal.queries import Wanted, find_decisions, get_decision
from authz_service.journal.shown import shown
from authz_service.journal.today import judge_today
from authz_service.web.endpoint import Endpoint, declares
from authz_service.web.journal_examples import KEPT, PROVEN, REPLAYED
from authz_service.web.shapes import KeptDecision, KeptDecisions, Proof, Replay
from authz_service.words import Scope

MOST_ON_A_PAGE = 1_000
_USUAL = 100
_ANSWERS = {"true": "permit", "false": "deny"}
_QUERY = {
    "subject": "The id of a person, or a pseudonym as the journal has it.",
    "customer": "A customer number, or a pseudonym.",
    "action": "The action.",
    "decision": "true or false.",
    "from": "From when on: an ISO 8601 time with its time zone.",
    "to": "Before when.",
    "limit": f"How many at most: {_USUAL} if left out, {MOST_ON_A_PAGE:,} at most.",
    "cursor": "The next_cursor of the page before.",
}


def decisions_endpoints(database: Engine, pseudonyms: Pseudonyms, decisions: Decisions) -> Blueprint:
    endpoints = Blueprint("decisions", __name__)

    @endpoints.get("/v1/decisions")
    @declares(
        Endpoint(
            summary="Decisions that were made, the newest first, a page at a time.",
            scope=Scope.AUDIT,
            answers={200: KeptDecisions},
            answer_example={"decisions": [KEPT], "next_cursor": None},
            problems={400: "A parameter is wrong; errors names each."},
            query=_QUERY,
        )
    )
    def listed() -> ResponseReturnValue:
        wanted, limit, cursor = _asked()
        found = find_decisions(database, pseudonyms, wanted, limit, cursor)
        return jsonify({"decisions": [shown(kept) for kept in found.decisions], "next_cursor": found.cursor})

    @endpoints.get("/v1/decisions/<decision_id>")
    @declares(
        Endpoint(
            summary="One decision that was made.",
            scope=Scope.AUDIT,
            answers={200: KeptDecision},
            answer_example=KEPT,
            problems={404: "There is no such decision, or not yet: it is found within a second of its answer."},
        )
    )
    def one(decision_id: str) -> ResponseReturnValue:
        return jsonify(shown(get_decision(database, decision_id)))

    @endpoints.get("/v1/decisions/<decision_id>/proof")
    @declares(
        Endpoint(
            summary="The proof that a decision is in the journal, for `authz-service journal verify --proof`.",
            scope=Scope.AUDIT,
            answers={200: Proof},
            answer_example=PROVEN,
            problems={
                404: "There is no such decision, or not yet.",
                409: "Its block has not been signed yet: ask again in some seconds.",
            },
        )
    )
    def proof(decision_id: str) -> ResponseReturnValue:
        return jsonify(prove(database, get_decision(database, decision_id)))

    @endpoints.post("/v1/decisions/<decision_id>/replay")
    @declares(
        Endpoint(
            summary="The recorded decision beside what today's policy says of the same facts. It changes nothing.",
            scope=Scope.AUDIT,
            answers={200: Replay},
            answer_example=REPLAYED,
            problems={
                404: "There is no such decision, or not yet.",
                409: "It has no facts of its own: it is a search, or of a domain without finite facts.",
                503: "The policy cannot be asked.",
            },
        )
    )
    def replay(decision_id: str) -> ResponseReturnValue:
        kept = get_decision(database, decision_id)
        return jsonify({"id": kept.id, **judge_today(decisions, kept)._asdict()})

    return endpoints


def _asked() -> tuple[Wanted, int, str | None]:
    faults: list[Fault] = []
    for name, values in request.args.lists():
        if name not in _QUERY:
            faults.append(Fault(f"is not known; there are {', '.join(_QUERY)}", name))
        elif len(values) > 1:
            faults.append(Fault("must be given once", name))
        elif "\0" in values[0]:
            faults.append(Fault("must be without NUL characters", name))
    decision = request.args.get("decision")
    if decision is not None and decision not in _ANSWERS:
        faults.append(Fault("must be true or false", "decision"))
    since, until = _time("from", faults), _time("to", faults)
    limit = request.args.get("limit", str(_USUAL))
    is_number = limit.isascii() and limit.isdecimal() and len(limit) <= len(str(MOST_ON_A_PAGE))
    if not (is_number and 1 <= int(limit) <= MOST_ON_A_PAGE):
        faults.append(Fault(f"must be a whole number from 1 to {MOST_ON_A_PAGE:,}", "limit"))
    if faults:
        raise InvalidRequest(faults)
    wanted = Wanted(
        subject=request.args.get("subject"),
        customer=request.args.get("customer"),
        action=request.args.get("action"),
        answer=None if decision is None else _ANSWERS[decision],
        since=since,
        until=until,
    )
    return wanted, int(limit), request.args.get("cursor")


def _time(name: str, faults: list[Fault]) -> datetime | None:
    text = request.args.get(name)
    if text is None:
        return None
    try:
        # A plus sign that was not encoded arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    faults.append(Fault("must be an ISO 8601 time with its time zone, such as 2026-11-23T22:00:00Z", name))
    return None
