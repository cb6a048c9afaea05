"""Who and what is linked to one customer number: a page of its people, with their subscriptions."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Boolean, ColumnElement, Connection, Engine, Table, func, literal_column, select, true, union_all

from authz_service.errors import UnknownCustomer
from authz_service.storage.database import reading
from authz_service.storage.schema import customers, members, options, people, subscriptions
from authz_service.words import PaidBy, Plan, Role

COUNTED = 1_000
"""As far as is counted."""

_LOOKED_THROUGH = 100


class Part(NamedTuple):
    """Which part of a customer number: a page of its people, and of their subscriptions.

    Attributes:
        people_after: The id of the last person of the page before; empty to begin.
        subscriptions_after: The id of the last subscription of the page before; empty to begin.
    """

    people_after: str = ""
    subscriptions_after: str = ""


class LinkedPerson(NamedTuple):
    """A person linked to the customer number."""

    id: str
    name: str


class LinkedSubscription(NamedTuple):
    """A subscription of the customer number; the last four are None but for a mobile."""

    id: str
    kind: str
    number: str | None
    holder: str | None
    plan: str | None
    paid_by: str | None


class Linked(NamedTuple):
    """A part of a customer number.

    Attributes:
        name: The name of the customer.
        kind: Its kind.
        count_by_role: How many people have which role; `COUNTED` where there are as many or more.
        subscription_count: How many subscriptions there are; `COUNTED` where there are as many or more.
        people: Those of the page, in the order of their ids.
        next_people_after: Where the next page of people begins; None where this is the last.
        subscriptions: Those that nobody holds, and the mobiles of the people of the page, in the order of their ids.
        next_subscriptions_after: Where their next page begins; None where this is the last.
        options: An option that is free and one that costs money, by kind of subscription; true stands for free.
        somebody_else: A person that is not linked; None where all that were looked at are.
    """

    name: str
    kind: str
    count_by_role: Mapping[Role, int]
    subscription_count: int
    people: Sequence[LinkedPerson]
    next_people_after: str | None
    subscriptions: Sequence[LinkedSubscription]
    next_subscriptions_after: str | None
    options: Mapping[tuple[str, bool], str]
    somebody_else: str | None


def read_linked(database: Engine, number: str, part: Part, most_people: int, most_subscriptions: int) -> Linked:
    """A part of a customer number, without reading all of it.

    Raises:
        UnknownCustomer: There is no such customer number.
        DatabaseUnavailable: The database does not answer.
    """
    with reading(database) as connection:
        customer = connection.execute(select(customers).where(customers.c.number == number)).one_or_none()
        if customer is None:
            raise UnknownCustomer("There is no such customer number.")
        found = _people(connection, number, part.people_after, most_people + 1)
        shown = found[:most_people]
        things = _subscriptions(
            connection, number, [person.id for person in shown], part.subscriptions_after, most_subscriptions + 1
        )
        return Linked(
            customer.name,
            customer.kind,
            _count_by_role(connection, number),
            _count(connection, subscriptions, true(), number),
            shown,
            shown[-1].id if len(found) > most_people else None,
            things[:most_subscriptions],
            things[most_subscriptions - 1].id if len(things) > most_subscriptions else None,
            _options(connection),
            _somebody_else(connection, number),
        )


def still_linked(database: Engine, number: str, persons: Sequence[str], things: Sequence[str]) -> set[str]:
    """Those of the people and subscriptions that belong to the customer number."""
    with reading(database) as connection:
        of_people = select(members.c.person).where(members.c.customer_number == number, members.c.person.in_(persons))
        of_things = select(subscriptions.c.id).where(
            subscriptions.c.customer_number == number, subscriptions.c.id.in_(things)
        )
        return {*connection.scalars(of_people), *connection.scalars(of_things)}


def _people(connection: Connection, number: str, after: str, limit: int) -> list[LinkedPerson]:
    query = (
        select(people.c.id, people.c.name)
        .join(members, members.c.person == people.c.id)
        .where(members.c.customer_number == number, members.c.person > after)
        .order_by(members.c.person)
        .limit(limit)
    )
    return [LinkedPerson(*row) for row in connection.execute(query)]


def _subscriptions(
    connection: Connection, number: str, holders: Sequence[str], after: str, limit: int
) -> list[LinkedSubscription]:
    # Said as the index of mobiles has it, and the ids not as theirs has them: otherwise all there are are walked along.
    theirs = (
        subscriptions.c.plan.in_(list(Plan))
        & subscriptions.c.paid_by.in_(list(PaidBy))
        & subscriptions.c.holder.in_(holders)
    )
    id_ = func.coalesce(subscriptions.c.id, "")
    columns = [subscriptions.c[name] for name in LinkedSubscription._fields]
    both = [
        select(*columns)
        .where(subscriptions.c.customer_number == number, which, id_ > after)
        .order_by(id_)
        .limit(limit)
        .subquery()
        for which in (subscriptions.c.plan.is_(None), theirs)
    ]
    query = union_all(*map(select, both)).order_by("id").limit(limit)
    return [LinkedSubscription(*row) for row in connection.execute(query)]


def _count_by_role(connection: Connection, number: str) -> dict[Role, int]:
    return {role: _count(connection, members, members.c.role == role, number) for role in Role}


def _count(connection: Connection, table: Table, condition: ColumnElement[bool], number: str) -> int:
    some = select(table.c.customer_number).where(table.c.customer_number == number, condition).limit(COUNTED)
    return connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()


def _options(connection: Connection) -> dict[tuple[str, bool], str]:
    # Spelled out, as PostgreSQL takes two places in a statement for different things.
    is_free = literal_column("price_cents = 0", Boolean)
    query = select(options.c.subscription_kind, is_free, func.min(options.c.id)).group_by(
        options.c.subscription_kind, is_free
    )
    return {(kind, bool(free)): option for kind, free, option in connection.execute(query)}


def _somebody_else(connection: Connection, number: str) -> str | None:
    listed: list[str] = []
    for order in (people.c.id.asc(), people.c.id.desc()):
        listed += connection.scalars(select(people.c.id).order_by(order).limit(_LOOKED_THROUGH))
    linked = select(members.c.person).where(members.c.customer_number == number, members.c.person.in_(listed))
    others = set(listed) - set(connection.scalars(linked))
    return min(others, default=None)
