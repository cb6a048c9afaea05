"""The journal over HTTP: what was decided, found again, proven and replayed; and no answer that is not kept."""

import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from authz_service.journal import writer as writing_room
from authz_service.journal.proof import check_proof
from authz_service.words import Durability
from tests.fakes.engine import FakeEngine, answer
from tests.processes import wait_until
from tests.web.asking import CUSTOMER, problem, question
from tests.web.conftest import MakeClient, parts_of

HER_USAGE = question("mary.jones", "view_usage", "mobile-2002", channel="app")
BILLS = question("mary.jones", "view_bills", CUSTOMER)
NOWHERE = "01M8AP7ACYZB5DBZ9GTCDH1AYP"


def decide(client: FlaskClient, body: dict[str, Any], **headers: str) -> str:
    response = client.post("/v1/decide", json=body, headers=headers)
    assert response.status_code == 200
    return response.headers["Decision-Id"]


def kept(client: FlaskClient, decision_id: str) -> dict[str, Any]:
    """The decision, as soon as it can be read."""
    wait_until(lambda: client.get(f"/v1/decisions/{decision_id}").status_code == 200)
    body: dict[str, Any] = client.get(f"/v1/decisions/{decision_id}").get_json()
    return body


def listed(client: FlaskClient, **asked: object) -> list[str]:
    """The ids of all pages."""
    ids: list[str] = []
    cursor = None
    while True:
        page = client.get("/v1/decisions", query_string=asked | ({"cursor": cursor} if cursor else {})).get_json()
        ids += [decision["id"] for decision in page["decisions"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return ids


# one decision


def test_a_decision_can_be_read_back_within_a_second(client: FlaskClient) -> None:
    decision_id = decide(client, HER_USAGE)
    answered = datetime.now(UTC)
    decision = kept(client, decision_id)
    assert datetime.now(UTC) - answered < timedelta(seconds=1)
    assert decision["id"] == decision_id
    assert (decision["kind"], decision["caller"], decision["action"]) == ("decision", "tests", "view_usage")
    assert decision["decision"] is True
    assert decision["reasons"] == [{"code": "own_mobile_usage", "cites": ["USER-1"]}]
    assert (decision["facts"]["role"], decision["facts"]["channel"]) == ("user", "app")
    assert abs(datetime.fromisoformat(decision["at"]) - answered) < timedelta(seconds=2)


def test_the_same_person_and_customer_number_have_the_same_pseudonym_in_every_decision(client: FlaskClient) -> None:
    first, second = (kept(client, decide(client, body)) for body in (HER_USAGE, BILLS))
    assert first["subject"] == second["subject"]
    assert first["customer"] == second["customer"] == second["resource"]
    assert first["subject"].startswith("~")
    assert first["resource"] != first["customer"]


def test_what_ties_a_request_to_others_is_kept_where_it_names_nobody(client: FlaskClient) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    uuid = "0190b2c4-0000-7000-8000-00000000abcd"
    ids = [
        decide(client, BILLS, **{"X-Request-ID": uuid, "traceparent": trace}),
        decide(client, BILLS, **{"X-Request-ID": "mary.jones", "traceparent": "mary.jones"}),
    ]
    machine, named = (kept(client, decision_id) for decision_id in ids)
    assert (machine["request_id"], machine["traceparent"]) == (uuid, trace)
    assert named["request_id"].startswith("~")
    assert "traceparent" not in named


def test_each_item_of_a_batch_is_a_decision_of_its_own(client: FlaskClient) -> None:
    body = HER_USAGE | {"evaluations": [{}, {"resource": 1}, {"action": {"name": "fly"}}]}
    call = client.post("/access/v1/evaluations", json=body).headers["Decision-Id"]
    first, third = kept(client, f"{call}.0"), kept(client, f"{call}.2")
    assert (first["decision"], third["decision"]) == (True, False)
    assert third["action"] == "unknown"
    problem(client.get(f"/v1/decisions/{call}.1"), 404)
    assert problem(client.get(f"/v1/decisions/{call}"), 404)["detail"] == (
        f"This was a call of several evaluations: its decisions are {call}.0 and so on."
    )


def test_a_batch_that_stops_has_the_decisions_that_were_answered_and_no_more(client: FlaskClient) -> None:
    options = {"evaluations_semantic": "deny_on_first_deny"}
    body = HER_USAGE | {"evaluations": [{}, {"action": {"name": "fly"}}, {}], "options": options}
    call = client.post("/access/v1/evaluations", json=body).headers["Decision-Id"]
    kept(client, f"{call}.1")
    problem(client.get(f"/v1/decisions/{call}.2"), 404)


def test_a_search_is_kept_with_what_it_found(client: FlaskClient) -> None:
    body = {"subject": {"type": "person"}, "action": {"name": "view_usage"}, "resource": HER_USAGE["resource"]}
    response = client.post("/access/v1/search/subject", json=body)
    search = kept(client, response.headers["Decision-Id"])
    assert (search["kind"], search["sought"], search["action"]) == ("search", "subject", "view_usage")
    mary = kept(client, decide(client, HER_USAGE))
    assert len(search["found"]) == 2
    assert mary["subject"] in search["found"]
    assert search["customer"] == mary["customer"]


def test_a_take_over_and_a_refused_one_are_kept_with_whom_they_changed(client: FlaskClient) -> None:
    path = f"/v1/customers/{CUSTOMER}/administrators"
    wish = {"person": "mary.jones", "channel": "web", "current_administrator_informed": True}
    refused = client.post(path, json=wish | {"channel": "app"}).get_json()["decision_id"]
    done = client.post(path, json=wish).get_json()["decision_id"]
    no, yes = kept(client, refused), kept(client, done)
    assert (no["kind"], no["decision"], yes["kind"], yes["decision"]) == ("take_over", False, "take_over", True)
    assert yes["effects"] != []
    assert yes["became_users"] == yes["notified"] == [kept(client, decide(client, BILLS_OF_PHILIP))["subject"]]
    assert no["became_users"] == []


BILLS_OF_PHILIP = question("philip.smith", "view_bills", CUSTOMER)


@pytest.mark.parametrize(
    "decision_id", [NOWHERE, f"{NOWHERE}.0", "1", "x" * 1000, NOWHERE.lower(), f"{NOWHERE}.", f"{NOWHERE}.00", "%00"]
)
def test_what_was_never_decided_is_404(smiths: FlaskClient, decision_id: str) -> None:
    for method, path in (("GET", ""), ("GET", "/proof"), ("POST", "/replay")):
        problem(smiths.open(f"/v1/decisions/{decision_id}{path}", method=method), 404)


# proofs


def test_a_proof_is_given_once_the_block_is_signed_and_checks_with_the_public_key(client: FlaskClient) -> None:
    decision_id = decide(client, HER_USAGE)
    kept(client, decision_id)
    statuses = set()

    def is_given() -> bool:
        statuses.add(client.get(f"/v1/decisions/{decision_id}/proof").status_code)
        return 200 in statuses

    wait_until(is_given)
    assert statuses <= {200, 409}
    proof = client.get(f"/v1/decisions/{decision_id}/proof").get_json()
    journal = parts_of(client.application).journal
    assert journal.writer is not None
    assert check_proof(proof, [journal.writer.public_key]).key


# replays


def test_a_replay_says_what_today_s_policy_says_of_the_facts_of_then(make_client: MakeClient) -> None:
    engine = FakeEngine(lambda _: answer(allow=True), "then")
    client = make_client(engine=engine)
    decision_id = decide(client, BILLS)
    kept(client, decision_id)
    same = client.post(f"/v1/decisions/{decision_id}/replay").get_json()
    assert (same["differs"], same["recorded"]["decision"], same["today"]["decision"]) == (False, True, True)
    engine.change_policy(lambda _: answer(allow=False), "today")
    wait_until(lambda: client.post("/v1/decide", json=BILLS).get_json()["decision"] is False)
    other = client.post(f"/v1/decisions/{decision_id}/replay").get_json()
    assert other["differs"] is True
    assert (other["recorded"]["policy_revision"], other["recorded"]["decision"]) == ("then", True)
    assert (other["today"]["policy_revision"], other["today"]["decision"]) == ("today", False)
    assert other["facts"]["action"] == "view_bills"


def test_a_replay_is_no_decision_of_its_own(client: FlaskClient) -> None:
    decision_id = decide(client, BILLS)
    kept(client, decision_id)
    assert client.post(f"/v1/decisions/{decision_id}/replay").status_code == 200
    later = decide(client, HER_USAGE)
    kept(client, later)
    assert listed(client) == [later, decision_id]


def test_a_search_has_nothing_to_replay(client: FlaskClient) -> None:
    body = {"subject": {"type": "person"}, "action": {"name": "view_usage"}, "resource": HER_USAGE["resource"]}
    search = client.post("/access/v1/search/subject", json=body).headers["Decision-Id"]
    kept(client, search)
    problem(client.post(f"/v1/decisions/{search}/replay"), 409)


# many decisions


def test_decisions_are_found_by_what_was_asked_and_answered(client: FlaskClient) -> None:
    ids = [decide(client, body) for body in (HER_USAGE, BILLS, BILLS_OF_PHILIP, HER_USAGE)]
    kept(client, ids[-1])
    assert listed(client) == ids[::-1]
    assert listed(client, subject="mary.jones") == [ids[3], ids[1], ids[0]]
    assert listed(client, subject="philip.smith", limit=1) == [ids[2]]
    assert listed(client, customer=CUSTOMER, limit=2) == ids[::-1]
    assert listed(client, action="view_bills") == [ids[2], ids[1]]
    assert listed(client, action="view_bills", decision="false") == [ids[1]]
    assert listed(client, decision="true", limit=1) == [ids[3], ids[2], ids[0]]
    assert listed(client, subject="nobody") == []
    pseudonym = kept(client, ids[1])["subject"]
    assert listed(client, subject=pseudonym, action="view_bills") == [ids[1]]


def test_decisions_are_found_by_when_they_were(client: FlaskClient) -> None:
    first = decide(client, HER_USAGE)
    kept(client, first)
    wait_until(lambda: datetime.now(UTC) > datetime.fromisoformat(kept(client, first)["at"]) + timedelta(seconds=0.01))
    between = datetime.now(UTC)
    wait_until(lambda: datetime.now(UTC) > between + timedelta(seconds=0.01))
    second = decide(client, HER_USAGE)
    kept(client, second)
    assert listed(client, **{"from": between.isoformat()}) == [second]
    assert listed(client, to=between.isoformat()) == [first]
    assert listed(client, **{"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00+02:00"}) == []


@pytest.mark.parametrize(
    ("asked", "member"),
    [
        ({"decision": "yes"}, "decision"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "0000000019999"}, "limit"),
        ({"limit": "000000001" + "9" * 5000}, "limit"),
        ({"limit": "९"}, "limit"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-11-23T22:00:00"}, "to"),
        ({"to": "99999-01-01T00:00:00Z"}, "to"),
        ({"cursor": "x"}, "cursor"),
        ({"subject": "a\0b"}, "subject"),
        ({"person": "mary.jones"}, "person"),
        ({"action": ["view_bills", "view_usage"]}, "action"),
    ],
)
def test_a_parameter_that_is_wrong_is_named(smiths: FlaskClient, asked: dict[str, Any], member: str) -> None:
    body = problem(smiths.get("/v1/decisions", query_string=asked), 400)
    assert [error["member"] for error in body["errors"]] == [member]


def test_all_parameters_that_are_wrong_are_named_at_once(smiths: FlaskClient) -> None:
    body = problem(smiths.get("/v1/decisions?limit=0&decision=x&from=x&x=1"), 400)
    assert {error["member"] for error in body["errors"]} == {"limit", "decision", "from", "x"}


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_the_ends_of_time_are_no_error(smiths: FlaskClient, moment: str) -> None:
    assert smiths.get("/v1/decisions", query_string={"from": moment, "to": moment}).status_code in {200, 400}


# what is not kept is not answered


@pytest.fixture
def break_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Callable[[], None]]:
    """Has nothing written any more; what it returns mends that."""

    def break_disk() -> Callable[[], None]:
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def write(_file: int, _data: bytes) -> int:
            raise full

        monkeypatch.setattr(os, "write", write)
        return monkeypatch.undo

    return break_disk


def test_a_journal_that_cannot_be_written_refuses_decisions_and_searches(
    client: FlaskClient, break_disk: Callable[[], Callable[[], None]]
) -> None:
    search = {"subject": {"type": "person"}, "action": {"name": "view_usage"}, "resource": HER_USAGE["resource"]}
    calls = [
        ("/v1/decide", HER_USAGE),
        ("/access/v1/evaluations", HER_USAGE | {"evaluations": [{}, {}]}),
        ("/access/v1/search/subject", search),
    ]
    mend = break_disk()
    for path, body in calls:
        response = client.post(path, json=body)
        assert problem(response, 503)["detail"] == "The journal cannot be written: No space left on device."
        assert "decision" not in response.get_json()
        assert response.headers["Retry-After"] == "1"
    checks = client.get("/readyz").get_json()["checks"]
    assert checks["journal"]["detail"] == "The journal cannot be written: No space left on device."
    assert client.get("/readyz").status_code == 503
    mend()
    for path, body in calls:
        assert client.post(path, json=body).status_code == 200
    wait_until(lambda: client.get("/readyz").status_code == 200)


def test_a_buffered_journal_goes_on_for_a_while(
    make_client: MakeClient, break_disk: Callable[[], Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing_room, "MOST_WAITING", 5)
    monkeypatch.setattr(writing_room, "FULL_PATIENCE_SECONDS", 0.1)
    client = make_client(journal=Durability.BUFFERED)
    break_disk()
    answers = [client.post("/v1/decide", json=HER_USAGE).status_code for _ in range(8)]
    assert answers[0] == 200
    assert answers[-1] == 503
    monkeypatch.undo()
    ids = [decide(client, BILLS)]
    kept(client, ids[0])
    # What was answered meanwhile was not lost.
    assert len(listed(client, subject="mary.jones")) == 1 + answers.count(200)


def test_a_caller_is_refused_also_where_that_cannot_be_kept(
    client: FlaskClient, break_disk: Callable[[], Callable[[], None]]
) -> None:
    break_disk()
    problem(client.post("/v1/decide", json=HER_USAGE, headers={"Authorization": "Bearer wrong"}), 401)


def test_where_the_journal_is_off_decisions_are_answered_and_not_found(make_client: MakeClient, tmp_path: Path) -> None:
    client = make_client(journal=Durability.OFF)
    decision_id = decide(client, HER_USAGE)
    problem(client.get(f"/v1/decisions/{decision_id}"), 404)
    assert client.get("/v1/decisions").get_json() == {"decisions": [], "next_cursor": None}
    assert client.get("/readyz").get_json()["checks"]["journal"]["detail"] == "off"
    assert not (tmp_path / "authz.db.journal").exists()
