"""The alerts and the dashboard asked of Prometheus itself, which reads a service and a sidecar: `make monitoring`.

No file of `make test`, as Prometheus has to be built first.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.conftest import ROOT
from tests.deploy.alert_cases import CASES
from tests.deploy.monitoring import ALERTS, alerts, dashboard_queries, use, watched_service, watched_sidecar
from tests.processes import freeze, thaw, wait_until
from tests.services import Service
from tools.setup_pinned import MONITORING, pinned_programs

CONFIGURATION = ROOT / "deploy" / "prometheus" / "prometheus.yml"


@pytest.fixture(scope="session")
def programs() -> dict[str, Path]:
    return pinned_programs(MONITORING, ROOT, os.environ, Path(sys.executable))


@pytest.fixture(scope="module")
def service(opa: Path, policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with watched_service(opa, policies, tmp_path_factory.mktemp("watched")) as running:
        yield running


@pytest.fixture(scope="module")
def sidecar(opa: Path, policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with watched_sidecar(opa, policies, tmp_path_factory.mktemp("sidecar")) as url:
        yield url


@contextmanager
def prometheus(program: Path, folder: Path, configuration: dict[str, Any], port: int) -> Iterator[str]:
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(configuration))
    arguments = [
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen([program, *arguments], stderr=log, stdout=log) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: is_ready(url) or process.poll() is not None, 30)
            assert process.poll() is None, (folder / "log").read_text()
            yield url
        finally:
            process.terminate()


def is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=2).status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def asked(
    programs: dict[str, Path],
    service: Service,
    sidecar: str,
    free_port: Callable[[], int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Where Prometheus is, with the configuration as it comes but for the addresses and more often."""
    configuration = yaml.safe_load(CONFIGURATION.read_text())
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration["rule_files"] = [str(CONFIGURATION.parent / file) for file in configuration["rule_files"]]
    for job, url in zip(configuration["scrape_configs"], (service.url, sidecar), strict=True):
        job["static_configs"] = [{"targets": [url.removeprefix("http://")]}]
    with prometheus(programs["prometheus"], tmp_path_factory.mktemp("prometheus"), configuration, free_port()) as url:
        wait_until(lambda: len(query(url, "authz_build_info")) == 1, 30)
        # A rise is seen from the second look on.
        use(service)
        wait_until(lambda: float(query(url, "min(count_over_time(authz_build_info[1m]))")[0]["value"][1]) >= 5, 30)
        yield url


def query(url: str, expression: str) -> list[dict[str, Any]]:
    answer = requests.get(f"{url}/api/v1/query", params={"query": expression}, timeout=10).json()
    assert answer["status"] == "success", answer
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


@pytest.mark.parametrize("each", dashboard_queries(), ids=lambda each: each.where)
def test_each_query_of_the_dashboard_finds_something_of_a_service_that_is_used_and_names_it(
    asked: str,
    each: Any,  # noqa: ANN401 - a query, which pytest hands over
) -> None:
    found = query(asked, each.expression)
    assert found, each.expression
    for series in found:
        assert set(re.findall(r"\{\{(\w+)\}\}", each.legend)) <= series["metric"].keys(), series
    panel = requests.get(
        f"{asked}/api/v1/query_range",
        params={"query": each.expression, **last_minute(asked), "step": "5"},
        timeout=10,
    ).json()
    assert panel["status"] == "success"
    assert panel["data"]["result"]


def last_minute(url: str) -> dict[str, str]:
    now = float(query(url, "vector(time())")[0]["value"][1])
    return {"start": str(now - 60), "end": str(now)}


def test_prometheus_has_every_alert_and_can_work_out_each(asked: str) -> None:
    def rules() -> list[dict[str, Any]]:
        groups = requests.get(f"{asked}/api/v1/rules", timeout=10).json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    wait_until(lambda: all(rule["health"] == "ok" for rule in rules()), 20)
    assert {rule["name"] for rule in rules()} == {alert["alert"] for alert in alerts()}


def test_an_opa_that_hangs_is_told_of_by_its_alert_and_by_no_other(asked: str, service: Service) -> None:
    def firing() -> dict[str, Any]:
        told = requests.get(f"{asked}/api/v1/alerts", timeout=10).json()["data"]["alerts"]
        return {each["labels"]["alertname"]: each for each in told if each["state"] == "firing"}

    assert firing() == {}
    [opa, _shadow] = sorted(service.processes("opa.sock"))
    freeze(opa)
    try:
        wait_until(lambda: firing() != {}, 60)
        [alert] = firing().values()
    finally:
        thaw(opa)
    assert alert["labels"]["alertname"] == "AuthzOpaSilent"
    assert alert["annotations"]["summary"].startswith(service.url.removeprefix("http://"))
    wait_until(lambda: firing() == {}, 30)


def promtool(programs: dict[str, Path], *arguments: object) -> str:
    told = subprocess.run(
        [programs["promtool"], *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def test_the_configuration_and_the_rules_are_as_prometheus_wants_them(programs: dict[str, Path]) -> None:
    assert f"{len(alerts())} rules found" in promtool(programs, "check", "rules", "--lint-fatal", ALERTS)
    assert "SUCCESS" in promtool(programs, "check", "config", CONFIGURATION)


def test_there_is_a_case_for_each_alert() -> None:
    assert CASES.keys() == {alert["alert"] for alert in alerts()}


@pytest.mark.parametrize("name", CASES)
def test_each_alert_fires_when_it_has_to_and_not_when_there_is_just_not_enough(
    programs: dict[str, Path], name: str, tmp_path: Path
) -> None:
    case = CASES[name]

    def tried(series: dict[str, str], count: int) -> dict[str, Any]:
        firing = f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) or vector(0)'
        return {
            "interval": "15s",
            "input_series": [{"series": each, "values": values} for each, values in series.items()],
            "promql_expr_test": [
                {"expr": firing, "eval_time": f"{case.minutes}m", "exp_samples": [{"labels": "{}", "value": count}]}
            ],
        }

    tests = {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": "15s",
        "tests": [tried(case.fires, 1), tried(case.is_silent, 0)],
    }
    file = tmp_path / "test.yaml"
    # As YAML is JSON as well.
    file.write_text(json.dumps(tests))
    assert "SUCCESS" in promtool(programs, "test", "rules", file)
