"""Many people take over one number at once, again and again."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, select

from authz_service.administrators.mail_server import SmtpServer
from authz_service.administrators.outbox import list_letters
from authz_service.administrators.worker import LetterWorker
from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.customers.activation_code import key_finder
from authz_service.customers.customer_store import put_customer
from authz_service.customers.model import Customer, Person
from authz_service.customers.parsing import parse
from authz_service.customers.person_store import put_person
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.settings import Settings
from authz_service.storage.database import reading
from authz_service.storage.schema import members, take_overs
from authz_service.words import LetterState, Role, Scope
from tests.conftest import BEARER, TOKEN
from tests.journals import journal_settings
from tests.mail import MailServerForTests
from tests.processes import wait_until

_NUMBER = "500000001"
_THREADS = 8
_TAKE_OVERS = 50
_PEOPLE = [f"person.{n}" for n in range(_THREADS)]
_KEY = "k" * 32


@pytest.fixture
def app(any_database: Engine, running_opa: SupervisedOpa, tmp_path: Path) -> Iterator[Flask]:
    """One residential number with eight people, each with a mobile on its bill."""
    for person in _PEOPLE:
        put_person(any_database, parse(Person, {"id": person, "name": person, "email": f"{person}@example.org"}))
    roles = dict.fromkeys(_PEOPLE, "user") | {_PEOPLE[0]: "administrator"}
    body = {
        "number": _NUMBER,
        "name": "Eight people",
        "activation": {"code": "RIGHT", "date": "2026-11-02"},
        "members": [{"person": person, "role": role} for person, role in roles.items()],
        "subscriptions": [
            {"id": f"m{n}", "kind": "mobile", "number": f"+3247000900{n}", "holder": person}
            for n, person in enumerate(_PEOPLE)
        ],
    }
    put_customer(any_database, parse(Customer, body), key_finder(_KEY, any_database))
    url = any_database.url.render_as_string(hide_password=False)
    settings = Settings(url, running_opa.url, activation_key=_KEY, **journal_settings(tmp_path))
    app = create_app(settings, callers=[Caller("tests", token_sha256(TOKEN), frozenset(Scope))])
    yield app
    close_app(app)


def _administrators(database: Engine) -> list[str]:
    query = select(members.c.person).where(members.c.customer_number == _NUMBER, members.c.role == Role.ADMINISTRATOR)
    with reading(database) as connection:
        return list(connection.scalars(query))


@contextmanager
def _looking(database: Engine) -> Iterator[Counter[int]]:
    """Counts how many administrators there are, again and again, in a thread of its own."""
    seen: Counter[int] = Counter()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen[len(_administrators(database))] += 1

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def _all_at_once(run: Callable[[str], None]) -> None:
    threads = [threading.Thread(target=run, args=(person,)) for person in _PEOPLE]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_any_interleaving_ends_as_one_after_the_other(
    app: Flask, any_database: Engine, mail_server: MailServerForTests
) -> None:
    answers: list[tuple[int, dict[str, object]]] = []

    def take_over_again_and_again(person: str) -> None:
        client = app.test_client()
        body = {"person": person, "channel": "web", "current_administrator_informed": True}
        for _ in range(_TAKE_OVERS):
            response = client.post(f"/v1/customers/{_NUMBER}/administrators", json=body, headers=BEARER)
            answers.append((response.status_code, response.get_json()))

    mail_server.down()
    worker = LetterWorker(any_database, SmtpServer(mail_server.url), "no-reply@example.org")
    worker.start()
    with _looking(any_database) as seen:
        _all_at_once(take_over_again_and_again)
    worker.stop()

    assert len(answers) == _THREADS * _TAKE_OVERS
    assert {status for status, _ in answers} <= {201, 403}
    refusals = [body["reasons"] for status, body in answers if status == 403]
    assert all([reason["code"] for reason in reasons] == ["already_administrator"] for reasons in refusals)  # type: ignore[attr-defined]  # as the contract has them
    # Exactly one at every moment that anyone looked.
    assert set(seen) == {1}
    done = [body for status, body in answers if status == 201]
    assert len(done) > _THREADS
    # Each had exactly one before it, who got exactly one letter for each time.
    _assert_one_after_the_other(any_database, done)
    lost = Counter(str(body["became_users"][0]) for body in done)  # type: ignore[index]  # as the contract has them
    ordered = Counter(kept.letter.person for kept in list_letters(any_database, list(LetterState)))
    assert ordered == lost

    # The mail server was down for the whole race; now it is up.
    mail_server.up()
    worker = LetterWorker(any_database, SmtpServer(mail_server.url), "no-reply@example.org")
    worker.start()
    wait_until(lambda: not list_letters(any_database, [LetterState.WAITING]), seconds=30)
    worker.stop()
    assert Counter(str(message["To"]).partition("@")[0] for message in mail_server.mailbox.messages) == lost
    assert len({message["Message-ID"] for message in mail_server.mailbox.messages}) == len(done)


def _assert_one_after_the_other(database: Engine, done: list[dict[str, object]]) -> None:
    """The take-overs are one chain: each found the administrator whom another had left."""
    with reading(database) as connection:
        rows = connection.execute(select(take_overs)).mappings().all()
    assert len(rows) == len(done)
    assert all(len(row["became_users"]) == 1 for row in rows)
    came, went = Counter(row["person"] for row in rows), Counter(row["became_users"][0] for row in rows)
    came[_PEOPLE[0]] += 1
    [last] = (came - went).elements()
    assert went - came == Counter()
    assert _administrators(database) == [last]


def test_wrong_codes_count_each_once_however_many_come_at_once(app: Flask, any_database: Engine) -> None:
    body = {"number": "500000002", "name": "Code", "activation": {"code": "RIGHT", "date": "2026-11-02"}}
    put_customer(any_database, parse(Customer, body), key_finder(_KEY, any_database))
    codes: list[str] = []

    def guess(person: str) -> None:
        client = app.test_client()
        wrong = {"code": "WRONG", "date": "2026-11-02"}
        for _ in range(5):
            response = client.post(
                "/v1/customers/500000002/administrators",
                json={"person": person, "channel": "web", "activation": wrong},
                headers=BEARER,
            )
            codes.extend(reason["code"] for reason in response.get_json()["reasons"])

    _all_at_once(guess)
    assert Counter(codes) == {"wrong_activation_code": 5, "code_route_closed": _THREADS * 5 - 5}
