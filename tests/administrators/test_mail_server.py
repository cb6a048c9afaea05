"""Mail servers with TLS, STARTTLS and a login: letters go to the right one or wait."""

import base64
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from authz_service.administrators.mail_server import PrintedMail, SmtpServer
from authz_service.errors import ConfigurationError, MailServerUnavailable
from tests.mail import Mailbox

_LOGIN = LoginPassword(b"letters", b"p@ss:word/1")


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return authority


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


Start = Callable[..., int]


@pytest.fixture
def start(mailbox: Mailbox, free_port: Callable[[], int]) -> Iterator[Start]:
    """Starts a mail server, as told, and returns its port."""
    started: list[Controller] = []

    def start(**options: Any) -> int:  # noqa: ANN401 - whatever the controller takes
        port = free_port()
        controller = Controller(mailbox, hostname="localhost", port=port, **options)
        controller.start()
        started.append(controller)
        return port

    yield start
    for controller in started:
        controller.stop()


def _knows(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object) -> AuthResult:
    return AuthResult(success=given == _LOGIN, handled=given == _LOGIN)


@pytest.fixture
def message() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", "Subject"
    message.set_content("Text")
    return message


def _send(url: str, message: EmailMessage) -> None:
    with SmtpServer(url, timeout=5).session() as send:
        assert send(message) is None


def test_a_letter_goes_over_tls(start: Start, tls: ssl.SSLContext, mailbox: Mailbox, message: EmailMessage) -> None:
    port = start(ssl_context=tls)
    _send(f"smtps://localhost:{port}", message)
    assert len(mailbox.messages) == 1


def test_a_letter_goes_over_starttls_with_a_login(
    start: Start, tls: ssl.SSLContext, mailbox: Mailbox, message: EmailMessage
) -> None:
    port = start(tls_context=tls, require_starttls=True, authenticator=_knows, auth_required=True)
    _send(f"smtp+starttls://letters:p%40ss%3Aword%2F1@localhost:{port}", message)
    assert len(mailbox.messages) == 1


def test_a_wrong_password_is_no_fault_of_the_letter(start: Start, tls: ssl.SSLContext, message: EmailMessage) -> None:
    port = start(tls_context=tls, require_starttls=True, authenticator=_knows, auth_required=True)
    with pytest.raises(MailServerUnavailable, match="535") as error:
        _send(f"smtp+starttls://letters:wrong@localhost:{port}", message)
    assert "wrong" not in str(error.value)


def test_of_a_server_that_repeats_the_password_only_the_number_is_told(message: EmailMessage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_refuse_and_repeat, args=(listening,))
        thread.start()
        with pytest.raises(MailServerUnavailable, match="535, it does not take") as error:
            _send(f"smtp://letters:hunter2@127.0.0.1:{listening.getsockname()[1]}", message)
        thread.join()
    assert "hunter2" not in str(error.value)


def _refuse_and_repeat(listening: socket.socket) -> None:
    """A mail server that answers a login with what it was sent."""
    connection, _ = listening.accept()
    with connection, connection.makefile("rwb", buffering=0) as lines:
        lines.write(b"220 here\r\n")
        for line in lines:
            if line.lower().startswith(b"ehlo"):
                lines.write(b"250-here\r\n250 AUTH PLAIN\r\n")
            else:
                sent = base64.b64decode(line.split()[-1])
                lines.write(b"535 " + sent.replace(b"\0", b" ") + b" is wrong\r\n")


@pytest.mark.parametrize(
    "url", ["smtp://letters:hunter2/4@host", "smtp://letters:hunter2#4@host", "smtps://u:[hunter2@h"]
)
def test_a_password_that_is_not_written_as_in_a_url_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="AUTHZ_SMTP_URL: is no URL; in user and password write") as error:
        SmtpServer(url)
    assert "hunter2" not in "".join(traceback.format_exception(error.value))


def test_a_certificate_that_nobody_vouches_for_is_refused(
    start: Start, tls: ssl.SSLContext, mailbox: Mailbox, message: EmailMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = start(ssl_context=tls)
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", "/nonexistent")
    with pytest.raises(MailServerUnavailable, match="certificate"):
        _send(f"smtps://localhost:{port}", message)
    assert mailbox.messages == []


def test_a_server_without_starttls_gets_no_letter_that_asks_for_it(
    start: Start, mailbox: Mailbox, message: EmailMessage
) -> None:
    port = start()
    with pytest.raises(MailServerUnavailable, match="STARTTLS"):
        _send(f"smtp+starttls://localhost:{port}", message)
    assert mailbox.messages == []


def test_without_a_mail_server_a_demonstration_prints_the_letter(
    message: EmailMessage, capsys: pytest.CaptureFixture[str]
) -> None:
    with PrintedMail().session() as send:
        assert send(message) is None
    printed = capsys.readouterr()
    assert "To: b@example.org" in printed.err
    assert "Text" in printed.err
    assert printed.out == ""
