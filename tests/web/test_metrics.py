"""What one app tells Prometheus, whatever is away."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from authz_service.opa.binary import OPA_VERSION
from authz_service.storage.database import REVISION
from tests.fakes.engine import FakeEngine, answer
from tests.web.asking import CUSTOMER, question
from tests.web.conftest import MakeClient
from tests.web.pages.reading import signed_in, with_book

USUAL = question("mary.jones", "view_usage", "mobile-2002")
TAKE_OVER = {"person": "mary.jones", "channel": "web", "current_administrator_informed": True}


def told(client: FlaskClient, name: str, **labels: str) -> float:
    """The sum of all samples of that name which have these labels."""
    response = client.get("/metrics")
    assert response.status_code == 200
    return sum(
        sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def names(client: FlaskClient) -> set[str]:
    return set(re.findall(r"^# TYPE (\w+) ", client.get("/metrics").text, re.MULTILINE))


def test_decisions_of_every_way_to_ask_are_counted(client: FlaskClient) -> None:
    client.post("/v1/decide", json=USUAL)
    client.post("/v1/decide", json=USUAL, headers={"Accept-Language": "nl"})
    client.post("/access/v1/evaluations", json={**USUAL, "evaluations": [{}, {"subject": 5}]})
    client.post("/access/v1/evaluations", json=USUAL)
    assert told(client, "authz_decisions_total") == 4
    assert told(client, "authz_decisions_total", action="view_usage", answer="permit", source="opa") == 1
    assert told(client, "authz_decisions_total", action="view_usage", answer="permit", source="memory") == 3
    assert told(client, "authz_stage_seconds_count", stage="whole", questions="one") == 2
    assert told(client, "authz_stage_seconds_count", stage="whole", questions="several") == 2
    assert told(client, "authz_stage_seconds_sum", stage="whole") > 0


def test_searches_and_pages_are_no_decisions_that_callers_were_given(client: FlaskClient) -> None:
    body = {**USUAL, "subject": {"type": "person"}}
    assert client.post("/access/v1/search/subject", json=body).status_code == 200
    assert with_book(signed_in(client)).get(f"/customers/{CUSTOMER}").status_code == 200
    assert told(client, "authz_decisions_total") == 0
    assert told(client, "authz_stage_seconds_count", stage="whole", questions="several") == 1


def test_what_is_not_answered_with_a_decision_is_in_no_latency(client: FlaskClient) -> None:
    assert client.post("/v1/decide", json=[]).status_code == 400
    assert client.post("/v1/decide", json=USUAL, headers={"Authorization": "Bearer x"}).status_code == 401
    assert told(client, "authz_stage_seconds_count", stage="whole") == 0


def test_take_overs_are_counted_by_what_was_answered(client: FlaskClient) -> None:
    address = f"/v1/customers/{CUSTOMER}/administrators"
    assert told(client, "authz_take_overs_total", answer="permit") == 0
    assert client.post(address, json={**TAKE_OVER, "channel": "app"}).status_code == 403
    assert client.post(address, json={**TAKE_OVER, "person": "nobody"}).status_code == 404
    assert client.post(address, json=TAKE_OVER).status_code == 201
    assert told(client, "authz_take_overs_total", answer="deny") == 1
    assert told(client, "authz_take_overs_total", answer="permit") == 1
    assert told(client, "authz_letters", state="waiting") == 1


def test_an_opa_that_is_away_is_a_failure_of_its_own_kind(make_client: MakeClient) -> None:
    engine = FakeEngine(lambda _: answer(allow=True))
    client = make_client(engine=engine)
    assert told(client, "authz_failures_total") == 0
    engine.go_down()
    assert client.post("/v1/decide", json=USUAL).status_code == 503
    assert told(client, "authz_failures_total", cause="opa", status="503") == 1
    assert told(client, "authz_failures_total") == 1


def test_without_the_database_all_that_it_does_not_tell_is_told(
    client: FlaskClient, lose_database: Callable[[], None]
) -> None:
    client.post("/v1/decide", json=USUAL)
    with_database = names(client)
    assert told(client, "authz_database_up") == 1
    lose_database()
    assert client.post("/v1/decide", json=USUAL).status_code == 503
    assert told(client, "authz_database_up") == 0
    assert told(client, "authz_failures_total", cause="database", status="503") == 1
    assert told(client, "authz_decisions_total") == 1
    lost = {"authz_letters", "authz_letters_oldest_waiting_seconds", "authz_journal_entries_total"}
    assert with_database - names(client) == {*lost, "authz_journal_behind_bytes", "authz_shadow_differences_total"}


def test_a_fault_of_the_service_is_counted_as_one(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authz_service.web.roles.roles_of", None)
    assert client.get("/v1/people/mary.jones/roles").status_code == 500
    assert told(client, "authz_failures_total", cause="other", status="500") == 1


def test_what_runs_and_by_which_policy_is_told(client: FlaskClient) -> None:
    asked = client.post("/v1/decide", json=USUAL).get_json()
    assert told(client, "authz_build_info", opa=OPA_VERSION, schema=REVISION) == 1
    assert told(client, "authz_policy_info", revision=asked["context"]["policy_revision"]) == 1
    assert told(client, "authz_workers") == 1
    assert told(client, "authz_policy_confirmed_age_seconds") < 1


def test_the_connections_of_decisions_are_told_apart_from_others(client: FlaskClient) -> None:
    client.post("/v1/decide", json=USUAL)
    assert told(client, "authz_database_connections", pool="decisions", state="idle") == 1
    assert told(client, "authz_database_connections", pool="decisions", state="in_use") == 0
    assert told(client, "authz_database_connections_max", pool="work") > 0
