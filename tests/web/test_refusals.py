"""Every refusal is counted; the journal keeps each, and of very many how many they were."""

import json
import re
from collections import Counter
from typing import Any

import pytest
from flask.testing import FlaskClient

from authz_service.callers.callers import Caller, Limits, token_sha256
from authz_service.web.refusals import AT_ONCE, AT_ONCE_OF_ALL, COUNTS_EVERY_SECONDS, Refusals
from authz_service.words import Scope
from tests.clock import Clock
from tests.conftest import TOKEN
from tests.processes import wait_until
from tests.web.asking import question
from tests.web.conftest import MakeClient, parts_of
from tests.web.pages.reading import READ_WITHIN_SECONDS, signed_in

USUAL = question("mary.jones", "view_usage", "mobile-2002")
COUNT = re.compile(r'^authz_refusals_total\{endpoint="([^"]+)",status="(\d+)"\} (\d+)\.0$', re.MULTILINE)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the refusals of every app that is made from here on."""
    made, init = Clock(), Refusals.__init__
    monkeypatch.setattr(Refusals, "__init__", lambda self, journal, tally: init(self, journal, tally, made))
    return made


def refused(client: FlaskClient) -> list[dict[str, Any]]:
    """What the journal has of refusals."""
    journal = parts_of(client.application).journal
    assert journal.folder
    assert journal.writer
    journal.writer.close()
    lines = "".join(path.read_text() for path in journal.folder.rglob("*.journal"))
    return [json.loads(body) for body in re.findall(r'\{"id":"[^\n]*"kind":"refusal"[^\n]*?\}(?=[\s,}])', lines)]


def counted(client: FlaskClient) -> dict[tuple[str, int], int]:
    return {(endpoint, int(status)): int(n) for endpoint, status, n in COUNT.findall(client.get("/metrics").text)}


def test_each_is_kept_with_its_status_endpoint_and_scope_and_counted(make_client: MakeClient) -> None:
    caller = Caller("zone", token_sha256(TOKEN), frozenset({Scope.DECIDE}), frozenset({"view_usage"}), Limits(0.001, 4))
    client = make_client(caller=caller)
    client.post("/v1/decide", json=USUAL, headers={"Authorization": "Bearer wrong"})
    client.get("/v1/people/mary.jones")
    client.post("/access/v1/evaluation", json=question("mary.jones", "view_bills", "123456789"))
    for _ in range(3):
        client.post("/v1/decide", json=USUAL)
    client.post("/v1/decide", json=USUAL)
    decide = {("decide.evaluation", 401): 1, ("decide.evaluation", 403): 1, ("decide.evaluation", 429): 1}
    assert counted(client) == {**decide, ("data.read_person", 403): 1}
    kept = [(one.get("caller"), one["status"], one["action"], one["scope"]) for one in refused(client)]
    assert kept == [
        (None, 401, "decide.evaluation", "decide"),
        ("zone", 403, "data.read_person", "customers"),
        ("zone", 403, "decide.evaluation", "decide"),
        ("zone", 429, "decide.evaluation", "decide"),
    ]


def test_of_a_batch_with_items_that_are_not_open_one_is_kept(make_client: MakeClient) -> None:
    caller = Caller("zone", token_sha256(TOKEN), frozenset({Scope.DECIDE}), frozenset({"view_usage"}))
    client = make_client(caller=caller)
    bills = question("mary.jones", "view_bills", "123456789")
    body = {"evaluations": [bills, USUAL, bills]}
    answers = client.post("/access/v1/evaluations", json=body).get_json()["evaluations"]
    assert [answer["context"].get("error", {}).get("status") for answer in answers] == [403, None, 403]
    options = {"evaluations_semantic": "deny_on_first_deny"}
    assert len(client.post("/access/v1/evaluations", json=body | {"options": options}).get_json()["evaluations"]) == 1
    assert counted(client) == {("decide.evaluations", 403): 2}
    assert [(one["caller"], one["status"], one["action"]) for one in refused(client)] == [
        ("zone", 403, "decide.evaluations")
    ] * 2


def test_very_many_of_one_address_are_answered_and_kept_as_a_count(clock: Clock, make_client: MakeClient) -> None:
    client = make_client()
    wrong = {"Authorization": "Bearer wrong"}
    for _ in range(300):
        assert client.post("/v1/decide", json=USUAL, headers=wrong).status_code == 401
    assert client.post("/v1/decide", json=USUAL).status_code == 200
    refusals = parts_of(client.application).refusals
    refusals.tell()
    clock.now += COUNTS_EVERY_SECONDS
    refusals.tell()
    refusals.tell(at_once=True)
    client.post("/v1/decide", json=USUAL, headers=wrong)
    assert counted(client) == {("decide.evaluation", 401): 301}
    kept = refused(client)
    assert [one.get("count") for one in kept] == [None] * AT_ONCE + [300 - AT_ONCE] + [None]
    [counts] = [one for one in kept if "count" in one]
    assert (counts["status"], counts["action"], counts["scope"]) == (401, "decide.evaluation", "decide")
    assert "caller" not in counts


def test_one_address_does_not_take_the_room_of_another_and_all_together_have_a_bound(
    clock: Clock, make_client: MakeClient
) -> None:
    client = make_client()

    def ask(address: str) -> None:
        client.post("/v1/decide", json=USUAL, headers={"Authorization": ""}, environ_base={"REMOTE_ADDR": address})

    for n in range(50):
        for _ in range(4):
            ask(f"192.0.2.{n}")
    parts_of(client.application).refusals.tell(at_once=True)
    kept = refused(client)
    assert len([one for one in kept if "count" not in one]) == AT_ONCE_OF_ALL
    assert sum(one.get("count", 1) for one in kept) == 200


def test_a_network_of_ipv6_addresses_is_one_peer(clock: Clock, make_client: MakeClient) -> None:
    client = make_client()
    for n in range(30):
        environ = {"REMOTE_ADDR": f"2001:db8::{n:x}:1"}
        client.post("/v1/decide", json=USUAL, headers={"Authorization": ""}, environ_base=environ)
    assert len(refused(client)) == AT_ONCE


def test_a_known_caller_has_room_of_its_own(clock: Clock, make_client: MakeClient) -> None:
    client = make_client(caller=Caller("zone", token_sha256(TOKEN), frozenset({Scope.DECIDE})))
    for _ in range(50):
        client.post("/v1/decide", json=USUAL, headers={"Authorization": "Bearer wrong"})
    client.get("/v1/people/mary.jones")
    assert Counter(one["status"] for one in refused(client)) == {401: AT_ONCE, 403: 1}


def test_attempts_to_sign_in_are_bounded_alike(clock: Clock, make_client: MakeClient) -> None:
    client = make_client()
    visitor = client.application.test_client()
    form_key = re.search(r'name="form_key" value="([^"]+)"', visitor.get("/sign-in").text)
    assert form_key
    for _ in range(40):
        response = visitor.post("/sign-in", data={"token": "wrong", "form_key": form_key[1]})
        assert response.status_code == 401
    parts_of(client.application).refusals.tell(at_once=True)
    assert counted(client) == {("pages.signed_in", 401): 40}
    assert [one.get("count") for one in refused(client)] == [None] * AT_ONCE + [40 - AT_ONCE]


def test_counts_that_wait_are_kept_when_the_process_ends(clock: Clock, make_client: MakeClient) -> None:
    client = make_client()
    for _ in range(AT_ONCE + 5):
        client.get("/v1/people/mary.jones", headers={"Authorization": ""})
    parts_of(client.application).refusals.tell(at_once=True)
    assert [one["count"] for one in refused(client) if "count" in one] == [5]


def test_a_count_is_told_on_the_page_of_the_journal_and_the_other_refusals_too(
    clock: Clock, make_client: MakeClient
) -> None:
    client = make_client()
    for _ in range(AT_ONCE + 1_234):
        client.post("/v1/decide", headers={"Authorization": "Bearer wrong"})
    parts = parts_of(client.application)
    parts.refusals.tell(at_once=True)
    assert parts.index_worker
    reader = signed_in(client)

    def is_told() -> bool:
        text = reader.get("/decisions?kind=refusal").text
        return "further callers without a valid token were refused at decide.evaluation: 1,234 times" in text.lower()

    wait_until(is_told, READ_WITHIN_SECONDS)
