"""What a team would write instead: Flask, one statement for the facts, and Cerbos for the decision."""

import hmac
import json
import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import urllib3
from flask import Flask, Response, abort, request

from bench.contestants.cerbos import evaluation

_FACTS = """
    WITH question AS (
      SELECT key AS position, value ->> '$.person' AS person, value ->> '$.action' AS action,
        value ->> '$.customer' AS customer, value ->> '$.subscription' AS subscription, value ->> '$.option' AS option
      FROM json_each(?)
    ), found AS (
      SELECT question.*, subscriptions.kind AS subscription_kind, subscriptions.holder, subscriptions.plan,
        subscriptions.paid_by, COALESCE(subscriptions.customer_number, question.customer) AS number
      FROM question LEFT JOIN subscriptions ON subscriptions.id = question.subscription
    )
    SELECT
      EXISTS (SELECT 1 FROM people WHERE id = found.person) AS is_known_person,
      COALESCE(
        (SELECT role FROM members WHERE customer_number = found.number AND person = found.person), 'none'
      ) AS role,
      customers.kind AS customer_kind, found.subscription_kind, found.holder = found.person AS is_holder,
      found.plan, found.paid_by, options.subscription_kind AS option_kind, options.price_cents,
      CASE WHEN action = 'become_administrator' THEN {paid_by_customer} END AS mobiles_paid_by_customer,
      CASE WHEN action = 'become_administrator' THEN {paid_by_employer} END AS mobiles_paid_by_employer,
      CASE
        WHEN customers.activation_digest IS NULL THEN 'not_issued'
        WHEN customers.activation_used THEN 'used'
        WHEN customers.activation_wrong >= 5 THEN 'unused_after_five_wrong'
        ELSE 'unused'
      END AS activation_code
    FROM found
    LEFT JOIN customers ON customers.number = found.number
    LEFT JOIN options ON options.id = found.option
    ORDER BY found.position
"""
_MOBILES = """
    CASE
      WHEN EXISTS (
        SELECT 1 FROM subscriptions WHERE customer_number = found.number AND plan = 'subscription'
          AND paid_by = '{payer}' AND holder = found.person
      ) THEN 'own'
      WHEN EXISTS (
        SELECT 1 FROM subscriptions WHERE customer_number = found.number AND plan = 'subscription'
          AND paid_by = '{payer}'
      ) THEN 'of_others'
      ELSE 'none'
    END
"""
_STATEMENT = _FACTS.format(
    paid_by_customer=_MOBILES.format(payer="customer"), paid_by_employer=_MOBILES.format(payer="employer")
)
_CONNECTIONS = 16


class Customers:
    """The customer database, with a connection for each thread."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._of_thread = threading.local()

    def facts(self, questions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        asked = json.dumps([_ids(question) for question in questions])
        rows = self._connection().execute(_STATEMENT, (asked,)).fetchall()
        return [_facts(question, row) for question, row in zip(questions, rows, strict=True)]

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)
            connection.row_factory = sqlite3.Row
            self._of_thread.connection = connection
        return connection


def create_app() -> Flask:
    app = Flask(__name__)
    customers = Customers(os.environ["CUSTOMERS"])
    cerbos = urllib3.connection_from_url(os.environ["CERBOS"], maxsize=_CONNECTIONS)
    token = f"Bearer {os.environ['TOKEN']}"

    @app.get("/healthz")
    def health() -> Response:
        return Response()

    @app.before_request
    def authenticate() -> None:
        if request.path != "/healthz" and not hmac.compare_digest(request.headers.get("Authorization", ""), token):
            abort(401)

    @app.post("/access/v1/evaluation")
    def evaluate() -> Response:
        question = request.get_json()
        [facts] = customers.facts([question])
        return ask("/access/v1/evaluation", evaluation(question, facts))

    @app.post("/access/v1/evaluations")
    def evaluate_many() -> Response:
        questions = request.get_json()["evaluations"]
        many = [evaluation(*each) for each in zip(questions, customers.facts(questions), strict=True)]
        return ask("/access/v1/evaluations", {"evaluations": many})

    def ask(path: str, body: object) -> Response:
        answer = cerbos.request("POST", path, json=body)
        return Response(answer.data, answer.status, content_type="application/json")

    return app


def _ids(question: Mapping[str, Any]) -> dict[str, Any]:
    action, resource = question["action"], question["resource"]
    return {
        "person": question["subject"]["id"],
        "action": action["name"],
        resource["type"]: resource["id"],
        "option": action.get("properties", {}).get("option"),
    }


def _facts(question: Mapping[str, Any], row: sqlite3.Row) -> dict[str, Any]:
    facts = {name: value for name, value in zip(row.keys(), row, strict=True) if value is not None}
    option_kind, price = facts.pop("option_kind", None), facts.pop("price_cents", None)
    if option_kind is not None:
        facts["option"] = "for_another_kind" if option_kind != row["subscription_kind"] else "paid" if price else "free"
    # SQLite has no booleans of its own.
    for flag in facts.keys() & {"is_known_person", "is_holder"}:
        facts[flag] = bool(facts[flag])
    return {**facts, "channel": question.get("context", {}).get("channel", "unspecified")}
