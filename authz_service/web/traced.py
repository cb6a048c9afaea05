"""Traces: a span of each request, in the trace of its caller, and within it one of each stage of a decision.

Nothing that names anybody is in a span: no id of a person, customer or subscription, and no path that has one.
"""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from opentelemetry.trace import Span, SpanKind, format_trace_id, get_current_span, use_span
from sqlalchemy import Engine

from authz_service.decision.decisions import Decided, Decisions
from authz_service.decision.protocols import Domain, PolicyEngine
from authz_service.journal.entries import Origin
from authz_service.journal.journal import Journal
from authz_service.opa.engine import OpaEngine
from authz_service.questions import Verdict
from authz_service.telemetry.tracing import Attributes, Tracing, failed
from authz_service.web.decide import SEVERAL, SINGLE
from authz_service.web.request_ids import TRACE
from authz_service.words import ActionName, ResourceType

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_ROUTE = "authz_service.route"
_CARRIED = {"HTTP_TRACEPARENT": "traceparent", "HTTP_TRACESTATE": "tracestate"}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_ACTIONS, _RESOURCE_TYPES = frozenset(ActionName), frozenset(ResourceType)
_OTHER = "other"


def trace_app(
    app: Flask,
    tracing: Tracing,
    database: Engine,
    domain: Domain,
    engine: PolicyEngine,
    decisions: Decisions,
    journal: Journal,
) -> None:
    """Has all that the app does for a request traced."""

    def of_database(_: object) -> Attributes:
        return {"db.system.name": database.dialect.name}

    tracing.trace(domain, "state", "facts", SpanKind.CLIENT, of_database)
    tracing.trace(domain, "candidates", "candidates", SpanKind.CLIENT, of_database)
    tracing.trace(decisions.memory, "answers", "answer", describe=_sources)
    tracing.trace(engine, "ask", "ask OPA", SpanKind.CLIENT, describe=_verdict)
    if isinstance(engine, OpaEngine):
        engine.sends(tracing.headers)
    tracing.trace(journal, "decided", "journal")
    tracing.trace(journal, "decided_several", "journal")
    tracing.trace(journal, "searched", "journal")
    _describe_decisions(journal)

    def note_route() -> None:
        if request.url_rule:
            request.environ[_ROUTE] = request.url_rule.rule

    app.before_request(note_route)
    app.wsgi_app = _TracedApp(app.wsgi_app, tracing)  # type: ignore[method-assign]  # so Flask's documentation has middleware added


class _TracedApp:
    def __init__(self, app: "WSGIApplication", tracing: Tracing) -> None:
        self.app = app
        self._tracing = tracing

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"] if environ["REQUEST_METHOD"] in _METHODS else "_OTHER"
        carrier = {header: environ[name] for name, header in _CARRIED.items() if name in environ}
        span = self._tracing.begin(method, SpanKind.SERVER, self._tracing.parent(carrier))
        environ[TRACE] = format_trace_id(span.get_span_context().trace_id)

        if not span.is_recording():
            # OPA gets to know all the same that it is not to be sampled there.
            with use_span(span):
                return self.app(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:  # noqa: ANN401 - as WSGI has it
            _describe_response(span, int(status[:3]))
            return start_response(status, headers, *more)

        with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                answered = self.app(environ, start)
            except Exception as error:
                failed(span, type(error).__name__)
                raise
            path = environ["PATH_INFO"]
            # Decisions are answered before Flask, which notes the route of all others.
            route = path if path in SINGLE or path == SEVERAL else environ.get(_ROUTE)
            span.set_attribute("http.request.method", method)
            if route:
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
            return answered


def _describe_response(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        failed(span, str(status))


def _describe_decisions(journal: Journal) -> None:
    keep, keep_several = journal.decided, journal.decided_several

    def decided(decision_id: str, origin: Origin, told: Decided) -> None:
        _describe(decision_id, [told])
        keep(decision_id, origin, told)

    def decided_several(decision_id: str, origin: Origin, told: Sequence[tuple[int, Decided]]) -> None:
        _describe(decision_id, [each for _, each in told])
        keep_several(decision_id, origin, told)

    # In front of the methods, as their span is.
    for each in (decided, decided_several):
        setattr(journal, each.__name__, each)


def _describe(decision_id: str, told: Sequence[Decided]) -> None:
    span = get_current_span()
    if span.is_recording():
        span.set_attributes(_decided(decision_id, told))


def _decided(decision_id: str, told: Sequence[Decided]) -> Attributes:
    attributes: dict[str, str | int] = {"authz.decision_id": decision_id, "authz.questions": len(told)}
    if len(told) != 1:
        return attributes
    [(question, _, decision, source)] = told
    # Whoever asks chooses both, and may write anything.
    action = question.action.name if question.action.name in _ACTIONS else _OTHER
    resource_type = question.resource.type if question.resource.type in _RESOURCE_TYPES else _OTHER
    return attributes | {
        "authz.action": action,
        "authz.resource_type": resource_type,
        "authz.answer": "permit" if decision.allow else "deny",
        "authz.answer_source": source,
        "authz.policy_revision": decision.revision,
    }


def _sources(answers: tuple[Sequence[object], Sequence[str]]) -> Attributes:
    sources: Mapping[str, None] = dict.fromkeys(answers[1])
    return {"authz.answer_source": ",".join(sources)}


def _verdict(verdict: Verdict) -> Attributes:
    return {"authz.questions": len(verdict.answers), "authz.policy_revision": verdict.revision}
