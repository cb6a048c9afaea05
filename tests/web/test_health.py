import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from structlog.testing import capture_logs

from authz_service.app import close_app, create_app
from authz_service.settings import Settings
from authz_service.storage.database import connect, writing
from tests.conftest import BEARER
from tests.fakes.engine import FakeEngine, says_nothing
from tests.web.asking import question
from tests.web.conftest import EVERYTHING, MakeClient
from tests.web.documented import DocumentedClient


def test_a_service_that_can_decide_is_ready_and_says_under_which_policy(client: FlaskClient) -> None:
    asked = client.post("/v1/decide", json=question("mary.jones", "view_usage", "mobile-2002"))
    assert ready(client, 200) == {
        "database": {"ok": True, "detail": "sqlite, tables up to date"},
        "opa": {"ok": True, "detail": "answers"},
        "policy": {
            "ok": True,
            "detail": "The policy in force answers.",
            "revision": asked.get_json()["context"]["policy_revision"],
            "rejected": 0,
        },
        "journal": {"ok": True, "detail": "written", "behind_bytes": ANY},
        "callers": {"ok": True, "detail": "known", "rejected": 0},
    }


def test_it_is_ready_before_it_was_asked_anything(smiths: FlaskClient) -> None:
    assert all(check["ok"] for check in ready(smiths, 200).values())


def test_a_fresh_database_is_named_with_what_to_do(settings: Settings) -> None:
    app = create_app(settings, callers=[EVERYTHING])
    app.test_client_class = DocumentedClient
    checks = ready(app.test_client(), 503)
    close_app(app)
    assert wrong(checks) == {"database": "The tables do not serve this version: `authz-service db check` says why."}


def test_it_stays_ready_while_replicas_of_the_next_version_take_its_place(
    client: FlaskClient, settings: Settings
) -> None:
    database = connect(settings.database_url)
    with writing(database) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert ready(client, 200)["database"] == {"ok": True, "detail": "sqlite, tables of a later version"}
    with writing(database) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert "do not serve this version" in wrong(ready(client, 503))["database"]
    database.dispose()


def test_a_database_that_is_gone_is_named(client: FlaskClient, lose_database: Callable[[], None]) -> None:
    assert ready(client, 200)
    lose_database()
    assert wrong(ready(client, 503)) == {"database": "The database does not answer or cannot be used."}


def test_an_opa_that_is_not_there_is_named_and_its_address_is_for_the_log_alone(
    make_client: MakeClient, tmp_path: Path
) -> None:
    url = f"unix://{tmp_path / 'no.sock'}"
    client = make_client(opa_url=url, policy_status=None)
    assert wrong(ready(client, 503)) == {
        "opa": "OPA cannot be reached.",
        "policy": "OPA has answered under no policy yet.",
    }
    with capture_logs() as logs:
        refused = client.post(
            "/access/v1/evaluation",
            json=question("philip.smith", "view_bills", "customer", "123456789"),
            headers=BEARER,
        )
    assert (refused.status_code, url in refused.text) == (503, False)
    assert [entry["reason"] for entry in logs if entry["event"] == "request.unavailable"] == [
        f"OPA cannot be reached. It is to be at {url}."
    ]


def test_an_edit_that_is_not_in_force_is_told_and_the_service_stays_ready(
    make_client: MakeClient, tmp_path: Path
) -> None:
    status = tmp_path / "policy.json"
    finding = "policies/bundle/authz/x.rego:3: rego_parse_error"
    status.write_text(json.dumps({"revision": "1", "since": "2026-11-23T00:00:00+00:00", "rejected": [finding]}))
    policy = ready(make_client(policy_status=status), 200)["policy"]
    detail = "A later edit of the policy is broken and not in force, as the log says; the revision before it answers."
    assert policy == {"ok": True, "detail": detail, "revision": ANY, "rejected": 1}


def test_without_a_supervisor_nothing_is_told_of_edits(make_client: MakeClient, tmp_path: Path) -> None:
    assert ready(make_client(policy_status=None), 200)["policy"]["rejected"] == 0
    assert ready(make_client(policy_status=tmp_path / "gone"), 200)["policy"]["rejected"] == 0


def test_the_process_is_up_whatever_else_is_not(
    client: FlaskClient, make_client: MakeClient, lose_database: Callable[[], None], tmp_path: Path
) -> None:
    without_opa = make_client(opa_url=f"unix://{tmp_path / 'no.sock'}")
    lose_database()
    for some in (client, without_opa):
        assert ready(some, 503)
        response = some.get("/healthz")
        assert (response.status_code, response.get_json()) == (200, {"status": "alive"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_whoever_watches_may_ask_with_head(smiths: FlaskClient, path: str) -> None:
    response = smiths.head(path)
    assert (response.status_code, response.data) == (200, b"")


def test_an_opa_that_does_not_answer_as_it_has_to_is_named_with_what_is_wrong(make_client: MakeClient) -> None:
    engine = FakeEngine(says_nothing)
    engine.lose_policy()
    assert wrong(ready(make_client(engine=engine), 503))["opa"] == "The fake has no policy."


def ready(client: FlaskClient, status: int) -> dict[str, Any]:
    """The checks, where the status is the one expected."""
    response = client.get("/readyz")
    body = response.get_json()
    assert response.status_code == status, body
    assert list(body) == ["status", "checks"]
    assert body["status"] == ("ready" if status == 200 else "not ready")
    assert list(body["checks"]) == ["database", "opa", "policy", "journal", "callers"]
    checks: dict[str, Any] = body["checks"]
    return checks


def wrong(checks: dict[str, Any]) -> dict[str, str]:
    """What is not right, and why."""
    return {name: check["detail"] for name, check in checks.items() if not check["ok"]}
