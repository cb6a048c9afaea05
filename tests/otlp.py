"""A receiver of OpenTelemetry's protocol over HTTP, which keeps the spans that it is sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.serving import serving


class Seen(NamedTuple):
    """A span, its ids in hexadecimal.

    Attributes:
        resource: The attributes of who has sent it.
    """

    name: str
    trace: str
    id: str
    parent: str
    kind: str
    attributes: dict[str, Any]
    is_error: bool
    began: int
    ended: int
    resource: dict[str, Any]


class Receiver:
    """What has come so far."""

    def __init__(self) -> None:
        self.url = ""
        self.spans: list[Seen] = []
        self.raw = b""

    def of_trace(self, trace: str) -> dict[str, Seen]:
        """The spans of a trace by their names, each of which is there once."""
        spans = [span for span in self.spans if span.trace == trace]
        assert len({span.name for span in spans}) == len(spans), spans
        return {span.name: span for span in spans}


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert (self.path, self.headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
            receiver.raw += body
            receiver.spans += _spans(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        receiver.url = url
        yield receiver


def _spans(message: ExportTraceServiceRequest) -> Iterator[Seen]:
    for of_resource in message.resource_spans:
        resource = _attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield Seen(
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
                    _attributes(span.attributes),
                    span.status.code == 2,
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    resource,
                )


def _attributes(pairs: Any) -> dict[str, Any]:  # noqa: ANN401 - a repeated field
    def value(pair: KeyValue) -> Any:  # noqa: ANN401 - of whichever type it is
        return getattr(pair.value, str(pair.value.WhichOneof("value")))

    return {pair.key: value(pair) for pair in pairs}
