"""OpenFGA, with the customers as relations in its own SQLite database: it looks up what follows from them by itself."""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import text

from authz_service.storage.database import connect, reading
from bench.contestants.contestant import HUNDRED, SINGLE, SIZES, Contestant, Way, in_batches
from bench.contestants.openfga_model import MODEL
from bench.processes import free_port, started
from bench.programs import have_openfga

SET = (
    "SQLite, HTTP, check-query-cache off (as it comes), batches of 100 instead of 50 at most; "
    "playground, metrics and traces off, log level error"
)

_TUPLES_A_WRITE = 100  # its own limit
_OPTIONS = (
    *("--log-level", "error", "--playground-enabled=false", "--metrics-enabled=false", "--trace-enabled=false"),
    *("--max-checks-per-batch-check", "100"),
)
# Each a relation of the model, and who is in it of what.
_RELATIONS = {
    "member": "SELECT 'person:' || person, role, 'customer:' || customer_number FROM members",
    "customer": "SELECT 'customer:' || customer_number, 'customer', 'subscription:' || id FROM subscriptions",
    "holder": """
        SELECT 'person:' || holder, 'holder', 'subscription:' || id FROM subscriptions WHERE kind = 'mobile'
    """,
    "candidate": """
        SELECT DISTINCT 'person:' || holder, 'candidate', 'customer:' || customer_number FROM subscriptions
        WHERE kind = 'mobile' AND plan = 'subscription' AND paid_by = 'customer'
    """,
    "offered": "SELECT 'person:*', 'offered', 'option:' || id FROM options WHERE subscription_kind = 'mobile'",
    "free": """
        SELECT 'person:*', 'free', 'option:' || id FROM options WHERE subscription_kind = 'mobile' AND price_cents = 0
    """,
}


@contextmanager
def openfga(questions: Sequence[Mapping[str, Any]], database_url: str) -> Iterator[Contestant]:
    program = have_openfga().path
    with tempfile.TemporaryDirectory(prefix="authz-bench-") as made:
        store = ("--datastore-engine", "sqlite", "--datastore-uri", f"file:{Path(made) / 'openfga.db'}")
        subprocess.run([program, "migrate", *store, "--log-level", "error"], check=True)
        http, grpc = (f"127.0.0.1:{free_port()}" for _ in range(2))
        command: list[str | Path] = [program, "run", *store, "--http-addr", http, "--grpc-addr", grpc, *_OPTIONS]
        with started(command, f"http://{http}/healthz", {}) as pid:
            path, model = _fill(f"http://{http}", database_url)
            yield Contestant("openfga", "OpenFGA", f"http://{http}", {}, (pid,), _ways(questions, path, model))


def check(question: Mapping[str, Any]) -> dict[str, object]:
    """The question as a check: the action is the relation; option and channel come with it."""
    action, resource = question["action"], question["resource"]
    key = {
        "user": f"person:{question['subject']['id']}",
        "relation": action["name"],
        "object": f"{resource['type']}:{resource['id']}",
    }
    asked: dict[str, object] = {"tuple_key": key, "context": {"channel": question["context"]["channel"]}}
    if "properties" in action:
        option = {"user": f"option:{action['properties']['option']}", "relation": "chosen", "object": key["object"]}
        asked["contextual_tuples"] = {"tuple_keys": [option]}
    return asked


def _ways(questions: Sequence[Mapping[str, Any]], path: str, model: str) -> dict[str, Way]:
    checks = list(map(check, questions))
    batches = [
        {
            "authorization_model_id": model,
            "checks": [{**each, "correlation_id": f"{n}"} for n, each in enumerate(some)],
        }
        for some in in_batches(checks, SIZES[HUNDRED])
    ]
    return {
        SINGLE: Way(f"{path}/check", [{**each, "authorization_model_id": model} for each in checks], _permit),
        HUNDRED: Way(f"{path}/batch-check", batches, _permits),
    }


def _permit(answer: Mapping[str, Any]) -> list[bool]:
    return [answer["allowed"]]


def _permits(answer: Mapping[str, Any]) -> list[bool]:
    results = answer["result"]
    # One that is not allowed has no member that says so.
    return [results[f"{n}"].get("allowed", False) for n in range(len(results))]


def _fill(url: str, database_url: str) -> tuple[str, str]:
    """Brings model and customers into a new store; returns its path and the id of the model."""
    with requests.Session() as session:
        store = f"/stores/{_post(session, f'{url}/stores', {'name': 'customers'})['id']}"
        model: str = _post(session, f"{url}{store}/authorization-models", MODEL)["authorization_model_id"]
        for some in in_batches(list(_tuples(database_url)), _TUPLES_A_WRITE):
            written = {"writes": {"tuple_keys": list(some)}, "authorization_model_id": model}
            _post(session, f"{url}{store}/write", written)
    return store, model


def _tuples(database_url: str) -> Iterator[dict[str, object]]:
    database = connect(database_url)
    try:
        with reading(database) as connection:
            for statement in _RELATIONS.values():
                for user, relation, thing in connection.execute(text(statement)):
                    key: dict[str, object] = {"user": user, "relation": relation, "object": thing}
                    if relation == "candidate":
                        key["condition"] = {"name": "outside_the_app", "context": {}}
                    yield key
    finally:
        database.dispose()


def _post(session: requests.Session, url: str, body: object) -> dict[str, Any]:
    answer = session.post(url, json=body, timeout=60)
    if not answer.ok:
        raise SystemExit(f"OpenFGA refuses {url}: {answer.text}")
    said: dict[str, Any] = answer.json()
    return said
