"""The alerts and the dashboard asked of Prometheus itself, which reads a service and a sidecar: `make monitoring`.

No file of `make test`, as Prometheus has to be built first.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.alert_cases import CASES
from tests.deploy.monitoring import ALERTS, alerts, dashboard_queries, use, watched_service, watched_sidecar
from tests.deploy.prometheus import CONFIGURATION, find_programs, firing, prometheus, query, query_range, rules
from tests.processes import freeze, thaw, wait_until
from tests.services import Service


@pytest.fixture(scope="session")
def programs() -> dict[str, Path]:
    return find_programs()


@pytest.fixture(scope="module")
def service(opa: Path, policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with watched_service(opa, policies, tmp_path_factory.mktemp("watched")) as running:
        yield running


@pytest.fixture(scope="module")
def sidecar(opa: Path, policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with watched_sidecar(opa, policies, tmp_path_factory.mktemp("sidecar")) as url:
        yield url


@pytest.fixture(scope="module")
def asked(
    programs: dict[str, Path], service: Service, sidecar: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where Prometheus is that reads both."""
    of_service, of_sidecar = (url.removeprefix("http://") for url in (service.url, sidecar))
    targets = {"authz-service": [of_service], "opa": [of_sidecar]}
    with prometheus(programs["prometheus"], tmp_path_factory.mktemp("prometheus"), targets) as url:
        wait_until(lambda: len(query(url, "authz_build_info")) == 1, 30)
        # A rise is seen from the second look on.
        use(service)
        wait_until(lambda: float(query(url, "min(count_over_time(authz_build_info[1m]))")[0]["value"][1]) >= 5, 30)
        yield url


@pytest.mark.parametrize("each", dashboard_queries(), ids=lambda each: each.where)
def test_each_query_of_the_dashboard_finds_something_of_a_service_that_is_used_and_names_it(
    asked: str,
    each: Any,  # noqa: ANN401 - a query, which pytest hands over
) -> None:
    found = query(asked, each.expression)
    assert found, each.expression
    for series in found:
        assert set(re.findall(r"\{\{(\w+)\}\}", each.legend)) <= series["metric"].keys(), series
    assert query_range(asked, each.expression, 60)


def test_prometheus_has_every_alert_and_can_work_out_each(asked: str) -> None:
    wait_until(lambda: all(rule["health"] == "ok" for rule in rules(asked)), 20)
    assert {rule["name"] for rule in rules(asked)} == {alert["alert"] for alert in alerts()}


def test_an_opa_that_hangs_is_told_of_by_its_alert_and_by_no_other(asked: str, service: Service) -> None:
    assert firing(asked) == {}
    [opa, _shadow] = sorted(service.processes("opa.sock"))
    freeze(opa)
    try:
        wait_until(lambda: firing(asked) != {}, 60)
        [alert] = firing(asked).values()
    finally:
        thaw(opa)
    assert alert["labels"]["alertname"] == "AuthzOpaSilent"
    assert alert["annotations"]["summary"].startswith(service.url.removeprefix("http://"))
    wait_until(lambda: firing(asked) == {}, 30)


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
        "tests": [tried(case.is_silent, 0), *(tried(seen, 1) for seen in (case.fires, case.fires_too) if seen)],
    }
    file = tmp_path / "test.yaml"
    # As YAML is JSON as well.
    file.write_text(json.dumps(tests))
    assert "SUCCESS" in promtool(programs, "test", "rules", file)
