"""What Prometheus reads: what the processes here have counted, and what the database tells."""

import time
from collections.abc import Iterator
from contextlib import suppress

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine

from authz_service.administrators.outbox import count_letters, oldest_waiting
from authz_service.decision.memory import AnswerMemory
from authz_service.errors import DatabaseUnavailable, Unavailable
from authz_service.journal.indexer import count_entries
from authz_service.journal.journal import Journal
from authz_service.journal.shadow_counts import count_differences
from authz_service.journal.standing import find_standing
from authz_service.opa.supervisor import read_status
from authz_service.storage.database import REVISION
from authz_service.telemetry.tally import Tally
from authz_service.web.counted_metrics import counted_metrics
from authz_service.web.endpoint import Endpoint, declares
from authz_service.web.running import Running

_LATELY_SECONDS = 1.0


def metrics_endpoints(
    running: Running, database: Engine, memory: AnswerMemory, journal: Journal, tally: Tally
) -> Blueprint:
    endpoints = Blueprint("metrics", __name__)
    registry = CollectorRegistry()
    registry.register(_OfProcesses(running, memory, tally))
    registry.register(_OfDatabase(database, journal))

    @endpoints.get("/metrics")
    @declares(
        Endpoint(
            summary="Metrics for Prometheus. Where the database does not answer, what it tells is left out.",
            scope=None,
            answers={200: "text/plain"},
        )
    )
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return endpoints


class _OfProcesses(Collector):
    def __init__(self, running: Running, memory: AnswerMemory, tally: Tally) -> None:
        self._running = running
        self._memory = memory
        self._tally = tally
        self._opa_version = ""

    def collect(self) -> Iterator[Metric]:
        build = {"version": self._running.version, "schema": REVISION, "opa": self._known_opa_version()}
        yield InfoMetricFamily("authz_build", "The version that runs, of its tables and of OPA.", build)
        yield InfoMetricFamily("authz_policy", "The policy in force.", {"revision": self._memory.revision})
        status = read_status(self._running.policy_status) if self._running.policy_status else None
        findings = len(status.rejected) if status else 0
        yield GaugeMetricFamily(
            "authz_policy_rejected_findings", "What is wrong with an edit that is not in force.", findings
        )
        yield GaugeMetricFamily("authz_workers_wanted", "Processes that are to answer.", self._running.workers)
        yield from counted_metrics(self._tally.totals())

    def _known_opa_version(self) -> str:
        # One that does not answer is not waited for.
        if self._memory.confirmed_age() < _LATELY_SECONDS:
            with suppress(Unavailable):
                self._opa_version = self._running.opa_version()
        return self._opa_version


class _OfDatabase(Collector):
    """Counted from the database at each reading, so that every replica says the same."""

    def __init__(self, database: Engine, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    def collect(self) -> Iterator[Metric]:
        try:
            told = list(self._told())
        except DatabaseUnavailable:
            told = []
        yield GaugeMetricFamily("authz_database_up", "Whether the database answers.", bool(told))
        yield from told

    def _told(self) -> Iterator[Metric]:
        letters = GaugeMetricFamily("authz_letters", "Letters in the outbox by state.", labels=["state"])
        for state, number in count_letters(self._database).items():
            letters.add_metric([state], number)
        yield letters
        oldest = oldest_waiting(self._database)
        age = 0.0 if oldest is None else time.time() - oldest.timestamp()
        yield GaugeMetricFamily(
            "authz_letters_oldest_waiting_seconds", "Age of the oldest letter that waits.", max(age, 0.0)
        )
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
            behind = find_standing(self._database, self._journal.folder).bytes_behind
            yield GaugeMetricFamily("authz_journal_behind_bytes", "What cannot be searched yet.", behind)
