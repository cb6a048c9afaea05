"""Reads what the customer data says about questions: one statement for any number of them."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Boolean, ColumnClause, Connection, TextualSelect, column, text

_QUESTIONS = {
    "sqlite": """
        SELECT key AS position,
          value ->> '$.person' AS person, value ->> '$.customer' AS customer,
          value ->> '$.subscription' AS subscription, value ->> '$.option' AS option
        FROM json_each(:questions)
    """,
    "postgresql": """
        SELECT position - 1 AS position,
          value ->> 'person' AS person, value ->> 'customer' AS customer,
          value ->> 'subscription' AS subscription, value ->> 'option' AS option
        FROM jsonb_array_elements(CAST(:questions AS jsonb)) WITH ORDINALITY AS element(value, position)
    """,
}

_FACTS = """
    WITH question AS ({questions})
    SELECT
      EXISTS (SELECT 1 FROM people WHERE people.id = question.person) AS is_known_person,
      customers.number AS customer_number,
      customers.kind AS customer_kind,
      (
        SELECT members.role FROM members
        WHERE members.customer_number = customers.number AND members.person = question.person
      ) AS role,
      subscriptions.kind AS subscription_kind,
      subscriptions.holder = question.person AS is_holder,
      subscriptions.plan AS plan,
      subscriptions.paid_by AS paid_by,
      options.subscription_kind AS option_subscription_kind,
      options.price_cents AS price_cents
    FROM question
    LEFT JOIN subscriptions ON subscriptions.id = question.subscription
    LEFT JOIN customers ON customers.number = COALESCE(subscriptions.customer_number, question.customer)
    LEFT JOIN options ON options.id = question.option
    ORDER BY question.position
"""

_ELIGIBILITY = """
    WITH question AS ({questions})
    SELECT
      EXISTS (
        SELECT 1 FROM members WHERE members.customer_number = question.customer AND members.role = 'administrator'
      ) AS has_administrator,
      {mobiles_paid_by_customer} AS mobiles_paid_by_customer,
      {mobiles_paid_by_employer} AS mobiles_paid_by_employer,
      {mobiles_on_pay_and_go} AS mobiles_on_pay_and_go,
      EXISTS (
        SELECT 1 FROM other_provider_numbers WHERE other_provider_numbers.person = question.person
      ) AS has_number_of_another_provider,
      customers.activation_digest IS NOT NULL AS has_activation_code,
      customers.activation_used AS activation_used,
      customers.activation_wrong AS activation_wrong
    FROM question
    JOIN customers ON customers.number = question.customer
    ORDER BY question.position
"""

_MOBILES = """
      CASE
        WHEN EXISTS (
          SELECT 1 FROM subscriptions
          WHERE customer_number = question.customer AND {which} AND holder = question.person
        ) THEN 'own'
        WHEN EXISTS (SELECT 1 FROM subscriptions WHERE customer_number = question.customer AND {which}) THEN 'of_others'
        ELSE 'none'
      END
"""


# SQLite has no booleans of its own: what is one has to be said.
_FACTS_COLUMNS: tuple[ColumnClause[Any], ...] = (
    column("is_known_person", Boolean),
    column("customer_number"),
    column("customer_kind"),
    column("role"),
    column("subscription_kind"),
    column("is_holder", Boolean),
    column("plan"),
    column("paid_by"),
    column("option_subscription_kind"),
    column("price_cents"),
)
_ELIGIBILITY_COLUMNS: tuple[ColumnClause[Any], ...] = (
    column("has_administrator", Boolean),
    column("mobiles_paid_by_customer"),
    column("mobiles_paid_by_employer"),
    column("mobiles_on_pay_and_go"),
    column("has_number_of_another_provider", Boolean),
    column("has_activation_code", Boolean),
    column("activation_used", Boolean),
    column("activation_wrong"),
)


def _statements(dialect: str) -> tuple[TextualSelect, TextualSelect]:
    questions = _QUESTIONS[dialect]
    eligibility = _ELIGIBILITY.format(
        questions=questions,
        mobiles_paid_by_customer=_MOBILES.format(which="plan = 'subscription' AND paid_by = 'customer'"),
        mobiles_paid_by_employer=_MOBILES.format(which="plan = 'subscription' AND paid_by = 'employer'"),
        mobiles_on_pay_and_go=_MOBILES.format(which="plan = 'pay_and_go'"),
    )
    return (
        text(_FACTS.format(questions=questions)).columns(*_FACTS_COLUMNS),
        text(eligibility).columns(*_ELIGIBILITY_COLUMNS),
    )


_STATEMENTS = {dialect: _statements(dialect) for dialect in _QUESTIONS}


class Asked(NamedTuple):
    """What a question names in the customer data, by id; None for what it does not name."""

    person: str | None
    customer: str | None
    subscription: str | None
    option: str | None


class Facts(NamedTuple):
    """What the data says; None where it has nothing of that id, or nothing of that sort."""

    is_known_person: bool
    customer_number: str | None
    customer_kind: str | None
    role: str | None
    subscription_kind: str | None
    is_holder: bool | None
    plan: str | None
    paid_by: str | None
    option_subscription_kind: str | None
    price_cents: int | None


class Eligibility(NamedTuple):
    """What the data says of a customer number that somebody wants to become administrator of."""

    has_administrator: bool
    mobiles_paid_by_customer: str
    mobiles_paid_by_employer: str
    mobiles_on_pay_and_go: str
    has_number_of_another_provider: bool
    has_activation_code: bool
    activation_used: bool
    activation_wrong: int


def read_facts(connection: Connection, asked: Sequence[Asked]) -> list[Facts]:
    """The facts of each question, in order."""
    statement, _ = _STATEMENTS[connection.dialect.name]
    return [Facts(*row) for row in connection.execute(statement, _parameters(asked))]


def read_eligibility(connection: Connection, asked: Sequence[Asked]) -> list[Eligibility]:
    """The facts of each question, in order; each names a customer number that exists."""
    _, statement = _STATEMENTS[connection.dialect.name]
    return [Eligibility(*row) for row in connection.execute(statement, _parameters(asked))]


def _parameters(asked: Sequence[Asked]) -> dict[str, str]:
    return {"questions": json.dumps([question._asdict() for question in asked])}
