"""What `deploy/` asks Prometheus: the alerts' expressions, the dashboard's queries, and the numbers that there are."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from typing import Any, NamedTuple

import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.opa.bundle import build_bundle
from authz_service.opa.signing import read_private_key
from authz_service.storage.database import connect, upgrade
from tests.bundle_server import BundleServer
from tests.conftest import ROOT, SMITH_FAMILY
from tests.ports import free_port
from tests.processes import wait_until
from tests.services import Service, question, serve
from tests.sidecars import CONFIG, at_port, words_of_sidecar, write_config
from tests.signing import P_256, key_pair

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "authz-service.json"
_VARIABLES = {"$__rate_interval": "1m", "$__interval": "1m", "$instance": ".*"}


class Query(NamedTuple):
    """A question to Prometheus.

    Attributes:
        where: The alert, or the panel and the letter of its query.
        expression: In PromQL, the variables of Grafana filled in.
        legend: How Grafana names a series; empty where it does not.
    """

    where: str
    expression: str
    legend: str = ""


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def dashboard_queries() -> list[Query]:
    queries = [
        Query(f"{panel['title']} {target['refId']}", filled_in(target["expr"]), target.get("legendFormat", ""))
        for panel in panels()
        for target in panel["targets"]
    ]
    annotations = json.loads(DASHBOARD.read_text())["annotations"]["list"]
    return [*queries, *(Query(each["name"], filled_in(each["expr"])) for each in annotations)]


def all_queries() -> list[Query]:
    return [*(Query(rule["alert"], rule["expr"]) for rule in alerts()), *dashboard_queries()]


def filled_in(expression: str) -> str:
    for name, value in _VARIABLES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, expression
    return expression


@contextmanager
def watched_service(opa: Path, policies: Path, folder: Path) -> Iterator[Service]:
    """Two workers that have done something of everything that is counted, beside a shadow policy."""
    shadow = folder / "shadow"
    copytree(policies, shadow)
    rules = shadow / "bundle" / "authz" / "permissions" / "grants.rego"
    rules.write_text(rules.read_text().replace('\tinput.action == "view_role"\n', '\tinput.action == "fly"\n'))
    url = f"sqlite:///{folder / 'authz.db'}"
    database = connect(url)
    upgrade(database)
    import_files(database, [SMITH_FAMILY], key_finder(None, database))
    database.dispose()
    more = {"AUTHZ_WORKERS": "2", "AUTHZ_SHADOW_POLICIES": str(shadow)}
    with serve(opa, folder / "service", url, more) as service:
        use(service)
        wait_until(lambda: "authz_shadow_differences_total{" in metrics_of(service), 10)
        yield service


def use(service: Service) -> None:
    """Decides, permits and denies, one by one and together, and refuses."""
    for action in ("view_role", "view_bills"):
        service.decide(question("mary.jones", action, "customer", "123456789"))
        service.decide(question("philip.smith", action, "customer", "123456789"))
    asked = question("mary.jones", "view_usage", "subscription", "mobile-2002")
    assert service.call("POST", "/access/v1/evaluations", {**asked, "evaluations": [{}, {}]}).status_code == 200
    requests.post(f"{service.url}/v1/decide", json=asked, timeout=10)
    take_over = {"person": "tracy.smith", "channel": "web", "current_administrator_informed": True}
    service.call("POST", "/v1/customers/123456789/administrators", take_over)


@contextmanager
def watched_sidecar(opa: Path, policies: Path, folder: Path) -> Iterator[str]:
    """The URL of a sidecar that may be asked for its metrics; it has taken its policy when that was there at last."""
    key = key_pair(folder, "publisher", P_256)
    build_bundle(opa, policies, folder / "bundle.tar.gz", signing=read_private_key(key.private))
    server = BundleServer(folder / "served")
    server.up()
    write_config(folder, CONFIG.replace("https://policies.example.org", server.url))
    port = free_port()
    words = [*words_of_sidecar(opa, key.public, at_port(port)), str(ROOT / "deploy" / "opa" / "metrics.rego")]
    with subprocess.Popen(words, cwd=folder, env={}, stderr=subprocess.DEVNULL) as running:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: "bundle_failed_load_counter{" in metrics_at(url))
            (folder / "bundle.tar.gz").rename(folder / "served" / "bundle.tar.gz")
            wait_until(lambda: "bundle_loaded_counter{" in metrics_at(url))
            yield url
        finally:
            running.terminate()
            server.down()


def metrics_of(service: Service) -> str:
    return metrics_at(service.url)


def metrics_at(url: str) -> str:
    """What is told there; nothing as long as nobody answers."""
    try:
        return requests.get(f"{url}/metrics", timeout=10).text
    except requests.ConnectionError:
        return ""


def labels_told(text: str) -> dict[str, dict[str, set[str]]]:
    """By the name of a sample, its labels with the values that they have had."""
    told: dict[str, dict[str, set[str]]] = {}
    exposed = set(re.findall(r"^(\w+)[{ ]", text, re.MULTILINE))
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            # The parser calls counters as OpenMetrics does, which OPA does not.
            name = sample.name if sample.name in exposed else sample.name.removesuffix("_total")
            labels = told.setdefault(name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return told
