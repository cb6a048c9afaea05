"""The mail server fails: letters wait, and nothing else does."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.failures.asking import BILLS, OWN_USAGE, SMITHS, WISH, Clock, decided, unready
from tests.mail import MailServerForTests
from tests.processes import wait_until
from tests.services import HOST, Service, serve

# What a mail server has for each of its answers.
PATIENCE_SECONDS = 20


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Takes connections, and never says anything."""
    with closing(socket.create_server((HOST, 0))) as server:
        server.settimeout(10)
        yield server


def with_mail(port: int) -> dict[str, str]:
    return {"AUTHZ_SMTP_URL": f"smtp://{HOST}:{port}", "AUTHZ_MAIL_FROM": "no-reply@example.org"}


def letters(service: Service, state: str) -> str:
    text = service.call("GET", "/metrics").text
    [line] = [line for line in text.splitlines() if line.startswith(f'authz_letters{{state="{state}"}}')]
    return line.rpartition(" ")[2]


def take_over_goes_on(service: Service) -> None:
    with Clock() as clock:
        done = service.call("POST", f"/v1/customers/{SMITHS}/administrators", WISH)
        assert (done.status_code, done.json()["notified"]) == (201, ["philip.smith"])
        assert decided(service, BILLS) is True
        assert decided(service, OWN_USAGE) is True
    assert clock.took < 2
    assert unready(service) == set()
    assert letters(service, "waiting") == "1.0"


def test_a_mail_server_that_takes_connections_and_says_nothing_delays_letters_alone(
    opa: Path, database_url: str, tmp_path: Path, silent: socket.socket
) -> None:
    with serve(opa, tmp_path / "service", database_url, with_mail(silent.getsockname()[1])) as service:
        take_over_goes_on(service)
        connection = silent.accept()[0]
        with closing(connection), Clock() as clock:
            connection.settimeout(2 * PATIENCE_SECONDS)
            assert connection.recv(1) == b""
        assert PATIENCE_SECONDS - 3 < clock.took < PATIENCE_SECONDS + 2
        with closing(silent.accept()[0]):
            assert letters(service, "waiting") == "1.0"


def test_a_mail_server_that_is_down_delays_letters_alone_and_gets_them_when_it_is_up(
    opa: Path, database_url: str, tmp_path: Path, mail_server: MailServerForTests
) -> None:
    mail_server.down()
    port = int(mail_server.url.rpartition(":")[2])
    with serve(opa, tmp_path / "service", database_url, with_mail(port)) as service:
        take_over_goes_on(service)
        mail_server.up()
        wait_until(lambda: len(mail_server.mailbox.messages) == 1, seconds=30)
        wait_until(lambda: letters(service, "sent") == "1.0")
