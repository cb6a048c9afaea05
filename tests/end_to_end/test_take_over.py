"""The take-over from end to end: a real service, a real OPA, a real mail server."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import TOKEN
from tests.mail import MailServerForTests
from tests.processes import wait_until

_SMITHS = "123456789"
_COMMAND = [sys.executable, "-c", "from authz_service.cli import main; main()"]


class Demo:
    """A running `authz-service demo` on the Smith family, which sends its letters to a mail server."""

    def __init__(self, port: int, state: Path, mail_url: str) -> None:
        # The database is that of the folder, whatever is set where the tests run.
        ours = {"AUTHZ_DATABASE_URL": "", "AUTHZ_SMTP_URL": mail_url, "AUTHZ_MAIL_FROM": "no-reply@example.org"}
        environ = os.environ | ours
        options = ["--port", str(port), "--token", TOKEN, "--state", str(state)]
        self.log = state.parent / f"demo-{port}.log"
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*_COMMAND, "demo", *options], env=environ, stdout=output, stderr=output, stdin=subprocess.DEVNULL
            )
        self._url = f"http://127.0.0.1:{port}"
        wait_until(lambda: b"Ready at" in self.log.read_bytes(), seconds=30)

    def post(self, path: str, body: dict[str, Any]) -> requests.Response:
        return requests.post(f"{self._url}{path}", json=body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)

    def get(self, path: str) -> str:
        return requests.get(f"{self._url}{path}", timeout=10).text

    def may(self, person: str, action: str, kind: str, name: str) -> bool:
        body = {
            "subject": {"type": "person", "id": person},
            "action": {"name": action},
            "resource": {"type": kind, "id": name},
        }
        return bool(self.post("/v1/decide", body).json()["decision"])

    def take_over(self, person: str) -> requests.Response:
        body = {"person": person, "channel": "web", "current_administrator_informed": True}
        return self.post(f"/v1/customers/{_SMITHS}/administrators", body)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(timeout=20)


@pytest.fixture
def start(
    tmp_path: Path, free_port: Callable[[], int], mail_server: MailServerForTests
) -> Iterator[Callable[[], Demo]]:
    """Starts the demo, each time over the same state."""
    with ExitStack() as started:

        def start() -> Demo:
            demo = Demo(free_port(), tmp_path / "state", mail_server.url)
            started.callback(lambda: demo.end() if demo.process.poll() is None else None)
            return demo

        yield start


def test_mary_takes_over_from_philip_who_gets_the_mail(
    start: Callable[[], Demo], mail_server: MailServerForTests
) -> None:
    demo = start()
    assert demo.may("mary.jones", "become_administrator", "customer", _SMITHS)
    done = demo.take_over("mary.jones")
    assert done.status_code == 201
    assert done.json()["notified"] == ["philip.smith"]

    assert demo.may("mary.jones", "view_bills", "customer", _SMITHS)
    assert not demo.may("philip.smith", "view_bills", "customer", _SMITHS)
    assert demo.may("philip.smith", "view_usage", "subscription", "mobile-2001")
    assert not demo.may("philip.smith", "view_usage", "subscription", "mobile-2002")

    wait_until(lambda: len(mail_server.mailbox.messages) == 1)
    [message] = mail_server.mailbox.messages
    assert message["To"] == "philip.smith@example.org"
    assert message["From"] == "no-reply@example.org"
    assert _SMITHS in message["Subject"]
    wait_until(lambda: 'authz_letters{state="sent"} 1.0' in demo.get("/metrics"))
    assert "authz_letters_oldest_waiting_seconds 0.0" in demo.get("/metrics")


def test_a_letter_survives_a_mail_server_that_is_down_and_a_service_that_is_killed(
    start: Callable[[], Demo], mail_server: MailServerForTests, tmp_path: Path
) -> None:
    mail_server.down()
    demo = start()
    assert demo.take_over("mary.jones").status_code == 201
    # The letter is in the outbox, with the Message-ID that it keeps.
    environ = os.environ | {"AUTHZ_DATABASE_URL": f"sqlite:///{tmp_path / 'state' / 'authz.db'}"}
    listed = subprocess.run(
        [*_COMMAND, "letters", "list", "--format", "json"], env=environ, capture_output=True, text=True, check=True
    )
    assert '"person": "philip.smith"' in listed.stdout
    assert '"state": "waiting"' in listed.stdout
    demo.end(signal.SIGKILL)
    mail_server.up()

    start()
    wait_until(lambda: len(mail_server.mailbox.messages) == 1, seconds=90)
    [message] = mail_server.mailbox.messages
    letter_id = str(message["Message-ID"]).removeprefix("<").partition("@")[0]
    assert f'"id": "{letter_id}"' in listed.stdout
