"""Reads what the customer data says about questions: one statement for any number of them."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

# A single question is the rule, and is not written as JSON first.
_ONE_QUESTION = {
    "sqlite": """
        SELECT 0 AS position,
          ? AS person, ? AS customer, ? AS subscription, ? AS option, ? AS asks_eligibility
    """,
    "postgresql": """
        SELECT 0 AS position,
          %s::text AS person, %s::text AS customer, %s::text AS subscription, %s::text AS option,
          %s::boolean AS asks_eligibility
    """,
}

_QUESTIONS = {
    "sqlite": """
        SELECT key AS position,
          value ->> '$.person' AS person, value ->> '$.customer' AS customer,
          value ->> '$.subscription' AS subscription, value ->> '$.option' AS option,
          value ->> '$.asks_eligibility' AS asks_eligibility
        FROM json_each(?)
    """,
    "postgresql": """
        SELECT position,
          value ->> 'person' AS person, value ->> 'customer' AS customer,
          value ->> 'subscription' AS subscription, value ->> 'option' AS option,
          CAST(value ->> 'asks_eligibility' AS boolean) AS asks_eligibility
        FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS element(value, position)
    """,
}

# What nobody asks for is not looked up, as no branch of a CASE is that is not taken.
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
      options.price_cents AS price_cents,
      question.asks_eligibility AND customers.number IS NOT NULL AS has_eligibility,
      CASE WHEN question.asks_eligibility THEN
        EXISTS (
          SELECT 1 FROM members
          WHERE members.customer_number = customers.number AND members.role = 'administrator'
        )
      END AS has_administrator,
      {mobiles_paid_by_customer} AS mobiles_paid_by_customer,
      {mobiles_paid_by_employer} AS mobiles_paid_by_employer,
      {mobiles_on_pay_and_go} AS mobiles_on_pay_and_go,
      CASE WHEN question.asks_eligibility THEN
        EXISTS (SELECT 1 FROM other_provider_numbers WHERE other_provider_numbers.person = question.person)
      END AS has_number_of_another_provider,
      customers.activation_digest IS NOT NULL AS has_activation_code,
      customers.activation_used AS activation_used,
      customers.activation_wrong AS activation_wrong
    FROM question
    LEFT JOIN subscriptions ON subscriptions.id = question.subscription
    LEFT JOIN customers ON customers.number = COALESCE(subscriptions.customer_number, question.customer)
    LEFT JOIN options ON options.id = question.option
    ORDER BY question.position
"""

_MOBILES = """
      CASE
        WHEN NOT question.asks_eligibility THEN NULL
        WHEN EXISTS (
          SELECT 1 FROM subscriptions
          WHERE customer_number = customers.number AND {which} AND holder = question.person
        ) THEN 'own'
        WHEN EXISTS (SELECT 1 FROM subscriptions WHERE customer_number = customers.number AND {which}) THEN 'of_others'
        ELSE 'none'
      END
"""


def _statement(questions: str) -> str:
    return _FACTS.format(
        questions=questions,
        mobiles_paid_by_customer=_MOBILES.format(which="plan = 'subscription' AND paid_by = 'customer'"),
        mobiles_paid_by_employer=_MOBILES.format(which="plan = 'subscription' AND paid_by = 'employer'"),
        mobiles_on_pay_and_go=_MOBILES.format(which="plan = 'pay_and_go'"),
    )


_OF_ONE = {dialect: _statement(question) for dialect, question in _ONE_QUESTION.items()}
_OF_MANY = {dialect: _statement(questions) for dialect, questions in _QUESTIONS.items()}


class Asked(NamedTuple):
    """What a question names in the customer data, by id; None for what it does not name.

    Attributes:
        asks_eligibility: Whether it asks about becoming administrator of the customer number.
    """

    person: str | None
    customer: str | None
    subscription: str | None
    option: str | None
    asks_eligibility: bool = False


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


class Facts(NamedTuple):
    """What the data says; None where it has nothing of that id, or nothing of that sort.

    Attributes:
        eligibility: None where it is not asked for, or there is no such customer number.
    """

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
    eligibility: Eligibility | None = None


def facts_query(dialect: str, asked: Sequence[Asked]) -> tuple[str, Sequence[object]]:
    """The statement for so many questions, in the words of the database's driver, and its parameters."""
    if len(asked) == 1:
        return _OF_ONE[dialect], asked[0]
    return _OF_MANY[dialect], (json.dumps([question._asdict() for question in asked]),)


def facts_of(row: Sequence[Any]) -> Facts:
    """What a row of the statement says."""
    is_known, number, kind, role, subscription_kind, is_holder, plan, paid_by, option_kind, price, *rest = row
    has_eligibility, *eligibility = rest
    return Facts(
        # SQLite has no booleans of its own.
        bool(is_known),
        number,
        kind,
        role,
        subscription_kind,
        None if is_holder is None else bool(is_holder),
        plan,
        paid_by,
        option_kind,
        price,
        _eligibility_of(eligibility) if has_eligibility else None,
    )


def read_facts(connection: Connection, asked: Sequence[Asked]) -> list[Facts]:
    """The facts of each question, in order, as the transaction of the connection sees them."""
    statement, parameters = facts_query(connection.dialect.name, asked)
    return [facts_of(row) for row in connection.exec_driver_sql(statement, tuple(parameters))]


def _eligibility_of(row: Sequence[Any]) -> Eligibility:
    has_administrator, of_customer, of_employer, on_pay_and_go, has_number, has_code, is_used, wrong = row
    return Eligibility(
        bool(has_administrator),
        of_customer,
        of_employer,
        on_pay_and_go,
        bool(has_number),
        bool(has_code),
        bool(is_used),
        wrong,
    )
