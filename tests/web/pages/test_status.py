"""What works and what does not is told, and the page stands whatever is away."""

import json
import os
import re
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from authz_service.opa.binary import OPA_VERSION
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.storage.database import REVISION, writing
from authz_service.storage.schema import letters
from authz_service.web.pages.sparkline import HEIGHT, WIDTH, sparkline
from authz_service.web.pages.status import told_age
from authz_service.words import Durability, LetterState
from tests.processes import wait_until
from tests.web.conftest import MakeClient, database_of, parts_of
from tests.web.pages.reading import signed_in

PARTS = ("Database", "OPA", "Policy", "Journal", "Callers")


def states(page: str) -> dict[str, bool]:
    """Whether each part works."""
    rows = re.findall(r'<tr><th scope="row">(\w+)</th><td><span class="answer (permit|deny)">', page)
    return {part: state == "permit" for part, state in rows}


def test_all_works_and_the_versions_are_told(make_client: MakeClient) -> None:
    page = signed_in(make_client()).get("/status").text
    assert states(page) == {"Database": True, "OPA": True, "Policy": True, "Journal": True, "Callers": True}
    assert "Ready: decisions are made." in page
    for said in (
        OPA_VERSION,
        "SQLite 3.",
        f"revision {REVISION} expected and found",
        f"process {os.getpid()}",
        "in force",
    ):
        assert said.lower() in page.lower()


def test_it_says_what_readyz_says(make_client: MakeClient, tmp_path: Path) -> None:
    client = make_client(opa_url=f"unix://{tmp_path / 'no.sock'}", policy_status=None)
    ready = client.get("/readyz")
    page = signed_in(client).get("/status")
    assert (ready.status_code, page.status_code) == (503, 200)
    checks = ready.get_json()["checks"]
    assert states(page.text) == {part: checks[part.lower()]["ok"] for part in PARTS}
    assert checks["opa"]["detail"] in page.text
    assert "answers 503" in page.text


def test_with_the_real_opa_killed_the_page_stands_and_says_so(
    make_client: MakeClient, opa: Path, policies: Path
) -> None:
    with SupervisedOpa(opa, policies) as own:
        client = make_client(opa_url=own.url, policy_status=own.status_file)
        reader = signed_in(client)
        assert states(reader.get("/status").text)["OPA"]
        assert own.pid
        os.kill(own.pid, signal.SIGKILL)
        assert reader.get("/status").status_code == 200
        wait_until(lambda: states(reader.get("/status").text)["OPA"])
    response = reader.get("/status")
    assert response.status_code == 200
    assert states(response.text) == {"Database": True, "OPA": False, "Policy": True, "Journal": True, "Callers": True}
    assert "OPA cannot be reached." in response.text
    assert "not told" in response.text
    assert client.get("/readyz").status_code == 503


def test_without_the_database_the_page_stands_and_says_so(
    client: FlaskClient, lose_database: Callable[[], None]
) -> None:
    reader = signed_in(client)
    assert states(reader.get("/status").text)["Database"]
    lose_database()
    response = reader.get("/status")
    assert response.status_code == 200
    assert not states(response.text)["Database"]
    assert "The database does not answer" in response.text
    assert "Not known without the database." in response.text


def test_a_broken_edit_is_told_with_its_place(make_client: MakeClient, tmp_path: Path) -> None:
    status = tmp_path / "policy.json"
    since = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    fault = "policies/x.rego:3: <b>rego_parse_error</b>"
    status.write_text(json.dumps({"revision": "1", "since": since, "rejected": [fault]}))
    page = signed_in(make_client(policy_status=status)).get("/status").text
    assert "policies/x.rego:3: &lt;b&gt;rego_parse_error" in page
    assert "for 3 hours, since" in page


def test_a_faulty_edit_of_the_callers_file_is_told_here_and_counted_by_readyz(make_client: MakeClient) -> None:
    reader = signed_in(make_client())
    fault = "AUTHZ_CALLERS: /srv/callers.yaml: callers[0]: must have the members name and scopes"
    parts_of(reader.application).entrance.followed.rejected = (fault,)
    assert fault in reader.get("/status").text
    told = reader.get("/readyz")
    assert told.get_json()["checks"]["callers"]["rejected"] == 1
    assert fault not in told.text
    assert "/srv/callers.yaml" not in told.text


def test_letters_that_wait_and_that_failed_are_counted(make_client: MakeClient) -> None:
    reader = signed_in(make_client())
    ordered = datetime.now(UTC) - timedelta(days=2, hours=1)
    common = {
        "kind": "k",
        "language": "en",
        "person": "p",
        "recipient": "r",
        "parameters": {},
        "attempts": 0,
        "said": "",
    }
    with writing(database_of(reader.application)) as connection:
        for number, state in enumerate([LetterState.WAITING, LetterState.FAILED, LetterState.FAILED]):
            # Those that failed are older, and wait no longer.
            at = ordered - timedelta(days=number)
            values = common | {"id": str(number), "state": state, "ordered_at": at, "due_at": at}
            connection.execute(insert(letters).values(values))
    page = reader.get("/status").text
    assert "<dt>Waiting</dt><dd>1 letter</dd>" in page
    assert "2 letters</span>" in page
    assert "ordered 2 days ago" in page


def test_a_journal_that_is_off_is_told(make_client: MakeClient) -> None:
    page = signed_in(make_client(journal=Durability.OFF)).get("/status").text
    assert "AUTHZ_JOURNAL=off" in page


def test_what_is_decided_is_drawn(make_client: MakeClient) -> None:
    client = make_client()
    reader = signed_in(client)
    question = {
        "subject": {"type": "person", "id": "mary.jones"},
        "action": {"name": "view_bills"},
        "resource": {"type": "customer", "id": "123456789"},
    }
    for _ in range(3):
        client.post("/v1/decide", json=question)
    said = 'aria-label="Denials in each minute of the last hour: 3 altogether'
    wait_until(lambda: said in reader.get("/status").text)
    page = reader.get("/status").text
    assert page.count("<polyline points=") == 2
    assert "style=" not in page


@pytest.mark.parametrize(
    ("numbers", "points"), [([0, 0], "0.0,38.5 240.0,38.5"), ([0, 4, 2], "0.0,38.5 120.0,1.5 240.0,20.0")]
)
def test_a_line_goes_from_edge_to_edge_and_stays_within(numbers: list[int], points: str) -> None:
    assert (WIDTH, HEIGHT) == (240, 40)
    assert sparkline(numbers).points == points


@pytest.mark.parametrize(
    ("age", "told"),
    [
        (timedelta(seconds=-3), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(minutes=59, seconds=59), "59 minutes"),
        (timedelta(days=1, hours=23), "1 day"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(age: timedelta, told: str) -> None:
    assert told_age(age) == told
