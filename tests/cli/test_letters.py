"""`authz-service letters`: what is not sent, and having it sent."""

import json
import shutil
from pathlib import Path

import pytest

from authz_service.administrators.outbox import Letter, order_letter
from authz_service.storage.database import connect, writing
from tests.cli.conftest import Cli
from tests.mail import MailServerForTests

_FROM = "no-reply@example.org"


@pytest.fixture
def ordered(migrated: Path, tmp_path: Path, database_url: str) -> str:
    """A database in which a letter to Philip waits."""
    shutil.copy(migrated, tmp_path / "authz.db")
    engine = connect(database_url)
    parameters = {"name": "Philip Smith", "new_administrator": "Mary Jones", "customer_number": "123456789"}
    letter = Letter("previous_administrator", "en", "philip.smith", "philip@example.org", parameters)
    with writing(engine) as connection:
        order_letter(connection, letter)
    engine.dispose()
    return database_url


def test_what_is_not_sent_is_listed_without_the_address(cli: Cli, ordered: str) -> None:
    run = cli("letters", "list", AUTHZ_DATABASE_URL=ordered)
    assert run.status == 0
    assert "waiting" in run.stdout
    assert "philip.smith" in run.stdout
    assert "philip@example.org" not in run.stdout
    assert "1 letter" in run.stderr


def test_the_list_is_json_on_request(cli: Cli, ordered: str) -> None:
    [letter] = json.loads(cli("letters", "list", "--format", "json", AUTHZ_DATABASE_URL=ordered).stdout)
    assert (letter["state"], letter["person"], letter["attempts"]) == ("waiting", "philip.smith", 0)


def test_only_one_state_is_listed_on_request(cli: Cli, ordered: str) -> None:
    run = cli("letters", "list", "--state", "failed", "--format", "json", AUTHZ_DATABASE_URL=ordered)
    assert json.loads(run.stdout) == []


def test_what_is_due_is_sent_once(cli: Cli, ordered: str, mail_server: MailServerForTests) -> None:
    environ = {"AUTHZ_DATABASE_URL": ordered, "AUTHZ_SMTP_URL": mail_server.url, "AUTHZ_MAIL_FROM": _FROM}
    assert cli("letters", "send", **environ).stdout == "1 letter sent.\n"
    assert cli("letters", "send", **environ).stdout == "0 letters sent.\n"
    assert len(mail_server.mailbox.messages) == 1


def test_a_letter_that_failed_is_tried_again_on_request(
    cli: Cli, ordered: str, mail_server: MailServerForTests
) -> None:
    environ = {"AUTHZ_DATABASE_URL": ordered, "AUTHZ_SMTP_URL": mail_server.url, "AUTHZ_MAIL_FROM": _FROM}
    mail_server.mailbox.refusals["philip@example.org"] = "550 No such mailbox"
    cli("letters", "send", **environ)
    listed = cli("letters", "list", AUTHZ_DATABASE_URL=ordered).stdout
    assert "failed" in listed
    assert "550 No such mailbox" in listed
    mail_server.mailbox.refusals.clear()
    assert cli("letters", "retry", AUTHZ_DATABASE_URL=ordered).stdout == "1 letter will be tried again.\n"
    assert cli("letters", "send", **environ).stdout == "1 letter sent.\n"


def test_a_letter_that_is_not_there_cannot_be_tried_again(cli: Cli, ordered: str) -> None:
    run = cli("letters", "retry", "01JD0000000000000000000000", AUTHZ_DATABASE_URL=ordered)
    assert run.status == 1
    assert "not there" in run.stderr


def test_sending_needs_a_mail_server(cli: Cli, ordered: str) -> None:
    run = cli("letters", "send", AUTHZ_DATABASE_URL=ordered)
    assert run.status == 1
    assert "AUTHZ_SMTP_URL" in run.stderr


def test_a_mail_server_that_is_down_is_a_sentence(cli: Cli, ordered: str, mail_server: MailServerForTests) -> None:
    mail_server.down()
    environ = {"AUTHZ_DATABASE_URL": ordered, "AUTHZ_SMTP_URL": mail_server.url, "AUTHZ_MAIL_FROM": _FROM}
    run = cli("letters", "send", **environ)
    assert run.status == 1
    assert "Connection refused" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(("is_up", "status"), [(True, "ok"), (False, "mend")])
def test_doctor_says_whether_the_mail_server_answers(
    cli: Cli, ordered: str, mail_server: MailServerForTests, *, is_up: bool, status: str
) -> None:
    if not is_up:
        mail_server.down()
    environ = {"AUTHZ_DATABASE_URL": ordered, "AUTHZ_SMTP_URL": mail_server.url, "AUTHZ_MAIL_FROM": _FROM}
    [line] = [line for line in cli("doctor", **environ).stdout.splitlines() if "mail server" in line]
    assert status in line
