"""The database holds its invariants by itself, whoever writes to it."""

import pytest
from sqlalchemy import Engine, TextClause, text

from authz_service.errors import Conflict
from authz_service.storage.database import reading, writing

HOUSEHOLDS = """
    INSERT INTO people (id, name, email)
      VALUES ('ann', 'A', 'a@b'), ('ben', 'B', 'b@b'), ('cat', 'C', 'c@b');
    INSERT INTO customers (number, name, kind) VALUES ('1', 'A', 'residential'), ('2', 'B', 'business');
    INSERT INTO members VALUES
      ('1', 'ann', 'administrator', 'residential'), ('1', 'ben', 'user', 'residential'),
      ('2', 'ann', 'administrator', 'business'), ('2', 'ben', 'user', 'business')
"""


@pytest.fixture
def household(engine: Engine) -> Engine:
    """A residential and a business number, each with Ann as administrator and Ben as user."""
    with writing(engine) as connection:
        for statement in HOUSEHOLDS.split(";"):
            connection.execute(text(statement))
        connection.execute(_mobile(id="m1", number="+32470000001"))
    return engine


def _mobile(**changed: str | None) -> TextClause:
    values = {
        "id": "m2",
        "customer_number": "1",
        "kind": "mobile",
        "number": "+32470000002",
        "holder": "ben",
        "plan": "subscription",
        "paid_by": "customer",
    }
    return text(
        "INSERT INTO subscriptions (id, customer_number, kind, number, holder, plan, paid_by)"
        " VALUES (:id, :customer_number, :kind, :number, :holder, :plan, :paid_by)"
    ).bindparams(**(values | changed))


@pytest.mark.parametrize(
    "statement",
    [
        # people
        text("INSERT INTO people (id, name, email) VALUES ('ann', 'A', 'a@b')"),
        text("INSERT INTO people (id, name, email) VALUES ('dan', 'A', NULL)"),
        text("DELETE FROM people WHERE id = 'ben'"),
        text("INSERT INTO other_provider_numbers VALUES ('+32480000001', 'nobody')"),
        text("INSERT INTO other_provider_numbers VALUES ('+32480000001', 'ann'), ('+32480000001', 'ben')"),
        # options
        text("INSERT INTO options (id, name, subscription_kind, price_cents) VALUES ('o', 'O', 'radio', 0)"),
        text("INSERT INTO options (id, name, subscription_kind, price_cents) VALUES ('o', 'O', 'mobile', -1)"),
        # customers
        text("INSERT INTO customers (number, name, kind) VALUES ('1', 'A', 'residential')"),
        text("INSERT INTO customers (number, name, kind) VALUES ('3', 'A', 'royal')"),
        # one role of a person on a number
        text("INSERT INTO members VALUES ('1', 'ben', 'administrator', 'residential')"),
        text("INSERT INTO members VALUES ('2', 'ben', 'administrator', 'business')"),
        text("INSERT INTO members VALUES ('2', 'cat', 'boss', 'business')"),
        text("INSERT INTO members VALUES ('2', 'nobody', 'user', 'business')"),
        text("INSERT INTO members VALUES ('3', 'cat', 'user', 'residential')"),
        # one administrator on a residential number
        text("INSERT INTO members VALUES ('1', 'cat', 'administrator', 'residential')"),
        text("INSERT INTO members VALUES ('1', 'cat', 'administrator', 'business')"),
        text("UPDATE members SET role = 'administrator' WHERE customer_number = '1' AND person = 'ben'"),
        # mobiles and their holders
        _mobile(id="m1"),
        _mobile(number="+32470000001"),
        _mobile(number="+32470000001", customer_number="2"),
        _mobile(holder="cat"),
        _mobile(customer_number="3"),
        _mobile(number=None),
        _mobile(holder=None),
        _mobile(plan=None),
        _mobile(paid_by=None),
        _mobile(plan="gift"),
        _mobile(paid_by="nobody"),
        _mobile(kind="tv"),
        _mobile(kind="radio", number=None, holder=None, plan=None, paid_by=None),
        text("DELETE FROM members WHERE customer_number = '1' AND person = 'ben'"),
    ],
)
def test_the_database_refuses(household: Engine, statement: TextClause) -> None:
    with pytest.raises(Conflict), writing(household) as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        text("INSERT INTO members VALUES ('2', 'cat', 'administrator', 'business')"),
        text("UPDATE members SET role = 'administrator' WHERE customer_number = '2' AND person = 'ben'"),
        text("UPDATE customers SET kind = 'business' WHERE number = '1'"),
        text("UPDATE customers SET kind = 'residential' WHERE number = '2'"),
        _mobile(),
        _mobile(kind="tv", number=None, holder=None, plan=None, paid_by=None),
        text("DELETE FROM people WHERE id = 'cat'"),
    ],
)
def test_the_database_allows(household: Engine, statement: TextClause) -> None:
    with writing(household) as connection:
        connection.execute(statement)


def test_a_business_number_with_two_administrators_cannot_become_residential(household: Engine) -> None:
    with writing(household) as connection:
        connection.execute(text("INSERT INTO members VALUES ('2', 'cat', 'administrator', 'business')"))
    with pytest.raises(Conflict), writing(household) as connection:
        connection.execute(text("UPDATE customers SET kind = 'residential' WHERE number = '2'"))


def test_administrators_can_be_exchanged_within_one_transaction(household: Engine) -> None:
    with writing(household) as connection:
        connection.execute(text("UPDATE members SET role = 'user' WHERE customer_number = '1'"))
        connection.execute(
            text("UPDATE members SET role = 'administrator' WHERE customer_number = '1' AND person = 'ben'")
        )


def test_a_customer_goes_with_its_members_and_subscriptions(household: Engine) -> None:
    with writing(household) as connection:
        connection.execute(text("DELETE FROM customers WHERE number = '1'"))
    with reading(household) as connection:
        assert connection.scalar(text("SELECT count(*) FROM subscriptions")) == 0
        assert connection.scalar(text("SELECT count(*) FROM members WHERE customer_number = '1'")) == 0
