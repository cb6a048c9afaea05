"""What a served process tells of itself: numbers whichever worker is asked, spans to a collector, lines of log."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.opa.bundle import build_bundle
from authz_service.storage.database import connect, upgrade
from tests.conftest import SMITH_FAMILY, TOKEN
from tests.otlp import Receiver, Seen, receiving
from tests.processes import freeze, is_running, thaw, wait_until
from tests.services import HOST, Service, question, serve

OWN_USAGE = question("mary.jones", "view_usage", "subscription", "mobile-2002")
BILLS = question("mary.jones", "view_bills", "customer", "123456789")
TRACE, CALLERS_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
DECISIONS, STAGES = "authz_decisions_total", "authz_stage_seconds_count"


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('telemetry') / 'authz.db'}"
    database = connect(url)
    upgrade(database)
    import_files(database, [SMITH_FAMILY], key_finder(None, database))
    database.dispose()
    return url


@pytest.fixture(scope="module")
def collector() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def service(
    opa: Path, database_url: str, collector: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Two workers with a collector, for all tests that leave them working."""
    more = {"AUTHZ_WORKERS": "2", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with serve(opa, tmp_path_factory.mktemp("service"), database_url, more) as running:
        wait_until(lambda: numbers(running)["authz_workers", ()] == 2, 20)
        yield running


Numbers = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def numbers(service: Service) -> Numbers:
    """What /metrics says, by name and labels; each time of whichever worker takes a new connection."""
    text = requests.get(f"{service.url}/metrics", timeout=10).text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(told: Numbers, name: str, **labels: str) -> float:
    return sum(value for (each, of), value in told.items() if each == name and labels.items() <= dict(of).items())


def ask(service: Service, body: object, path: str = "/access/v1/evaluation", **headers: str) -> requests.Response:
    """On a connection of its own, so that either worker may answer."""
    authorization = {"Authorization": f"Bearer {TOKEN}"}
    return requests.post(service.url + path, json=body, headers=authorization | headers, timeout=10)


def of_collector(collector: Receiver, trace: str, names: set[str]) -> dict[str, Any]:
    wait_until(lambda: names <= collector.of_trace(trace).keys(), 10)
    return collector.of_trace(trace)


# numbers


def test_whichever_worker_is_asked_tells_of_every_decision_of_all(service: Service) -> None:
    before = numbers(service)
    with ThreadPoolExecutor(8) as threads:
        for response in threads.map(lambda _: ask(service, OWN_USAGE), range(60)):
            assert response.status_code == 200
    assert ask(service, BILLS).json()["decision"] is False
    batch = {**OWN_USAGE, "evaluations": [{}, BILLS, {"action": {"name": "fly"}}]}
    assert ask(service, batch, "/access/v1/evaluations").status_code == 200
    # Within the time in which each worker tells its numbers; then the same each time.
    wait_until(lambda: total(numbers(service), DECISIONS) - total(before, DECISIONS) == 64, 5)
    for _ in range(10):
        told = numbers(service)

        def more(name: str, told: Numbers = told, **labels: str) -> float:
            return total(told, name, **labels) - total(before, name, **labels)

        assert more(DECISIONS, action="view_usage", answer="permit") == 61
        assert more(DECISIONS, action="view_bills", answer="deny") == 2
        assert more(DECISIONS, action="other", answer="deny") == 1
        assert more("authz_revision_decisions_total") == 64
        assert more(STAGES, stage="whole", questions="one") == 61
        assert more(STAGES, stage="whole", questions="several") == 1
        assert 0 < more(STAGES, stage="facts", questions="one") < 61


def test_no_count_is_lost_with_a_worker_and_none_of_its_files_stays_for_another(
    opa: Path, database_url: str, tmp_path: Path
) -> None:
    more = {"AUTHZ_WORKERS": "2", "TMPDIR": str(tmp_path)}
    with serve(opa, tmp_path / "service", database_url, more) as service:
        wait_until(lambda: numbers(service)["authz_workers", ()] == 2, 20)
        # Each of the two once, as the server gives up where the same one ends again at once.
        for asked, worker in zip((20, 40), service.workers(), strict=True):
            for _ in range(20):
                assert ask(service, OWN_USAGE).status_code == 200
            wait_until(lambda asked=asked: total(numbers(service), DECISIONS) == asked, 5)  # type: ignore[misc]  # bound here
            os.kill(worker, signal.SIGKILL)
            wait_until(lambda worker=worker: not is_running(worker))  # type: ignore[misc]  # bound here
            wait_until(lambda: is_answering(service), 20)
            wait_until(lambda: len(service.workers()) == 2, 20)
            assert total(numbers(service), DECISIONS) == asked
        # One for each worker and one for the process that has started them.
        assert len(list(tmp_path.glob("authz-shared-*/tally-*"))) == 3


def test_what_fails_is_counted_by_its_cause_and_told_while_the_database_is_away(
    opa: Path, tmp_path: Path, database_url: str
) -> None:
    own = tmp_path / "authz.db"
    shutil.copy(database_url.removeprefix("sqlite:///"), own)
    with serve(opa, tmp_path / "service", f"sqlite:///{own}") as service:
        assert ask(service, OWN_USAGE).status_code == 200
        assert numbers(service)["authz_database_up", ()] == 1
        freeze(service.opa())
        try:
            assert ask(service, question("philip.smith", "delegate", "customer", "123456789")).status_code == 503
            wait_until(lambda: numbers(service)["authz_policy_confirmed_age_seconds", ()] > 2, 10)
            assert ask(service, OWN_USAGE).status_code == 200
        finally:
            thaw(service.opa())
        told = numbers(service)
        assert total(told, "authz_failures_total", cause="opa", status="503") == 1
        assert total(told, DECISIONS, source="stale_memory", action="view_usage") == 1
        assert total(told, DECISIONS, source="opa", action="view_usage") == 1
        wait_until(lambda: numbers(service)["authz_policy_confirmed_age_seconds", ()] < 1, 10)


def is_answering(service: Service) -> bool:
    try:
        return requests.get(f"{service.url}/readyz", timeout=2).status_code == 200
    except requests.RequestException:
        return False


# traces


def test_a_decision_is_in_the_trace_of_its_caller_with_a_span_of_each_stage(
    service: Service, collector: Receiver
) -> None:
    traceparent = f"00-{TRACE}-{CALLERS_SPAN}-01"
    # One that nobody has asked before, so that OPA is asked.
    asked = question("tracy.smith", "manage_cloud_access", "customer", "123456789")
    response = ask(service, asked, traceparent=traceparent, tracestate="vendor=1")
    spans = of_collector(collector, TRACE, {"POST /access/v1/evaluation", "facts", "answer", "ask OPA", "journal"})
    request = spans["POST /access/v1/evaluation"]
    assert (request.parent, request.kind, request.is_error) == (CALLERS_SPAN, "server", False)
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/access/v1/evaluation",
        "http.response.status_code": 200,
        "authz.decision_id": response.headers["Decision-Id"],
        "authz.questions": 1,
        "authz.action": "manage_cloud_access",
        "authz.resource_type": "customer",
        "authz.answer": "deny",
        "authz.answer_source": "opa",
        "authz.policy_revision": response.json()["context"]["policy_revision"],
    }
    assert request.resource["service.name"] == "authz-service"
    assert {name: spans[name].kind for name in ("facts", "answer", "ask OPA", "journal")} == {
        "facts": "client",
        "answer": "internal",
        "ask OPA": "client",
        "journal": "internal",
    }
    assert spans["facts"].attributes == {"db.system.name": "sqlite"}
    assert {spans[name].parent for name in ("facts", "answer", "journal")} == {request.id}
    assert spans["ask OPA"].parent == spans["answer"].id
    in_order = [spans["facts"], spans["answer"], spans["journal"]]
    assert [span.began for span in in_order] == sorted(span.began for span in in_order)
    for span in spans.values():
        assert request.began <= span.began <= span.ended <= request.ended


def test_a_remembered_answer_has_no_span_of_opa(service: Service, collector: Receiver) -> None:
    for _ in range(8):
        assert ask(service, OWN_USAGE).status_code == 200
    trace = "1" * 32
    assert ask(service, OWN_USAGE, traceparent=f"00-{trace}-{CALLERS_SPAN}-01").status_code == 200
    spans = of_collector(collector, trace, {"POST /access/v1/evaluation", "journal"})
    assert "ask OPA" not in spans
    assert spans["answer"].attributes["authz.answer_source"] == "memory"


def test_decisions_of_one_call_are_in_one_span_that_counts_them(service: Service, collector: Receiver) -> None:
    trace = "6" * 32
    path = "/access/v1/evaluations"
    asked = {"evaluations": [OWN_USAGE, question("tracy.smith", "view_bills", "customer", "123456789")]}
    response = ask(service, asked, path, traceparent=f"00-{trace}-{CALLERS_SPAN}-01")
    request = of_collector(collector, trace, {f"POST {path}", "journal"})[f"POST {path}"]
    told = {name: request.attributes[name] for name in ("http.route", "authz.decision_id", "authz.questions")}
    assert told == {
        "http.route": path,
        "authz.decision_id": response.headers["Decision-Id"],
        "authz.questions": 2,
    }


def test_a_caller_that_does_not_sample_is_not_traced(service: Service, collector: Receiver) -> None:
    left_out, sampled = "2" * 32, "3" * 32
    assert ask(service, OWN_USAGE, traceparent=f"00-{left_out}-{CALLERS_SPAN}-00").status_code == 200
    assert ask(service, OWN_USAGE, traceparent=f"00-{sampled}-{CALLERS_SPAN}-01").status_code == 200
    of_collector(collector, sampled, {"POST /access/v1/evaluation"})
    time.sleep(0.2)  # several times as long as spans are gathered
    assert collector.of_trace(left_out) == {}


def test_no_span_says_who_or_what_it_is_about(service: Service, collector: Receiver) -> None:
    trace = "4" * 32
    headers = {"traceparent": f"00-{trace}-{CALLERS_SPAN}-01", "X-Request-ID": "request-of-mary"}
    for path, body in (
        ("/access/v1/evaluation", question("mary.jones", "fly.to.mary", "mary's", "mobile-2002")),
        ("/access/v1/search/resource", {**OWN_USAGE, "resource": {"type": "subscription"}}),
    ):
        assert ask(service, body, path, **headers).status_code == 200
    member = f"{service.url}/v1/customers/123456789/members/mary.jones"
    assert requests.get(member, headers={"Authorization": f"Bearer {TOKEN}"} | headers, timeout=10).status_code == 200
    route = "GET /v1/customers/<number:number>/members/<id:person>"
    wait_until(lambda: any(span.name.startswith("GET /v1/customers/") for span in collector.spans), 10)
    [read] = [span for span in collector.spans if span.name.startswith("GET /v1/customers/")]
    assert read.attributes["http.route"] in read.name, route
    for told in (b"mary", b"123456789", b"mobile-2002", b"tests", TOKEN.encode()):
        assert told not in collector.raw, told


def test_a_request_that_fails_is_an_error_in_its_trace_and_its_lines_of_log_name_trace_and_request(
    opa: Path, tmp_path: Path, database_url: str, collector: Receiver
) -> None:
    own, trace = tmp_path / "authz.db", "5" * 32
    shutil.copy(database_url.removeprefix("sqlite:///"), own)
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with serve(opa, tmp_path / "service", f"sqlite:///{own}", more) as service:
        freeze(service.opa())
        headers = {"traceparent": f"00-{trace}-{CALLERS_SPAN}-01", "X-Request-ID": "asked-5"}
        assert ask(service, OWN_USAGE, **headers).status_code == 503
        spans = of_collector(collector, trace, {"POST /access/v1/evaluation", "ask OPA", "answer"})
        lines = [json.loads(line) for line in service.stderr.read_text().splitlines() if line.startswith("{")]
    request = spans["POST /access/v1/evaluation"]
    assert request.is_error
    assert (request.attributes["http.response.status_code"], request.attributes["error.type"]) == (503, "503")
    assert (spans["ask OPA"].is_error, spans["ask OPA"].attributes["error.type"]) == (True, "PolicyEngineUnavailable")
    [line] = [line for line in lines if line["event"] == "request.unavailable"]
    assert (line["request_id"], line["trace_id"], line["level"]) == ("asked-5", trace, "error")


def test_a_sidecar_that_traces_does_so_within_the_question_to_it_and_not_what_the_caller_does_not_sample(
    opa: Path,
    policies: Path,
    tmp_path: Path,
    database_url: str,
    collector: Receiver,
    free_port: Callable[[], int],
) -> None:
    build_bundle(opa, policies, tmp_path / "bundle.tar.gz")
    address = collector.url.removeprefix("http://")
    config = {"distributed_tracing": {"type": "http", "address": address, "sample_percentage": 100}}
    (tmp_path / "opa.yaml").write_text(yaml.safe_dump(config))
    at, soon = f"{HOST}:{free_port()}", {"OTEL_BSP_SCHEDULE_DELAY": "50"}
    words = [str(opa), "run", "--server", "--addr", at, "--skip-version-check", "--log-level", "error"]
    words += ["--config-file", "opa.yaml", "--bundle", "bundle.tar.gz"]
    more = {**soon, "AUTHZ_OPA_URL": f"http://{at}", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    left_out, sampled = "7" * 32, "8" * 32
    with subprocess.Popen(words, cwd=tmp_path, env=soon) as sidecar:
        try:
            with serve(opa, tmp_path / "service", database_url, more) as service:
                assert ask(service, OWN_USAGE, traceparent=f"00-{left_out}-{CALLERS_SPAN}-00").status_code == 200
                assert ask(service, BILLS, traceparent=f"00-{sampled}-{CALLERS_SPAN}-01").status_code == 200
                wait_until(lambda: spans_of_opa(collector, sampled) != [], 10)
        finally:
            sidecar.kill()
    [asked] = spans_of_opa(collector, sampled)
    assert (asked.parent, asked.kind) == (collector.of_trace(sampled)["ask OPA"].id, "server")
    assert collector.of_trace(left_out) == {}


def spans_of_opa(collector: Receiver, trace: str) -> list[Seen]:
    return [span for span in collector.of_trace(trace).values() if span.resource["service.name"] == "opa"]


def test_a_collector_that_is_away_holds_up_no_decision_and_no_end(
    opa: Path, tmp_path: Path, database_url: str, free_port: Callable[[], int]
) -> None:
    own = tmp_path / "authz.db"
    shutil.copy(database_url.removeprefix("sqlite:///"), own)
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    # That it is ended in time is what `serve` sees to.
    with serve(opa, tmp_path / "service", f"sqlite:///{own}", more) as service:
        for _ in range(50):
            assert ask(service, OWN_USAGE).status_code == 200
        wait_until(lambda: "opentelemetry" in service.stderr.read_text(), 20)
        lines = service.stderr.read_text().splitlines()
    told = [json.loads(line) for line in lines if "opentelemetry" in line]
    assert {line["level"] for line in told} <= {"warning", "error"}
    assert all(re.match("opentelemetry", line["logger"]) for line in told)
