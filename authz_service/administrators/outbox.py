"""The outbox: a letter is saved before anybody tries to send it, and is there until it has been."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Engine, RowMapping, func, insert, select, update

from authz_service.errors import UnknownLetter
from authz_service.ids import new_id
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import letters
from authz_service.words import LetterState

_LEASE = timedelta(seconds=60)
_FIRST_PAUSE_SECONDS = 5
_LONGEST_PAUSE_SECONDS = 3600


class Letter(NamedTuple):
    """A letter to be written: to whom, in which language, about what.

    Attributes:
        kind: The folder of its templates.
        parameters: What the templates fill in.
    """

    kind: str
    language: str
    person: str
    recipient: str
    parameters: Mapping[str, str]


class KeptLetter(NamedTuple):
    """A letter in the outbox.

    Attributes:
        id: Its id for ever, which its Message-ID is made from.
        attempts: How often its sending has been tried.
        said: What the mail server said the last time; empty before.
    """

    id: str
    letter: Letter
    state: LetterState
    ordered_at: datetime
    attempts: int
    said: str


def order_letter(connection: Connection, letter: Letter) -> None:
    """Puts a letter into the outbox, as part of the transaction that it is about. Source: TAKE-5."""
    now = datetime.now(UTC)
    connection.execute(
        insert(letters).values(
            id=new_id(),
            kind=letter.kind,
            language=letter.language,
            person=letter.person,
            recipient=letter.recipient,
            parameters=dict(letter.parameters),
            state=LetterState.WAITING,
            ordered_at=now,
            due_at=now,
            attempts=0,
            said="",
        )
    )


def claim_letter(database: Engine, now: datetime) -> KeptLetter | None:
    """A letter that is due, for this worker alone while its lease lasts; None when none is due.

    A worker that dies with a letter in hand loses it to another when the lease is over.
    """
    due = (
        select(letters.c.id)
        .where(letters.c.state == LetterState.WAITING, letters.c.due_at <= now)
        .order_by(letters.c.due_at, letters.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    claim = (
        update(letters)
        .where(letters.c.id == due)
        .values(due_at=now + _LEASE, attempts=letters.c.attempts + 1)
        .returning(letters)
    )
    with writing(database) as connection:
        row = connection.execute(claim).mappings().one_or_none()
    return None if row is None else _kept(row)


def mark_sent(database: Engine, letter: KeptLetter, now: datetime) -> None:
    _mark(database, letter.id, {"state": LetterState.SENT, "sent_at": now})


def mark_failed(database: Engine, letter: KeptLetter, said: str) -> None:
    """The mail server will never take it: it is kept and shown until somebody has it tried again."""
    _mark(database, letter.id, {"state": LetterState.FAILED, "said": said})


def put_off(database: Engine, letter: KeptLetter, said: str, now: datetime) -> None:
    """Not now: later, and each time later."""
    pause = min(_FIRST_PAUSE_SECONDS * 2 ** (letter.attempts - 1), _LONGEST_PAUSE_SECONDS)
    _mark(database, letter.id, {"due_at": now + timedelta(seconds=pause), "said": said})


def give_back(database: Engine, letter: KeptLetter, now: datetime) -> None:
    """The mail server could not be asked, which is no fault of the letter."""
    _mark(database, letter.id, {"due_at": now, "attempts": letter.attempts - 1})


def list_letters(database: Engine, states: Sequence[LetterState]) -> list[KeptLetter]:
    """The letters in these states, the oldest first."""
    listed = select(letters).where(letters.c.state.in_(states)).order_by(letters.c.ordered_at, letters.c.id)
    with reading(database) as connection:
        return [_kept(row) for row in connection.execute(listed).mappings()]


def retry_letters(database: Engine, ids: Sequence[str]) -> int:
    """Has letters that were not sent tried again now; without ids, every one that failed. Returns how many.

    Raises:
        UnknownLetter: One of them is not there, or has been sent.
    """
    which = letters.c.id.in_(ids) if ids else letters.c.state == LetterState.FAILED
    again = (
        update(letters)
        .where(which, letters.c.state != LetterState.SENT)
        .values(state=LetterState.WAITING, due_at=datetime.now(UTC), attempts=0)
    )
    with writing(database) as connection:
        number = connection.execute(again).rowcount
        if ids and number != len(set(ids)):
            raise UnknownLetter("One of these letters is not there, or has been sent.")
    return number


def count_letters(database: Engine) -> dict[LetterState, int]:
    """How many letters are in each state."""
    with reading(database) as connection:
        counted = connection.execute(select(letters.c.state, func.count()).group_by(letters.c.state))
        found = {LetterState(state): number for state, number in counted}
    return {state: found.get(state, 0) for state in LetterState}


def oldest_waiting(database: Engine) -> datetime | None:
    """When the oldest letter was ordered that waits to be sent; one that failed for good waits for somebody instead."""
    with reading(database) as connection:
        query = select(func.min(letters.c.ordered_at)).where(letters.c.state == LetterState.WAITING)
        oldest: datetime | None = connection.scalar(query)
    return oldest


def _mark(database: Engine, letter_id: str, values: Mapping[str, object]) -> None:
    with writing(database) as connection:
        connection.execute(update(letters).where(letters.c.id == letter_id).values(values))


def _kept(row: RowMapping) -> KeptLetter:
    letter = Letter(row["kind"], row["language"], row["person"], row["recipient"], row["parameters"])
    state = LetterState(row["state"])
    return KeptLetter(row["id"], letter, state, row["ordered_at"], row["attempts"], row["said"])
