"""The journal of a real service: nothing that was answered is missing, whatever ends it, and nobody is named."""

import os
import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.storage.database import connect, upgrade
from tests.conftest import HOUSEHOLDS, ROOT, TOKEN
from tests.processes import wait_until
from tests.services import COMMAND, Service, environment, question, serve

_SMITHS = "123456789"
_ASKERS = 8
_WORKERS = {"AUTHZ_WORKERS": "2"}
_QUESTIONS = [
    question(person, action, kind, thing)
    for person in ("philip.smith", "mary.jones", "tracy.smith", "nobody.known")
    for action, kind, thing in (
        ("view_usage", "subscription", "mobile-2002"),
        ("view_bills", "customer", _SMITHS),
        ("become_administrator", "customer", _SMITHS),
    )
]
_TABLES = (
    "journal_entries",
    "journal_rulings",
    "journal_checkpoints",
    "journal_chains",
    "journal_outbox",
    "journal_shadow",
)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """A database with every household of the fixtures."""
    url = f"sqlite:///{tmp_path / 'authz.db'}"
    database = connect(url)
    upgrade(database)
    import_files(database, sorted(HOUSEHOLDS.glob("*.yaml")), key_finder(None, database))
    database.dispose()
    return url


def asked_until(service: Service, enough: int, then: int) -> list[str]:
    """Asks as fast as it is answered, in single calls and batches, and sends the signal when there were enough answers.

    Returns:
        The ids of all decisions that somebody was answered.
    """
    answered: list[str] = []
    is_over = threading.Event()

    def ask(asker: int) -> None:
        with requests.Session() as session:
            session.headers.update(service.session.headers)
            n = asker
            while not is_over.is_set():
                n += 1
                body: dict[str, Any] = _QUESTIONS[n % len(_QUESTIONS)]
                is_batch = n % 5 == 0
                path = "/access/v1/evaluations" if is_batch else "/access/v1/evaluation"
                try:
                    sent = body | {"evaluations": [{}, {}, {}]} if is_batch else body
                    response = session.post(service.url + path, json=sent, timeout=10)
                except requests.RequestException:
                    return
                if response.status_code == 200:
                    decision_id = response.headers["Decision-Id"]
                    answered.extend([f"{decision_id}.{item}" for item in range(3)] if is_batch else [decision_id])

    with ThreadPoolExecutor(_ASKERS) as threads:
        askers = [threads.submit(ask, asker) for asker in range(_ASKERS)]
        try:
            wait_until(lambda: len(answered) >= enough, 60)
            os.killpg(service.process.pid, then) if then == signal.SIGKILL else service.process.send_signal(then)
            service.process.wait(30)
        finally:
            is_over.set()
    for asker in askers:
        asker.result()
    return answered


def kept_ids(tmp_path: Path) -> set[str]:
    """The ids in the database, as callers are told them."""
    with closing(sqlite3.connect(tmp_path / "authz.db")) as database:
        rows = database.execute("SELECT id, item FROM journal_entries").fetchall()
    return {entry_id if item < 0 else f"{entry_id}.{item}" for entry_id, item in rows}


def command(opa: Path, database_url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environ = environment(opa, {"AUTHZ_DATABASE_URL": database_url})
    return subprocess.run([*COMMAND, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def test_every_answer_is_in_the_journal_after_a_service_was_killed_under_load(
    opa: Path, database_url: str, tmp_path: Path
) -> None:
    with serve(opa, tmp_path / "first", database_url, {**_WORKERS, "AUTHZ_JOURNAL": "strict"}) as service:
        answered = asked_until(service, 2_000, signal.SIGKILL)
    assert len(answered) >= 2_000
    # Another one takes the chains up, and loads what the first could not.
    with serve(opa, tmp_path / "second", database_url) as service:
        wait_until(lambda: set(answered) <= kept_ids(tmp_path))
        response = service.call("GET", f"/v1/decisions/{answered[-1]}")
        assert response.status_code == 200
    verified = command(opa, database_url, "journal", "verify")
    assert (verified.returncode, verified.stderr) == (0, "")


@pytest.mark.parametrize("durability", ["buffered", "strict"])
def test_every_answer_is_in_the_journal_after_a_service_was_ended_under_load(
    opa: Path, database_url: str, tmp_path: Path, durability: str
) -> None:
    with serve(opa, tmp_path / "service", database_url, {**_WORKERS, "AUTHZ_JOURNAL": durability}) as service:
        answered = asked_until(service, 1_000, signal.SIGTERM)
    assert service.process.returncode == 0
    with serve(opa, tmp_path / "second", database_url):
        wait_until(lambda: set(answered) <= kept_ids(tmp_path))
    verified = command(opa, database_url, "journal", "verify")
    assert verified.returncode == 0, verified.stdout


# nobody is named


def secrets_of(households: list[Path]) -> set[str]:
    """What the fixtures say of people: ids, names, addresses, numbers and codes; customer numbers and subscriptions."""
    found: set[str] = set()
    for household in households:
        content = yaml.safe_load(household.read_text())
        for person in content.get("people", []):
            found |= {person["id"], person["name"], person["email"], *person.get("other_provider_numbers", [])}
        for customer in content.get("customers", []):
            found |= {customer["number"], customer["name"]}
            found |= {customer["activation"]["code"]} if "activation" in customer else set()
            for subscription in customer.get("subscriptions", []):
                found |= {subscription["id"], subscription.get("number", subscription["id"])}
    return found


def use_everything(service: Service, households: list[Path]) -> None:
    """Whatever is kept of a call, with names wherever a caller can put them."""
    for household in households:
        content = yaml.safe_load(household.read_text())
        for customer in content.get("customers", []):
            number, activation = customer["number"], customer.get("activation")
            for member in [*customer.get("members", []), {"person": "nobody.known"}]:
                person = member["person"]
                named = {"X-Request-ID": f"{person} of {number}", "traceparent": person}
                body = question(person, "view_bills", "customer", number) | {"context": {"note": person}}
                service.session.post(service.url + "/v1/decide", json=body, headers=named, timeout=10)
                service.call("POST", "/access/v1/evaluations", body | {"evaluations": [{}, {"resource": 1}]})
                for sought in ("subject", "resource"):
                    search = body | {"action": {"name": "view_role"}, sought: {"type": body[sought]["type"]}}
                    assert service.call("POST", f"/access/v1/search/{sought}", search).status_code == 200
                wish = {"person": person, "channel": "web", "current_administrator_informed": True}
                code = {"code": activation["code"], "date": str(activation["date"])} if activation else None
                for given in ({}, {"activation": code} if code else {}, {"activation": {**(code or {}), "code": "NO"}}):
                    service.call("POST", f"/v1/customers/{number}/administrators", wish | given)
                service.call("GET", f"/v1/customers/{number}/members/{person}")
            for subscription in customer.get("subscriptions", []):
                asked = question(person, "activate_option", "subscription", subscription["id"])
                asked["action"] |= {"properties": {"option": "voicemail-to-text"}}
                service.call("POST", "/v1/decide", asked)
        for person in content.get("people", []):
            assert service.call("PUT", f"/v1/people/{person['id']}", person).status_code == 200
            service.call("DELETE", f"/v1/people/{person['id']}")
            odd = question(person["name"], person["email"], person["name"], person["email"])
            assert service.call("POST", "/v1/decide", odd).status_code == 200
            for token in ("", "wrong", f"{TOKEN} {person['email']}"):
                refused = requests.get(
                    f"{service.url}/v1/people/{person['id']}",
                    headers={"Authorization": f"Bearer {token}", "X-Request-ID": person["email"]},
                    timeout=10,
                )
                assert refused.status_code == 401


def what_is_kept(opa: Path, database_url: str, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Everything that the journal leaves anywhere, each with where it is."""
    for file in (tmp_path / "authz.db.journal").rglob("*"):
        if file.is_file():
            yield file.name, file.read_text()
    with closing(sqlite3.connect(tmp_path / "authz.db")) as database:
        for table in _TABLES:
            yield table, repr(database.execute(f"SELECT * FROM {table}").fetchall())  # noqa: S608 - names of ours
    for style in ("ndjson", "csv"):
        exported = command(opa, database_url, "journal", "export", "--format", style)
        assert exported.returncode == 0, exported.stderr
        yield style, exported.stdout
    for written in ("stdout", "stderr"):
        yield written, (tmp_path / "service" / written).read_text()
    yield "verified", command(opa, database_url, "journal", "verify", "--format", "json").stdout


def test_nobody_and_nothing_is_named_in_journal_database_logs_or_exports(
    opa: Path, database_url: str, tmp_path: Path
) -> None:
    households = sorted(HOUSEHOLDS.glob("*.yaml"))
    secrets = secrets_of(households) | {TOKEN, "nobody.known"}
    assert len(secrets) > 150
    with serve(opa, tmp_path / "service", database_url) as service:
        use_everything(service, households)
    with serve(opa, tmp_path / "second", database_url) as service:
        wait_until(lambda: service.readiness()["journal"]["behind_bytes"] == 0)
    kept = dict(what_is_kept(opa, database_url, tmp_path))
    entries = kept["ndjson"].splitlines()
    assert len(entries) > 400
    for kind in ("decision", "search", "take_over", "change", "policy", "refusal"):
        assert any(f'"kind": "{kind}"' in entry for entry in entries), kind
    found = {(where, secret) for where, text in kept.items() for secret in secrets if secret in text}
    assert found == set()


def test_with_plain_ids_they_are_what_they_are(opa: Path, database_url: str, tmp_path: Path) -> None:
    with serve(opa, tmp_path / "service", database_url, {"AUTHZ_JOURNAL_PLAIN_IDS": "1"}) as service:
        service.decide(_QUESTIONS[0])
        wait_until(lambda: service.call("GET", "/v1/decisions?subject=philip.smith").json()["decisions"] != [])
        [kept] = service.call("GET", "/v1/decisions?subject=philip.smith").json()["decisions"]
    assert (kept["subject"], kept["customer"], kept["resource"]) == ("philip.smith", _SMITHS, "mobile-2002")


# a shadow policy


def test_a_shadow_policy_answers_beside_the_other_without_effect(
    opa: Path, policies: Path, database_url: str, tmp_path: Path
) -> None:
    shadow = tmp_path / "shadow"
    shutil.copytree(policies, shadow)
    rules = shadow / "bundle" / "authz" / "permissions" / "grants.rego"
    rules.write_text(rules.read_text().replace('\tinput.action == "view_role"\n', '\tinput.action == "fly"\n'))
    asked = question("mary.jones", "view_role", "customer", _SMITHS)
    with serve(opa, tmp_path / "service", database_url, {**_WORKERS, "AUTHZ_SHADOW_POLICIES": str(shadow)}) as service:
        assert {service.decide(asked)["decision"] for _ in range(5)} == {True}
        wanted = 'authz_shadow_differences_total{new="deny",old="permit"} 5.0'
        wait_until(lambda: wanted in service.call("GET", "/metrics").text)
    told = command(opa, database_url, "journal", "shadow")
    assert told.returncode == 1
    assert "✗ Narrowed: permitted before, denied now" in told.stdout
    assert told.stdout.endswith("✗ The shadow policy has answered 5 decisions differently.\n")


def test_a_shadow_policy_that_is_broken_keeps_nobody_from_deciding(
    opa: Path, policies: Path, database_url: str, tmp_path: Path
) -> None:
    shadow = tmp_path / "shadow"
    shutil.copytree(policies, shadow)
    (shadow / "bundle" / "authz" / "decision" / "decision.rego").write_text("broken")
    with serve(opa, tmp_path / "service", database_url, {"AUTHZ_SHADOW_POLICIES": str(shadow)}) as service:
        assert service.decide(_QUESTIONS[0])["decision"] is True
        assert "shadow_policy.not_started" in service.stderr.read_text()
