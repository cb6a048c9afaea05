"""OpenTelemetry: spans of what the service does, sent over OTLP. Imported only where it is set up."""

import threading
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

Attributes = Mapping[str, str | bool | int]
Describe = Callable[..., Attributes]

_END_WITHIN_SECONDS = 2.0


def _nothing(*_: object) -> Attributes:
    return {}


class Tracing:
    """Makes spans and sends them where the variables of OpenTelemetry say.

    Args:
        version: That of the service.
    """

    def __init__(self, version: str) -> None:
        ours = Resource.create({SERVICE_NAME: "authz-service", SERVICE_VERSION: version})
        # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say is stronger.
        resource = ours.merge(OTELResourceDetector().detect())
        self._exporter = OTLPSpanExporter()
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("authz_service", version)
        self._propagator = TraceContextTextMapPropagator()

    def close(self) -> None:
        """Sends what there is, unless nobody takes it."""
        # By itself it would wait for half a minute for a collector that is away.
        giving_up = threading.Timer(_END_WITHIN_SECONDS, self._exporter.shutdown)
        giving_up.start()
        self._provider.shutdown()
        giving_up.cancel()

    def parent(self, carrier: Mapping[str, str]) -> Context:
        """The context that a caller sends along, by the headers of W3C Trace Context."""
        return self._propagator.extract(carrier)

    def headers(self) -> dict[str, str]:
        """The same headers for whoever is asked next."""
        headers: dict[str, str] = {}
        self._propagator.inject(headers)
        return headers

    def begin(self, name: str, kind: SpanKind, parent: Context) -> Span:
        return self._tracer.start_span(name, parent, kind)

    def trace(
        self,
        thing: object,
        method: str,
        name: str,
        kind: SpanKind = SpanKind.INTERNAL,
        describe: Describe = _nothing,
    ) -> None:
        """Has each call of a method be a span of the request that it is for, where that is sampled.

        Args:
            thing: What has the method.
            method: Its name.
            name: That of the span.
            kind: That of the span.
            describe: Makes the attributes of the span of what the method has returned.
        """
        call = getattr(thing, method)

        @wraps(call)
        def traced(*arguments: object) -> Any:  # noqa: ANN401 - as the method
            if not get_current_span().is_recording():
                return call(*arguments)
            with self._tracer.start_as_current_span(name, kind=kind, record_exception=False) as span:
                try:
                    returned = call(*arguments)
                except Exception as error:
                    failed(span, type(error).__name__)
                    raise
                span.set_attributes(describe(returned))
                return returned

        setattr(thing, method, traced)


def failed(span: Span, error_type: str) -> None:
    """The span has failed; no message is told, as it may hold what is nobody's business."""
    span.set_attribute("error.type", error_type)
    span.set_status(Status(StatusCode.ERROR))
