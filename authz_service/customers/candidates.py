"""Whom and what a search looks among: the people linked to a customer number, and what a person is linked to."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from authz_service.customers.facts import Asked
from authz_service.storage.schema import members, subscriptions
from authz_service.words import ActionName, Sought

_ACTIONS: tuple[str, ...] = tuple(sorted(ActionName))


def read_candidates(connection: Connection, sought: Sought, asked: Asked, after: str, limit: int) -> list[str]:
    """As `Domain.candidates`, in the order of the database.

    Args:
        connection: Where to read.
        sought: What is searched for.
        asked: What the question names; the id of what is sought is of no account, its type is.
        after: The candidate before.
        limit: How many at most.
    """
    if sought is Sought.ACTION:
        # All there are: whether a type of resource has an action is the policy's to say.
        return [action for action in _ACTIONS if action > after][:limit]
    if asked.person is None:
        return []
    read = _people if sought is Sought.SUBJECT else _resources
    return list(read(connection, asked, after, limit))


def _people(connection: Connection, asked: Asked, after: str, limit: int) -> Iterable[str]:
    person = members.c.person
    linked = select(person).where(person > after).order_by(person).limit(limit)
    if asked.customer is not None:
        return connection.scalars(linked.where(members.c.customer_number == asked.customer))
    if asked.subscription is not None:
        same_customer = subscriptions.c.customer_number == members.c.customer_number
        return connection.scalars(
            linked.join(subscriptions, same_customer).where(subscriptions.c.id == asked.subscription)
        )
    return ()


def _resources(connection: Connection, asked: Asked, after: str, limit: int) -> Iterable[str]:
    if asked.customer is not None:
        found = members.c.customer_number
        linked = select(found)
    elif asked.subscription is not None:
        found = subscriptions.c.id
        linked = select(found).join(members, subscriptions.c.customer_number == members.c.customer_number)
    else:
        return ()
    return connection.scalars(
        linked.where(members.c.person == asked.person, found > after).order_by(found).limit(limit)
    )
