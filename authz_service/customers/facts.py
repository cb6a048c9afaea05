"""Reads what the customer data says about questions: one statement for any number of them."""

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection

_NAMES = "position, person, customer, subscription, option, asks_eligibility"

# Of one question, and of so many: a place in the statement for each value.
_VALUES = "SELECT * FROM (VALUES {rows}) AS asked"
_ROWS = {
    "sqlite": "({position}, ?, ?, ?, ?, ?)",
    "postgresql": "({position}, %s::text, %s::text, %s::text, %s::text, %s::boolean)",
}

# Of any number: SQLite has no more than 32,766 places in a statement, and PostgreSQL plans one with arrays once.
_QUESTIONS = {
    "sqlite": """
        SELECT key, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)
    """,
    "postgresql": """
        SELECT position, person, customer, subscription, option, asks_eligibility
        FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::boolean[])
          WITH ORDINALITY AS asked (person, customer, subscription, option, asks_eligibility, position)
    """,
}
_MOST_PLACES = 32_766
_PLACES = 5

# What nobody asks for is not looked up, as no branch of a CASE is that is not taken.
_FACTS = """
    WITH question ({names}) AS ({questions})
    SELECT
      COALESCE(members.customer_number, customers.number) AS customer_number,
      -- Who has a role is known.
      members.role IS NOT NULL OR EXISTS (SELECT 1 FROM people WHERE people.id = question.person) AS is_known_person,
      COALESCE(members.customer_kind, customers.kind) AS customer_kind,
      members.role AS role,
      subscriptions.kind AS subscription_kind,
      subscriptions.holder = question.person AS is_holder,
      subscriptions.plan AS plan,
      subscriptions.paid_by AS paid_by,
      options.subscription_kind AS option_subscription_kind,
      options.price_cents = 0 AS is_free,
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
    LEFT JOIN members
      ON members.customer_number = COALESCE(subscriptions.customer_number, question.customer)
      AND members.person = question.person
    -- Of whoever has a role on it, the number is known and so is its kind: nothing is looked up where a key is null.
    LEFT JOIN customers ON customers.number = CASE
      WHEN members.role IS NULL OR question.asks_eligibility
      THEN COALESCE(subscriptions.customer_number, question.customer)
    END
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
        names=_NAMES,
        questions=questions,
        mobiles_paid_by_customer=_MOBILES.format(which="plan = 'subscription' AND paid_by = 'customer'"),
        mobiles_paid_by_employer=_MOBILES.format(which="plan = 'subscription' AND paid_by = 'employer'"),
        mobiles_on_pay_and_go=_MOBILES.format(which="plan = 'pay_and_go'"),
    )


_OF_ANY_NUMBER = {dialect: _statement(questions) for dialect, questions in _QUESTIONS.items()}


@lru_cache(64)
def _of_so_many(dialect: str, number: int) -> str:
    rows = ", ".join([_ROWS[dialect].format(position=position) for position in range(number)])
    return _statement(_VALUES.format(rows=rows))


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

    customer_number: str | None
    is_known_person: bool
    customer_kind: str | None
    role: str | None
    subscription_kind: str | None
    is_holder: bool | None
    plan: str | None
    paid_by: str | None
    option_subscription_kind: str | None
    is_free: bool | None
    eligibility: Eligibility | None = None


def facts_query(dialect: str, asked: Sequence[Asked]) -> tuple[str, Sequence[object]]:
    """The statement for so many questions, in the words of the database's driver, and its parameters."""
    if len(asked) == 1:
        return _of_so_many(dialect, 1), asked[0]
    if dialect == "postgresql":
        return _OF_ANY_NUMBER[dialect], [list(column) for column in zip(*asked, strict=True)] or [[]] * _PLACES
    if not 0 < len(asked) * _PLACES <= _MOST_PLACES:
        return _OF_ANY_NUMBER[dialect], (json.dumps(asked),)
    return _of_so_many(dialect, len(asked)), list(chain.from_iterable(asked))


def facts_of(row: Sequence[Any]) -> Facts:
    """What a row of the statement says."""
    number, is_known, kind, role, subscription_kind, is_holder, plan, paid_by, option_kind, is_free, *rest = row
    has_eligibility, *eligibility = rest
    return Facts(
        number,
        # SQLite has no booleans of its own.
        bool(is_known),
        kind,
        role,
        subscription_kind,
        None if is_holder is None else bool(is_holder),
        plan,
        paid_by,
        option_kind,
        None if is_free is None else bool(is_free),
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
