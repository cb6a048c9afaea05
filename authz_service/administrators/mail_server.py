"""The mail server: how it is reached, and what it says of a message."""

import smtplib
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from email.message import EmailMessage
from functools import partial
from typing import NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from authz_service.errors import ConfigurationError, MailServerUnavailable

_PERMANENT = 500
# Asking the name service for a better one can take seconds, and no server minds.
_OWN_NAME = socket.gethostname()
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class Refused(NamedTuple):
    """The server does not take a message.

    Attributes:
        is_final: It never will.
        said: What it says of that.
    """

    is_final: bool
    said: str


Send = Callable[[EmailMessage], Refused | None]
"""Hands a message over: None when it has been taken."""


class MailServer(Protocol):
    """Takes messages."""

    def session(self) -> AbstractContextManager[Send]:
        """A session in which messages can be handed over, any number of them.

        Raises:
            MailServerUnavailable: The server cannot be asked, or goes away in between.
        """


class SmtpServer:
    """A mail server over SMTP.

    Args:
        url: `smtp://host`, `smtp+starttls://user:password@host:587` or `smtps://user:password@host`.
        timeout: Seconds that it has for each answer.

    Raises:
        ConfigurationError: The URL is none.
    """

    def __init__(self, url: str, timeout: float = 20.0) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            # Without the cause: a password with a `/` in it would be taken for a port, and be shown.
            raise ConfigurationError(
                "AUTHZ_SMTP_URL: is no URL; in user and password write `/`, `@`, `:`, `[` and the like as %2F, %40, …"
            ) from None
        if parts.scheme not in _PORTS or not parts.hostname:
            listed = ", ".join(f"{scheme}://" for scheme in _PORTS)
            raise ConfigurationError(f"AUTHZ_SMTP_URL: must begin with one of {listed} and name a host.")
        self._scheme = parts.scheme
        self._host = parts.hostname
        self._port = port or _PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._timeout = timeout

    @contextmanager
    def session(self) -> Iterator[Send]:
        # What goes wrong with the session is not the fault of a message.
        try:
            session = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise self._unavailable(error) from error
        try:
            yield partial(_send, session)
        except (OSError, smtplib.SMTPServerDisconnected) as error:
            raise self._unavailable(error) from error
        finally:
            session.close()

    def _unavailable(self, error: Exception) -> MailServerUnavailable:
        match error:
            case smtplib.SMTPAuthenticationError():
                # What it says besides may repeat what it was sent: the password.
                said = f"{error.smtp_code}, it does not take the user and password of AUTHZ_SMTP_URL"
            case smtplib.SMTPResponseException():
                said = _text(error.smtp_code, error.smtp_error)
            case _:
                said = str(error) or type(error).__name__
        return MailServerUnavailable(f"The mail server at {self._host}:{self._port}: {said}")

    def _connect(self) -> smtplib.SMTP:
        tls = ssl.create_default_context()
        session: smtplib.SMTP
        if self._scheme == "smtps":
            session = smtplib.SMTP_SSL(self._host, self._port, _OWN_NAME, timeout=self._timeout, context=tls)
        else:
            session = smtplib.SMTP(self._host, self._port, _OWN_NAME, timeout=self._timeout)
        try:
            if self._scheme == "smtp+starttls":
                session.starttls(context=tls)
            if self._user:
                session.login(self._user, self._password)
        except BaseException:
            session.close()
            raise
        return session


class PrintedMail:
    """Prints messages instead of sending them: for a demonstration, where there is no mail server."""

    @contextmanager
    def session(self) -> Iterator[Send]:
        yield self._print

    def _print(self, message: EmailMessage) -> Refused | None:
        text = message.get_body(("plain",))
        headers = "".join(f"{name}: {message[name]}\n" for name in ("To", "Subject", "Message-ID"))
        sys.stderr.write(f"\n{headers}\n{text.get_content() if text else ''}\n")
        sys.stderr.flush()
        return None


def _send(session: smtplib.SMTP, message: EmailMessage) -> Refused | None:
    try:
        session.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        [(code, said)] = error.recipients.values()
        return Refused(code >= _PERMANENT, _text(code, said))
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPResponseException as error:
        return Refused(error.smtp_code >= _PERMANENT, _text(error.smtp_code, error.smtp_error))
    except smtplib.SMTPNotSupportedError:
        return Refused(is_final=True, said="The mail server does not take addresses like this one.")
    return None


def _text(code: int, said: bytes | str) -> str:
    return f"{code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
