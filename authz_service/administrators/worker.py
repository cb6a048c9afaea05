"""Sends what is in the outbox. Any number of workers can share one."""

import threading
from datetime import UTC, datetime

import structlog
from sqlalchemy import Engine

from authz_service.administrators.mail_server import MailServer, Refused
from authz_service.administrators.message import write_message
from authz_service.administrators.outbox import (
    KeptLetter,
    claim_letter,
    give_back,
    mark_failed,
    mark_sent,
    put_off,
)
from authz_service.errors import Conflict, DatabaseUnavailable, MailServerUnavailable

log = structlog.get_logger()

_LOOK_EVERY_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0


def send_due_letters(database: Engine, server: MailServer, sender: str) -> int:
    """Sends every letter that is due, and returns how many were taken.

    Raises:
        MailServerUnavailable: The server cannot be asked; what is left waits.
        DatabaseUnavailable: The database does not answer.
    """
    letter = claim_letter(database, datetime.now(UTC))
    if letter is None:
        return 0
    sent = 0
    try:
        with server.session() as send:
            while letter is not None:
                refused = send(write_message(letter, sender))
                _note(database, letter, refused)
                sent += refused is None
                letter = claim_letter(database, datetime.now(UTC))
    except MailServerUnavailable:
        # One that was in hand goes back as it was; one that was noted is not in hand any more.
        if letter is not None:
            give_back(database, letter, datetime.now(UTC))
        raise
    return sent


def _note(database: Engine, letter: KeptLetter, refused: Refused | None) -> None:
    if refused is None:
        mark_sent(database, letter, datetime.now(UTC))
        log.info("letter.sent", letter=letter.id)
    elif refused.is_final:
        mark_failed(database, letter, refused.said)
        log.error("letter.failed", letter=letter.id, look="authz-service letters list")
    else:
        put_off(database, letter, refused.said, datetime.now(UTC))
        log.warning("letter.put_off", letter=letter.id)


class LetterWorker:
    """Sends letters as they become due, in a thread of its own."""

    def __init__(self, database: Engine, server: MailServer, sender: str) -> None:
        self._database = database
        self._server = server
        self._sender = sender
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="letters", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        pause = _LOOK_EVERY_SECONDS
        while not self._stopping.wait(pause):
            try:
                send_due_letters(self._database, self._server, self._sender)
            except (MailServerUnavailable, DatabaseUnavailable, Conflict) as error:
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                log.warning("letters.waiting", reason=error.for_operators(), next_try_in_seconds=pause)
            else:
                pause = _LOOK_EVERY_SECONDS
