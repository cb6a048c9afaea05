"""The take-over: facts read, policy asked, and all that follows from its answer, in one transaction."""

from typing import NamedTuple

from sqlalchemy import Connection, Engine, select

from authz_service.administrators.effects import Change, carry_out
from authz_service.administrators.wish import Wish
from authz_service.customers.activation_code import FindKey, matches
from authz_service.customers.document import Evidence
from authz_service.customers.domain import take_over_document
from authz_service.decision.decisions import Decisions
from authz_service.decision.memory import Decision
from authz_service.errors import TakeOverRefused, UnknownCustomer, UnknownPerson
from authz_service.ids import new_id
from authz_service.journal.journal import Journal
from authz_service.questions import Document
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import customers


class TakeOver(NamedTuple):
    """What has been done.

    Attributes:
        became_users: Who was administrator before, sorted. Source: TAKE-6.
        notified: Whom a letter has been ordered for, sorted. Source: TAKE-5.
    """

    decision_id: str
    became_users: tuple[str, ...]
    notified: tuple[str, ...]


class Administrators:
    """Lets people become administrator, as the policy says."""

    def __init__(self, database: Engine, decisions: Decisions, find_key: FindKey, journal: Journal) -> None:
        self._database = database
        self._decisions = decisions
        self._find_key = find_key
        self._journal = journal

    def take_over(self, wish: Wish) -> TakeOver:
        """Makes the person administrator, with all that follows from it, or with nothing changed.

        A wrong activation code counts also when the answer is no. Source: READ-11.

        Raises:
            TakeOverRefused: The policy says no.
            UnknownCustomer: There is no such customer number.
            UnknownPerson: There is no such person.
            Unavailable: Database or policy cannot be asked.
        """
        with reading(self._database) as connection:
            foreseen = self._document(connection, wish, is_locked=False)
        # Asked here so that it is remembered below: OPA is not waited for while others wait for the lock.
        self._decisions.judge([foreseen])
        decision_id = new_id()
        with writing(self._database) as connection:
            document = self._document(connection, wish, is_locked=True)
            [decision] = self._decisions.judge([document])
            change = carry_out(connection, decision, wish, decision_id)
            self._journal.taken_over(
                connection,
                decision_id,
                wish.origin,
                customer=wish.customer_number,
                person=wish.person,
                decision=decision,
                done=change._asdict(),
            )
        if not document["is_known_person"]:
            raise UnknownPerson("There is no such person.")
        return _done(decision, decision_id, change)

    def _document(self, connection: Connection, wish: Wish, *, is_locked: bool) -> Document:
        """The facts. With the customer number locked, nobody else changes them before the transaction ends."""
        query = select(customers.c.activation_digest, customers.c.activation_used)
        query = query.where(customers.c.number == wish.customer_number)
        row = connection.execute(query.with_for_update() if is_locked else query).one_or_none()
        if row is None:
            raise UnknownCustomer("There is no such customer number.")
        kept = None if row.activation_used else row.activation_digest
        evidence = Evidence(wish.is_current_administrator_informed, self._given(kept, wish))
        return take_over_document(connection, wish.customer_number, wish.person, wish.channel, evidence)

    def _given(self, kept: str | None, wish: Wish) -> str:
        if wish.activation is None:
            return "not_given"
        if kept is None:
            return "wrong"
        is_right = matches(self._find_key(), kept, wish.customer_number, *wish.activation)
        return "right" if is_right else "wrong"


def _done(decision: Decision, decision_id: str, change: Change) -> TakeOver:
    if not decision.allow:
        raise TakeOverRefused(decision.answer.reasons, decision_id)
    return TakeOver(decision_id, change.became_users, change.notified)
