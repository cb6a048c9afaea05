"""The decide endpoints of the AuthZEN Authorization API 1.0."""

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus

from flask import Blueprint, Response, g, request

from authz_service.decision.counting import DecisionCounts
from authz_service.decision.decisions import Decided, Decisions
from authz_service.errors import Fault, InvalidRequest
from authz_service.journal.journal import Journal
from authz_service.questions import Question
from authz_service.web.authentication import ACTION_NOT_OPEN, require_open
from authz_service.web.bodies import json_type, read_object
from authz_service.web.endpoint import Endpoint, declares
from authz_service.web.evaluation import inherited, read_question
from authz_service.web.examples import MARY_SEES_HER_USAGE, SHE_MAY, SHE_MAY_NOT
from authz_service.web.languages import ACCEPTED, TOLD, language_of, told_in
from authz_service.web.origins import origin_of_request
from authz_service.web.refusals import Refusals
from authz_service.web.request_ids import id_of_decision
from authz_service.web.shapes import (
    MOST_EVALUATIONS,
    EvaluationRequest,
    EvaluationResponse,
    EvaluationsRequest,
    EvaluationsResponse,
    Semantic,
)
from authz_service.words import Language, Scope

DECISION_ID = "Decision-Id"
SINGLE = ("/access/v1/evaluation", "/v1/decide")
SEVERAL = "/access/v1/evaluations"
FAILED = "authz_service.failed"
"""Where the environ of a request has why it could not be answered before it came to Flask."""

_NOT_OPEN = [Fault(ACTION_NOT_OPEN)]
"""What is wrong with an item that is in order, but about an action that the caller may not ask about."""

_STOP_AFTER = {Semantic.DENY_ON_FIRST_DENY: False, Semantic.PERMIT_ON_FIRST_PERMIT: True}

_ANSWER_HEADERS = {DECISION_ID: "The id of the decision.", **TOLD}

_EVALUATION = Endpoint(
    summary="May this person do this? A decision is answered with 200 either way.",
    scope=Scope.DECIDE,
    body=EvaluationRequest,
    answers={200: EvaluationResponse},
    problems={503: "The facts or the policy cannot be asked: no decision."},
    example=MARY_SEES_HER_USAGE,
    answer_example=SHE_MAY,
    headers=ACCEPTED,
    answer_headers=_ANSWER_HEADERS,
)


def decide_endpoints(decisions: Decisions, journal: Journal, counts: DecisionCounts, refusals: Refusals) -> Blueprint:
    endpoints = Blueprint("decide", __name__)

    @declares(_EVALUATION)
    def evaluation() -> Response:
        _raise_failed()
        return _decide_one(decisions, journal, counts, read_object(request))

    for address in SINGLE:
        endpoints.post(address)(evaluation)

    @endpoints.post(SEVERAL)
    @declares(
        Endpoint(
            summary="Many questions in one call, each with what it leaves out taken from the top level.",
            scope=Scope.DECIDE,
            body=EvaluationsRequest,
            answers={200: EvaluationsResponse},
            problems={503: "The facts or the policy cannot be asked: no decision."},
            example={
                **MARY_SEES_HER_USAGE,
                "evaluations": [{}, {"resource": {"type": "subscription", "id": "mobile-2003"}}],
            },
            answer_example={"evaluations": [SHE_MAY, SHE_MAY_NOT]},
            headers=ACCEPTED,
            answer_headers=_ANSWER_HEADERS,
        )
    )
    def evaluations() -> Response:
        _raise_failed()
        body = read_object(request)
        items = _items(body)
        if not items:
            return _decide_one(decisions, journal, counts, body)
        language = language_of(request)
        answers = _decide_many(decisions, body, items, _semantic(body))
        if any(answer is _NOT_OPEN for answer in answers):
            refusals.note(HTTPStatus.FORBIDDEN, Scope.DECIDE)
        decision_id = id_of_decision()
        decided = [(item, answer) for item, answer in enumerate(answers) if isinstance(answer, Decided)]
        journal.decided_several(decision_id, origin_of_request(), decided)
        for _, each in decided:
            counts.count(each)
        bodies = [
            decisions.body(answer.decision, language) if isinstance(answer, Decided) else _broken(answer)
            for answer in answers
        ]
        return _response(several_bodies(bodies), decision_id, language)

    return endpoints


def several_bodies(bodies: Sequence[bytes]) -> bytes:
    """The answer to several questions, of the answers to each."""
    return b'{"evaluations":[' + b",".join(bodies) + b"]}"


def _raise_failed() -> None:
    failed = request.environ.get(FAILED)
    if failed is not None:
        raise failed


def _decide_one(decisions: Decisions, journal: Journal, counts: DecisionCounts, body: Mapping[str, object]) -> Response:
    faults: list[Fault] = []
    question = _question(decisions, body, faults)
    if question is None:
        raise InvalidRequest(faults)
    require_open(question.action.name)
    [decided] = decisions.decide([question])
    decision_id = id_of_decision()
    journal.decided(decision_id, origin_of_request(), decided)
    counts.count(decided)
    language = language_of(request)
    return _response(decisions.body(decided.decision, language), decision_id, language)


def _decide_many(
    decisions: Decisions, body: Mapping[str, object], items: list[object], semantic: Semantic
) -> list[Decided | list[Fault]]:
    """Of each item the decision, or what is wrong with it; those after the one that settles the matter are left out."""
    questions: list[Question | None] = []
    faults: list[list[Fault]] = []
    defaults = inherited(body)
    for item in items:
        found: list[Fault] = []
        question = _item(decisions, defaults, item, found)
        if question and not g.caller.may_ask_about(question.action.name):
            question, found = None, _NOT_OPEN
        questions.append(question)
        faults.append(found)
    if semantic in _STOP_AFTER:
        return list(_until(decisions, questions, faults, stop_after=_STOP_AFTER[semantic]))
    decided = iter(decisions.decide([question for question in questions if question]))
    return [found or next(decided) for found in faults]


def _until(
    decisions: Decisions,
    questions: list[Question | None],
    faults: list[list[Fault]],
    *,
    stop_after: bool,
) -> Iterator[Decided | list[Fault]]:
    """One question at a time, up to the first decision that settles the matter. A broken item is no permit."""
    for question, found in zip(questions, faults, strict=True):
        if question is None:
            yield found
            allow = False
        else:
            [decided] = decisions.decide([question])
            yield decided
            allow = decided.decision.allow
        if allow is stop_after:
            return


def _item(decisions: Decisions, defaults: Mapping[str, object], item: object, faults: list[Fault]) -> Question | None:
    if not isinstance(item, dict):
        faults.append(Fault(f"must be an object, got {json_type(item)}"))
        return None
    return _question(decisions, {**defaults, **item} if defaults else item, faults)


def _question(decisions: Decisions, body: Mapping[str, object], faults: list[Fault]) -> Question | None:
    question = read_question(body, faults)
    if question is not None:
        faults.extend(decisions.faults(question))
    return None if faults else question


def _broken(faults: list[Fault]) -> bytes:
    status = HTTPStatus.FORBIDDEN if faults is _NOT_OPEN else HTTPStatus.BAD_REQUEST
    error = {"status": status, "message": "; ".join(map(str, faults))}
    return json.dumps({"decision": False, "context": {"error": error}}, separators=(",", ":")).encode()


def _items(body: Mapping[str, object]) -> list[object]:
    items = body.get("evaluations")
    if items is None:
        return []
    if not isinstance(items, list):
        raise InvalidRequest([Fault(f"must be an array, got {json_type(items)}", "evaluations")])
    if len(items) > MOST_EVALUATIONS:
        raise InvalidRequest([Fault(f"must be {MOST_EVALUATIONS:,} at most", "evaluations")])
    faults = [
        Fault(f"must be an object, got {json_type(body[part])}", part)
        for part in ("subject", "action", "resource", "context")
        if body.get(part) is not None and not isinstance(body[part], dict)
    ]
    if items and faults:
        raise InvalidRequest(faults)
    return items


def _semantic(body: Mapping[str, object]) -> Semantic:
    options = body.get("options")
    if options is None:
        return Semantic.EXECUTE_ALL
    if not isinstance(options, dict):
        raise InvalidRequest([Fault(f"must be an object, got {json_type(options)}", "options")])
    semantic = options.get("evaluations_semantic")
    if semantic is None:
        return Semantic.EXECUTE_ALL
    if not isinstance(semantic, str) or semantic not in frozenset(Semantic):
        raise InvalidRequest([Fault(f"must be one of {', '.join(Semantic)}", "options.evaluations_semantic")])
    return Semantic(semantic)


def _response(body: bytes, decision_id: str, language: Language) -> Response:
    response = Response(body, content_type="application/json", headers={DECISION_ID: decision_id})
    return told_in(response, language)
