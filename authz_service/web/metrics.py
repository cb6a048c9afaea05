"""What Prometheus reads. Counted from the database at each reading, so that every replica says the same.

Refusals alone are counted by each machine for itself, as most of them are in no database.
"""

import time
from collections.abc import Iterator

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine

from authz_service.administrators.outbox import count_letters, oldest_unsent
from authz_service.decision.memory import AnswerMemory
from authz_service.journal.indexer import bytes_behind, count_entries
from authz_service.journal.journal import Journal
from authz_service.journal.shadow_counts import count_differences
from authz_service.web.endpoint import Endpoint, declares
from authz_service.web.refusals import Refusals


def metrics_endpoints(
    database: Engine, memory: AnswerMemory, version: str, journal: Journal, refusals: Refusals
) -> Blueprint:
    endpoints = Blueprint("metrics", __name__)
    registry = CollectorRegistry()
    registry.register(_Collector(database, memory, version, journal, refusals))

    @endpoints.get("/metrics")
    @declares(
        Endpoint(
            summary="Metrics for Prometheus.",
            scope=None,
            answers={200: "text/plain"},
            problems={503: "The database does not answer."},
        )
    )
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return endpoints


class _Collector(Collector):
    def __init__(
        self, database: Engine, memory: AnswerMemory, version: str, journal: Journal, refusals: Refusals
    ) -> None:
        self._database = database
        self._memory = memory
        self._version = version
        self._journal = journal
        self._refusals = refusals

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("authz_build", "The version that runs.", {"version": self._version})
        yield InfoMetricFamily("authz_policy", "The policy in force.", {"revision": self._memory.revision})
        letters = GaugeMetricFamily("authz_letters", "Letters in the outbox by state.", labels=["state"])
        for state, number in count_letters(self._database).items():
            letters.add_metric([state], number)
        yield letters
        oldest = oldest_unsent(self._database)
        age = 0.0 if oldest is None else time.time() - oldest.timestamp()
        yield GaugeMetricFamily(
            "authz_letters_oldest_unsent_seconds", "Age of the oldest unsent letter.", max(age, 0.0)
        )
        yield from self._of_journal()
        yield from self._refusals.metrics()

    def _of_journal(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "authz_journal_entries", "Entries that the database has been given.", count_entries(self._database)
        )
        differences = CounterMetricFamily(
            "authz_shadow_differences", "Decisions that the shadow policy answers differently.", labels=["old", "new"]
        )
        for (old, new), number in count_differences(self._database).items():
            differences.add_metric([old, new], number)
        yield differences
        if self._journal.folder is not None:
            behind = bytes_behind(self._database, self._journal.folder)
            yield GaugeMetricFamily("authz_journal_behind_bytes", "What cannot be searched yet.", behind)
