"""What the processes of the service have counted, in the words of Prometheus."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from authz_service.decision.counting import BY_REVISION, DECISIONS
from authz_service.decision.memory import CONFIRMED_AGE, IN_FORCE_AGE
from authz_service.journal.writer import FAILING, HEAD_AGE, SYNC_SECONDS, UNSIGNED_AGE, WAITING
from authz_service.opa.supervisor import OPA_RESTARTS
from authz_service.storage.connections import CONNECTIONS, MOST
from authz_service.telemetry.histogram import Histogram
from authz_service.telemetry.stages import STAGE_SECONDS
from authz_service.telemetry.tally import Key, Totals
from authz_service.web.administrators import TAKE_OVERS
from authz_service.web.problems import FAILURES
from authz_service.web.refusals import REFUSALS


class _Told(NamedTuple):
    """A metric.

    Attributes:
        says: What it tells, in a sentence.
        labels: In the order of the key.
    """

    says: str
    labels: Sequence[str] = ()


_COUNTERS = {
    DECISIONS: _Told("Decisions that callers were given.", ["action", "answer", "source"]),
    BY_REVISION: _Told("The same by policy revision, of the last few.", ["revision", "answer"]),
    TAKE_OVERS: _Told("Take-overs that were asked for.", ["answer"]),
    REFUSALS: _Told("Requests that were refused.", ["endpoint", "status"]),
    FAILURES: _Told("Requests that the service could not answer.", ["cause", "status"]),
}
_HISTOGRAMS = {
    STAGE_SECONDS: _Told("How long decisions take, by stage.", ["stage", "questions"]),
    SYNC_SECONDS: _Told("How long the disk takes to keep entries of the journal."),
}
# How the processes' gauges become one: what is worst of any, or all together.
_GAUGES: Mapping[str, tuple[Callable[[Sequence[float]], float], _Told]] = {
    IN_FORCE_AGE: (max, _Told("How long ago the policy in force came into force here, or the service began.")),
    CONFIRMED_AGE: (
        max,
        _Told("How long ago OPA last said which policy is in force, at most of any worker."),
    ),
    FAILING: (sum, _Told("Processes that cannot write the journal.")),
    WAITING: (sum, _Told("Entries of the journal that wait to be written.")),
    HEAD_AGE: (min, _Told("How long ago the last entry of the journal was written here.")),
    UNSIGNED_AGE: (max, _Told("How long the oldest entry of the journal that no checkpoint has signed has waited.")),
    CONNECTIONS: (sum, _Told("Connections to the database.", ["pool", "state"])),
    MOST: (sum, _Told("Connections to the database that there may be.", ["pool"])),
}


def counted_metrics(totals: Totals) -> Iterator[Metric]:
    """Each metric with all of its samples, those without any sample too."""
    yield from _counters(totals.counts)
    yield from _histograms(totals.histograms)
    yield from _gauges(totals)


def _counters(counts: Counter[Key]) -> Iterator[Metric]:
    for name, told in _COUNTERS.items():
        family = CounterMetricFamily(name, told.says, labels=told.labels)
        for key, number in counts.items():
            if key[0] == name:
                family.add_metric(key[1:], number)
        yield family


def _histograms(histograms: Mapping[Key, Histogram]) -> Iterator[Metric]:
    for name, told in _HISTOGRAMS.items():
        family = HistogramMetricFamily(name, told.says, labels=told.labels)
        for key, histogram in histograms.items():
            if key[0] == name:
                bounds = [*map(str, histogram.bounds), "+Inf"]
                buckets = list(zip(bounds, accumulate(histogram.buckets), strict=True))
                family.add_metric(key[1:], buckets, histogram.total)
        yield family


def _gauges(totals: Totals) -> Iterator[Metric]:
    yield GaugeMetricFamily("authz_workers", "Processes that answer.", len(totals.gauge(CONFIRMED_AGE)))
    restarts = sum(totals.gauge(OPA_RESTARTS))
    yield CounterMetricFamily("authz_opa_restarts", "How often the OPA here ended and was started again.", restarts)
    for name, (joined, told) in _GAUGES.items():
        family = GaugeMetricFamily(name, told.says, labels=told.labels)
        for key in {key: None for gauges in totals.gauges for key in gauges if key[0] == name}:
            family.add_metric(key[1:], joined(totals.gauge(*key)))
        yield family
