"""The dashboard and the alerts asked of Prometheus about a cluster that loses parts: `make monitoring`.

No file of `make test`, as Prometheus has to be built first.
"""

import math
import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import promql_parser
import pytest
import requests

from tests.cluster.cluster import Cluster, running_cluster
from tests.cluster.households import STABLE
from tests.cluster.load import Load
from tests.cluster.replica import Replica
from tests.conftest import BEARER
from tests.deploy.monitoring import Query, alerts, dashboard_queries
from tests.deploy.prometheus import find_programs, firing, prometheus, query, query_range, rules
from tests.processes import wait_until
from tests.services import question

PATIENCE_SECONDS = 120.0
# By the panel or the alert, why there is nothing.
RIGHTLY_EMPTY = {
    "Answered differently by the shadow policy A": "no replica has a shadow policy",
    "AuthzCallerLimited": "no caller has limits",
    "AuthzDeniesMore": "there was nothing a day ago",
}
_COMPARING = {"==", "!=", ">", "<", ">=", "<="}
_JOINING = {"and", "or", "unless"}


class Watched(NamedTuple):
    """What was seen of the cluster.

    Attributes:
        url: Where Prometheus is.
        began: Since when it looks, as `time.monotonic` has it.
        killed: The address of the replica that was gone.
        silent: That of the one whose OPA was away.
        fired: The alerts that fired meanwhile, with the address that each is about.
    """

    url: str
    began: float
    killed: str
    silent: str
    fired: dict[str, str]


@pytest.fixture(scope="module")
def watched(opa: Path, policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    program = find_programs()["prometheus"]
    with running_cluster(opa, policies) as cluster:
        targets = {
            "authz-service": [address(replica) for replica in cluster.replicas],
            "opa": [replica.opa_numbers for replica in cluster.replicas],
        }
        with prometheus(program, tmp_path_factory.mktemp("prometheus"), targets) as url:
            began = time.monotonic()
            wait_until(lambda: len(query(url, "up == 1")) == sum(map(len, targets.values())), 30)
            load = Load(cluster.proxy.url)
            with load.asking():
                load.wait_for_more()
                fired = lose_parts(cluster, url)
                cluster.wait_until_all_answer()
                load.wait_for_more()
            wait_until(lambda: len(query(url, "up == 1")) == sum(map(len, targets.values())), 30)
            killed, silent, _ = map(address, cluster.replicas)
            yield Watched(url, began, killed, silent, fired)


def lose_parts(cluster: Cluster, url: str) -> dict[str, str]:
    """Has a caller refused, an OPA and the bundle server away until an alert fires, a replica until it is missed."""
    killed, silent, _ = cluster.replicas
    unknown = question("eve", "manage_bills", "customer", STABLE)
    assert ask(silent.url, unknown, {}) == HTTPStatus.UNAUTHORIZED
    cluster.bundles.kill()
    silent.sidecar.kill()
    assert ask(silent.url, unknown, BEARER) == HTTPStatus.SERVICE_UNAVAILABLE
    wait_until(lambda: firing(url) != {}, PATIENCE_SECONDS)
    fired = {name: str(alert["labels"]["instance"]) for name, alert in firing(url).items()}
    silent.sidecar.start()
    cluster.bundles.start()
    killed.service.kill()
    wait_until(lambda: query(url, f'up{{instance="{address(killed)}"}} == 0') != [], PATIENCE_SECONDS)
    killed.service.start()
    return fired


def address(replica: Replica) -> str:
    return replica.url.removeprefix("http://")


def ask(url: str, asked: dict[str, object], headers: dict[str, str]) -> int:
    return requests.post(f"{url}/access/v1/evaluation", json=asked, headers=headers, timeout=30).status_code


def compared(expression: str) -> list[str]:
    """What an alert compares with something else, each of which is a number that has to be there for it to fire."""
    found: list[str] = []

    def visit(part: promql_parser.Expr) -> None:
        if isinstance(part, promql_parser.ParenExpr):
            visit(part.expr)
        elif isinstance(part, promql_parser.BinaryExpr) and str(part.op) in _COMPARING | _JOINING:
            visit(part.lhs)
            visit(part.rhs)
        elif isinstance(part, promql_parser.Call) and part.func.name == "absent":
            found.extend(str(argument) for argument in part.args)
        elif not isinstance(part, promql_parser.NumberLiteral):
            found.append(str(part))

    visit(promql_parser.parse(expression))
    return found


def has_numbers(watched: Watched, expression: str) -> bool:
    """Whether there was anything, and of each series a number at some time."""
    series = query_range(watched.url, expression, time.monotonic() - watched.began)
    return bool(series) and all(any(math.isfinite(float(value)) for _, value in each["values"]) for each in series)


def hold_to_numbers(watched: Watched, where: str, expressions: Sequence[str]) -> None:
    """Each has numbers, be it once Prometheus has looked for longer, unless there is a reason why not."""

    def has_all() -> bool:
        return all(has_numbers(watched, expression) for expression in expressions)

    if where in RIGHTLY_EMPTY:
        assert not has_all()
    else:
        wait_until(has_all, PATIENCE_SECONDS)


@pytest.mark.parametrize("each", dashboard_queries(), ids=lambda each: each.where)
def test_each_query_of_the_dashboard_has_numbers_of_the_cluster(watched: Watched, each: Query) -> None:
    hold_to_numbers(watched, each.where, [each.expression])


@pytest.mark.parametrize("name", [alert["alert"] for alert in alerts()])
def test_each_alert_compares_numbers_that_the_cluster_tells(watched: Watched, name: str) -> None:
    [expression] = [alert["expr"] for alert in alerts() if alert["alert"] == name]
    parts = compared(expression)
    assert parts
    hold_to_numbers(watched, name, parts)


def test_prometheus_could_work_out_each_alert(watched: Watched) -> None:
    assert {rule["health"] for rule in rules(watched.url)} == {"ok"}


def test_an_opa_that_is_away_has_somebody_called_and_that_the_replica_is_named(watched: Watched) -> None:
    assert watched.fired == {"AuthzOpaSilent": watched.silent}


def test_a_replica_that_is_gone_is_seen_and_all_that_fired_ends(watched: Watched) -> None:
    # On a machine that is busy, another may take longer than the second that it has.
    missed = query_range(watched.url, 'up{job="authz-service"} == 0', time.monotonic() - watched.began, 1)
    assert watched.killed in {series["metric"]["instance"] for series in missed}
    wait_until(lambda: firing(watched.url) == {}, PATIENCE_SECONDS)
