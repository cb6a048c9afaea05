"""Callers who are decided for together get their own answers, and are kept with them."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.storage.database import connect, upgrade
from tests.conftest import SMITH_FAMILY
from tests.journals import JOURNAL_KEY, journal_settings
from tests.processes import wait_until
from tests.services import Service, question, serve

_CALLERS, _CALLS = 8, 120
_QUESTIONS = [
    question(person, action, kind, thing)
    for person in ("philip.smith", "mary.jones", "tracy.smith", "nobody.known")
    for action, kind, thing in (
        ("view_usage", "subscription", "mobile-2002"),
        ("view_bills", "customer", "123456789"),
        ("become_administrator", "customer", "123456789"),
        ("fly", "customer", "0"),
    )
]


class Answered(NamedTuple):
    """What somebody was answered.

    Attributes:
        asked: Which of the questions it was about.
        decision_id: The id of the decision.
    """

    asked: int
    answer: dict[str, Any]
    decision_id: str


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with the Smith family."""
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'authz.db'}" if is_sqlite else request.getfixturevalue("postgresql").new_database()
    database = connect(str(url))
    upgrade(database)
    import_files(database, [SMITH_FAMILY], key_finder("k" * 32, database))
    database.dispose()
    return str(url)


def asked_at_once(service: Service) -> list[Answered]:
    """As many callers as there are threads, each with one question after the other."""

    def ask(caller: int) -> list[Answered]:
        answered = []
        with requests.Session() as session:
            session.headers.update(service.session.headers)
            for call in range(_CALLS):
                asked = (caller + call * (caller + 1)) % len(_QUESTIONS)
                response = session.post(f"{service.url}/access/v1/evaluation", json=_QUESTIONS[asked], timeout=30)
                assert response.status_code == 200, response.text
                answered.append(Answered(asked, response.json(), response.headers["Decision-Id"]))
        return answered

    with ThreadPoolExecutor(_CALLERS) as threads:
        return [each for answered in threads.map(ask, range(_CALLERS)) for each in answered]


def reads(service: Service) -> int:
    """How often facts were read, of which one in eight is timed. A worker tells of it within a quarter of a second."""
    time.sleep(0.5)
    name = 'authz_stage_seconds_count{questions="one",stage="facts"} '
    [line] = [line for line in service.call("GET", "/metrics").text.splitlines() if line.startswith(name)]
    return 8 * int(float(line.removeprefix(name)))


def test_each_gets_the_answer_to_its_own_question_and_is_kept_with_it(
    opa: Path, database_url: str, tmp_path: Path
) -> None:
    kept = journal_settings(tmp_path)
    more = {
        # One, so that all come to the same.
        "AUTHZ_WORKERS": "1",
        "AUTHZ_ACTIVATION_KEY": secrets.token_hex(32),
        "AUTHZ_JOURNAL_FOLDER": str(kept["journal_folder"]),
        "AUTHZ_JOURNAL_KEY": JOURNAL_KEY,
        "AUTHZ_JOURNAL_SIGNING_KEY": str(kept["journal_signing_key"]),
        "AUTHZ_JOURNAL_PLAIN_IDS": "1",
    }
    with serve(opa, tmp_path / "service", database_url, more) as service:
        alone = [service.decide(each) for each in _QUESTIONS]
        assert len({str(answer) for answer in alone}) > 5, "most of them would be told from each other"
        answered = asked_at_once(service)
        assert [each.answer for each in answered] == [alone[each.asked] for each in answered]
        assert len({each.decision_id for each in answered}) == _CALLERS * _CALLS
        wait_until(lambda: reads(service) == reads(service))
        assert 0 < reads(service) < len(answered), "some of them were decided for together"
        wait_until(lambda: service.call("GET", f"/v1/decisions/{answered[-1].decision_id}").status_code == 200)
        for each in answered[::11]:
            entry = service.call("GET", f"/v1/decisions/{each.decision_id}").json()
            asked = _QUESTIONS[each.asked]
            assert entry["subject"] == asked["subject"]["id"]
            assert entry["resource"] == asked["resource"]["id"]
            assert entry["decision"] is each.answer["decision"]
