"""What is asked of Prometheus is PromQL about numbers that there are, and whoever is called finds what to do."""

import json
import re
from pathlib import Path

import promql_parser
import pytest

from tests.conftest import ROOT
from tests.deploy.monitoring import (
    DASHBOARD,
    Query,
    alerts,
    all_queries,
    labels_told,
    metrics_at,
    metrics_of,
    panels,
    watched_service,
    watched_sidecar,
)

# What Prometheus adds to each series, and the one that it makes itself.
ADDED, MADE = {"instance", "job"}, {"up"}
# Statuses that nobody has been refused with here.
_UNSEEN = {("status", "429")}
MONITOR = ROOT / "docs" / "how-to" / "operate" / "monitor.md"


@pytest.fixture(scope="module")
def text(opa: Path, policies: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The metrics of a service that runs."""
    with watched_service(opa, policies, tmp_path_factory.mktemp("watched")) as service:
        return metrics_of(service)


@pytest.fixture(scope="module")
def text_of_sidecar(opa: Path, policies: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The metrics of an OPA that fetches its policy."""
    with watched_sidecar(opa, policies, tmp_path_factory.mktemp("sidecar")) as url:
        return metrics_at(url)


@pytest.fixture(scope="module")
def told(text: str, text_of_sidecar: str) -> dict[str, dict[str, set[str]]]:
    return {**labels_told(text_of_sidecar), **labels_told(text)}


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []

    def visit(part: promql_parser.Expr) -> bool:
        if isinstance(part, promql_parser.VectorSelector):
            found.append(part)
        if isinstance(part, promql_parser.MatrixSelector):
            found.append(part.vector_selector)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


@pytest.mark.parametrize("query", all_queries(), ids=lambda query: query.where)
def test_each_query_is_promql_about_numbers_and_labels_that_there_are(
    query: Query, told: dict[str, dict[str, set[str]]]
) -> None:
    asked = selectors(query.expression)
    assert asked
    for selector in asked:
        if selector.name in MADE:
            continue
        assert selector.name in told, query.expression
        labels = told[selector.name]
        for matcher in selector.matchers.matchers:
            assert matcher.name in labels.keys() | ADDED, query.expression
            if matcher.op == promql_parser.MatchOp.Equal and (matcher.name, matcher.value) not in _UNSEEN:
                assert matcher.value in labels[matcher.name], query.expression
    named = {label for labels in re.findall(r"by \(([^)]*)\)", query.expression) for label in labels.split(", ")}
    of_all = {label for selector in asked for label in told.get(str(selector.name), {})}
    assert named <= of_all | ADDED, query.expression


def test_each_alert_has_a_section_of_its_own_that_says_what_it_means_how_to_see_it_and_what_to_do() -> None:
    headings: dict[str, set[str]] = {}
    for alert in alerts():
        file, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        assert anchor == alert["alert"].lower()
        sections = re.split(r"^## ", (ROOT / file).read_text(), flags=re.MULTILINE)[1:]
        headings[file] = {section.splitlines()[0] for section in sections}
        [section] = [section for section in sections if section.splitlines()[0].lower() == anchor]
        for part in ("**It means**", "**See it**", "**Do**"):
            assert section.count(part) == 1, alert["alert"]
    [told] = headings.values()
    assert told == {alert["alert"] for alert in alerts()}


def test_each_alert_says_how_urgent_it_is_and_names_what_it_is_about() -> None:
    for alert in alerts():
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert alert["annotations"]["summary"]
        assert alert["annotations"]["description"]


def test_each_number_is_told_on_the_page_about_them_and_no_other_is(text: str) -> None:
    exposed = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    page = set(re.findall(r"^\| `(authz_\w+)", MONITOR.read_text(), re.MULTILINE))
    assert page == exposed


def test_each_number_of_opa_that_is_asked_for_is_told_on_that_page_and_there_is_such_a_one(
    text_of_sidecar: str,
) -> None:
    exposed = set(re.findall(r"^# TYPE (\w+) ", text_of_sidecar, re.MULTILINE))
    page = set(re.findall(r"^\| `((?!authz_)\w*bundle\w*)`", MONITOR.read_text(), re.MULTILINE))
    asked = {str(selector.name) for query in all_queries() for selector in selectors(query.expression)}
    assert asked & exposed <= page <= exposed
    assert page


def test_each_panel_has_a_place_of_its_own_and_says_its_unit() -> None:
    places: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        at = panel["gridPos"]
        own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not own & places, panel["title"]
        assert max(x for x, _ in own) < 24
        places |= own
    assert len({panel["id"] for panel in panels()}) == len(panels())
    assert [
        panel["title"]
        for panel in panels()
        if panel["type"] != "table" and not panel["fieldConfig"]["defaults"]["unit"]
    ] == []
