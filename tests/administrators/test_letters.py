"""From the outbox to the mail server: at least once, never lost, never two at once."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, update

from authz_service.administrators.mail_server import SmtpServer
from authz_service.administrators.message import write_message
from authz_service.administrators.outbox import (
    KeptLetter,
    Letter,
    claim_letter,
    list_letters,
    mark_sent,
    oldest_waiting,
    order_letter,
    retry_letters,
)
from authz_service.administrators.worker import send_due_letters
from authz_service.errors import ConfigurationError, MailServerUnavailable, UnknownLetter
from authz_service.storage.database import writing
from authz_service.storage.schema import letters
from authz_service.words import Language, LetterState
from tests.mail import MailServerForTests

_SENDER = "MyProximus <no-reply@example.org>"


def _order(database: Engine, person: str = "philip.smith", language: str = "en", name: str = "Philip Smith") -> None:
    parameters = {"name": name, "new_administrator": "Mary Jones", "customer_number": "123456789"}
    letter = Letter("previous_administrator", language, person, f"{person}@example.org", parameters)
    with writing(database) as connection:
        order_letter(connection, letter)


def _later(database: Engine) -> None:
    with writing(database) as connection:
        connection.execute(update(letters).values(due_at=datetime.now(UTC) - timedelta(seconds=1)))


def _states(database: Engine) -> list[LetterState]:
    return [kept.state for kept in list_letters(database, list(LetterState))]


def test_a_letter_is_sent_once(any_database: Engine, mail_server: MailServerForTests) -> None:
    _order(any_database)
    server = SmtpServer(mail_server.url)
    assert send_due_letters(any_database, server, _SENDER) == 1
    assert send_due_letters(any_database, server, _SENDER) == 0
    [message] = mail_server.mailbox.messages
    assert message["To"] == "philip.smith@example.org"
    assert "123456789" in message["Subject"]
    assert _states(any_database) == [LetterState.SENT]
    assert oldest_waiting(any_database) is None


def test_a_mail_server_that_is_down_delays_and_loses_nothing(
    any_database: Engine, mail_server: MailServerForTests
) -> None:
    _order(any_database)
    mail_server.down()
    with pytest.raises(MailServerUnavailable):
        send_due_letters(any_database, SmtpServer(mail_server.url), _SENDER)
    assert _states(any_database) == [LetterState.WAITING]
    assert oldest_waiting(any_database) is not None
    mail_server.up()
    assert send_due_letters(any_database, SmtpServer(mail_server.url), _SENDER) == 1


def test_a_letter_that_is_refused_for_good_is_kept_and_shown(
    any_database: Engine, mail_server: MailServerForTests
) -> None:
    _order(any_database)
    _order(any_database, "mary.jones")
    mail_server.mailbox.refusals["philip.smith@example.org"] = "550 5.1.1 No such mailbox"
    assert send_due_letters(any_database, SmtpServer(mail_server.url), _SENDER) == 1
    [failed] = list_letters(any_database, [LetterState.FAILED])
    assert (failed.letter.person, failed.said) == ("philip.smith", "550 5.1.1 No such mailbox")
    assert oldest_waiting(any_database) is None
    mail_server.mailbox.refusals.clear()
    assert retry_letters(any_database, ()) == 1
    assert send_due_letters(any_database, SmtpServer(mail_server.url), _SENDER) == 1


def test_a_letter_that_is_refused_for_now_waits_longer_each_time(
    any_database: Engine, mail_server: MailServerForTests
) -> None:
    _order(any_database)
    mail_server.mailbox.refusals["philip.smith@example.org"] = "451 4.7.1 Greylisted"
    for attempts in (1, 2, 3):
        assert send_due_letters(any_database, SmtpServer(mail_server.url), _SENDER) == 0
        [kept] = list_letters(any_database, [LetterState.WAITING])
        assert (kept.attempts, kept.said) == (attempts, "451 4.7.1 Greylisted")
        now = datetime.now(UTC)
        assert claim_letter(any_database, now + timedelta(seconds=5 * 2 ** (attempts - 1) - 2)) is None
        _later(any_database)
    mail_server.mailbox.refusals.clear()
    assert send_due_letters(any_database, SmtpServer(mail_server.url), _SENDER) == 1


def test_a_worker_that_dies_with_a_letter_in_hand_loses_it_to_another(any_database: Engine) -> None:
    _order(any_database)
    now = datetime.now(UTC)
    taken = claim_letter(any_database, now)
    assert taken is not None
    assert claim_letter(any_database, now) is None
    again = claim_letter(any_database, now + timedelta(seconds=61))
    assert again is not None
    assert write_message(again, _SENDER)["Message-ID"] == write_message(taken, _SENDER)["Message-ID"]


def test_several_workers_never_send_one_letter_at_once(any_database: Engine) -> None:
    for n in range(40):
        _order(any_database, f"person.{n}")
    claimed: list[KeptLetter] = []

    def work() -> None:
        while (letter := claim_letter(any_database, datetime.now(UTC))) is not None:
            claimed.append(letter)
            mark_sent(any_database, letter, datetime.now(UTC))

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len({letter.id for letter in claimed}) == len(claimed) == 40


def test_a_letter_that_was_sent_is_not_tried_again(any_database: Engine) -> None:
    _order(any_database)
    letter = claim_letter(any_database, datetime.now(UTC))
    assert letter is not None
    mark_sent(any_database, letter, datetime.now(UTC))
    with pytest.raises(UnknownLetter):
        retry_letters(any_database, [letter.id])
    assert _states(any_database) == [LetterState.SENT]


@pytest.fixture
def letter() -> Callable[[str, str], KeptLetter]:
    def make(language: str, name: str) -> KeptLetter:
        parameters = {"name": name, "new_administrator": "Mary <b>Jones</b>", "customer_number": "123456789"}
        written = Letter("previous_administrator", language, "philip.smith", "philip@example.org", parameters)
        ordered_at = datetime(2026, 11, 23, 12, tzinfo=UTC)
        return KeptLetter("01JD0000000000000000000000", written, LetterState.WAITING, ordered_at, 1, "")

    return make


@pytest.mark.parametrize("language", list(Language))
def test_a_letter_is_written_in_every_language(letter: Callable[[str, str], KeptLetter], language: Language) -> None:
    message = write_message(letter(language, "Philip Smith"), _SENDER)
    assert message["Content-Language"] == language
    assert message["Message-ID"] == "<01JD0000000000000000000000@example.org>"
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    for part in (plain, html):
        text = part.get_content()
        assert "Philip Smith" in text
        assert "123456789" in text
        assert "2026" in text
        assert "{{" not in text
    assert "Mary <b>Jones</b>" in plain.get_content()
    assert "Mary &lt;b&gt;Jones&lt;/b&gt;" in html.get_content()


def test_every_language_has_a_text_of_its_own(letter: Callable[[str, str], KeptLetter]) -> None:
    subjects = {write_message(letter(language, "Philip"), _SENDER)["Subject"] for language in Language}
    assert len(subjects) == len(Language)


@pytest.mark.parametrize("url", ["", "localhost:25", "http://localhost", "smtp://"])
def test_a_mail_server_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="AUTHZ_SMTP_URL"):
        SmtpServer(url)


@pytest.mark.parametrize("sender", ["", "MyProximus", "no-reply@", "@example.org"])
def test_a_sender_without_an_address_is_refused(letter: Callable[[str, str], KeptLetter], sender: str) -> None:
    with pytest.raises(ConfigurationError, match="AUTHZ_MAIL_FROM"):
        write_message(letter("en", "Philip"), sender)
