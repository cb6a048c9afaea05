"""Carries out what the policy says follows from a take-over: the policy decides, this does."""

from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from authz_service.administrators.outbox import Letter, order_letter
from authz_service.administrators.wish import Wish
from authz_service.decision.memory import Decision
from authz_service.errors import PolicyEngineMisbehaved
from authz_service.storage.schema import customers, members, people, take_overs
from authz_service.words import Effect, Role

_WITHOUT_A_PERMIT = {Effect.WRONG_ACTIVATION_CODE_COUNTS}


class Change(NamedTuple):
    """Who became a user, and whom a letter was ordered for; both sorted."""

    became_users: tuple[str, ...]
    notified: tuple[str, ...]


def carry_out(connection: Connection, decision: Decision, wish: Wish, decision_id: str) -> Change:
    """Does what follows from the decision, on a customer number that is locked.

    Raises:
        PolicyEngineMisbehaved: The effects are none that this decision can have. Nothing is done.
    """
    effects = _checked(decision)
    if not effects:
        return Change((), ())
    current = _administrators(connection, wish.customer_number)
    became_users: list[str] = []
    notified: list[str] = []
    if Effect.CURRENT_ADMINISTRATOR_BECOMES_USER in effects:
        became_users = current
        _demote(connection, wish.customer_number)
    if Effect.CURRENT_ADMINISTRATOR_GETS_LETTER in effects:
        notified = current
        for person in current:
            order_letter(connection, _letter(connection, person, wish))
    if Effect.PERSON_BECOMES_ADMINISTRATOR in effects:
        _promote(connection, wish.customer_number, wish.person)
    _change_customer(connection, wish.customer_number, effects)
    change = Change(tuple(became_users), tuple(notified))
    if decision.allow:
        _record(connection, decision, wish, decision_id, change)
    return change


def _checked(decision: Decision) -> set[Effect]:
    known = frozenset(Effect)
    effects = {Effect(effect) for effect in decision.answer.effects if effect in known}
    if len(effects) != len(decision.answer.effects):
        raise PolicyEngineMisbehaved("The policy asks for an effect that this service does not know.")
    if not decision.allow and effects - _WITHOUT_A_PERMIT:
        raise PolicyEngineMisbehaved("The policy denies a take-over and asks to change roles all the same.")
    if decision.allow and Effect.PERSON_BECOMES_ADMINISTRATOR not in effects:
        raise PolicyEngineMisbehaved("The policy permits a take-over by which nobody becomes administrator.")
    return effects


def _administrators(connection: Connection, number: str) -> list[str]:
    of_customer = (members.c.customer_number == number) & (members.c.role == Role.ADMINISTRATOR)
    return list(connection.scalars(select(members.c.person).where(of_customer).order_by(members.c.person)))


def _demote(connection: Connection, number: str) -> None:
    of_customer = (members.c.customer_number == number) & (members.c.role == Role.ADMINISTRATOR)
    connection.execute(update(members).where(of_customer).values(role=Role.USER))


def _promote(connection: Connection, number: str, person: str) -> None:
    link = (members.c.customer_number == number) & (members.c.person == person)
    done = connection.execute(update(members).where(link).values(role=Role.ADMINISTRATOR))
    if done.rowcount == 0:
        kind = select(customers.c.kind).where(customers.c.number == number).scalar_subquery()
        linked = {"customer_number": number, "person": person, "role": Role.ADMINISTRATOR, "customer_kind": kind}
        connection.execute(insert(members).values(linked))


def _change_customer(connection: Connection, number: str, effects: set[Effect]) -> None:
    values: dict[str, object] = {"version": customers.c.version + 1}
    if Effect.ACTIVATION_CODE_IS_USED in effects:
        values["activation_used"] = True
    if Effect.WRONG_ACTIVATION_CODE_COUNTS in effects:
        values["activation_wrong"] = customers.c.activation_wrong + 1
    connection.execute(update(customers).where(customers.c.number == number).values(values))


def _letter(connection: Connection, person: str, wish: Wish) -> Letter:
    previous = connection.execute(select(people).where(people.c.id == person)).mappings().one()
    name = connection.scalars(select(people.c.name).where(people.c.id == wish.person)).one()
    return Letter(
        kind="previous_administrator",
        language=previous["language"],
        person=person,
        recipient=previous["email"],
        parameters={
            "name": previous["name"],
            "new_administrator": name,
            "customer_number": wish.customer_number,
        },
    )


def _record(connection: Connection, decision: Decision, wish: Wish, decision_id: str, change: Change) -> None:
    connection.execute(
        insert(take_overs).values(
            decision_id=decision_id,
            at=datetime.now(UTC),
            customer_number=wish.customer_number,
            person=wish.person,
            became_users=list(change.became_users),
            notified=list(change.notified),
            route=decision.answer.route,
            policy_revision=decision.revision,
            caller=wish.origin.caller,
        )
    )
