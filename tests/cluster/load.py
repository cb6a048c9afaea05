"""Callers of the cluster: what each asked through the proxy, and what it was told."""

import itertools
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, NamedTuple

import requests

from tests.cluster.households import CONTESTED, SIDES, STABLE, person
from tests.conftest import BEARER
from tests.processes import wait_until
from tests.services import question

DECISION, BATCH, TAKE_OVER = "decision", "batch of decisions", "take-over"
DECIDING = 3
"""How many callers ask for decisions at once, each waiting for its answer."""
TAKING_OVER = len(SIDES)
"""How many take over at once."""

_PATIENCE_SECONDS = 120.0
_LONGEST_CALL_SECONDS = 90.0
# Between the answer to one question and the next question of the same caller.
_PAUSE_SECONDS = 0.1
_ANSWERS = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.FORBIDDEN}

STABLE_QUESTIONS = [
    question("ada", "view_bills", "customer", STABLE),
    question("uli", "view_bills", "customer", STABLE),
    question("uli", "view_usage", "subscription", "mobile-of-uli"),
    question("eve", "view_usage", "subscription", "mobile-of-eve"),
    question("uli", "view_premium_club_points", "customer", STABLE),
    question("uli", "become_administrator", "customer", STABLE),
]


class Call(NamedTuple):
    """A request and its end.

    Attributes:
        kind: What it was for.
        asked: Its body.
        number: The customer number that it is about.
        began: When it was sent, as `time.monotonic` has it.
        ended: When it was answered or given up.
        told: The status, or the exception in its place.
        decision_id: That of the answer; empty without one.
        body: The answer.
    """

    kind: str
    asked: dict[str, Any]
    number: str
    began: float
    ended: float
    told: str
    decision_id: str
    body: Any

    @property
    def is_answered(self) -> bool:
        """Whether it got the answer that it asked for, be it no."""
        return self.told.isdecimal() and int(self.told) in _ANSWERS


class Load:
    """What callers ask, one after the other, until they are stopped."""

    def __init__(self, url: str) -> None:
        self.calls: list[Call] = []
        self._url = url
        self._once: deque[dict[str, Any]] = deque()
        self._stopping = threading.Event()
        self._faults: list[BaseException] = []
        asking: list[Callable[[requests.Session], Iterator[Call]]] = [self._decide] * DECIDING
        asking += [self._take_over(side) for side in SIDES]
        self._threads = [threading.Thread(target=self._go_on, args=(ask,)) for ask in asking]

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Callers ask while the block lasts."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in self._threads:
                thread.join()
        assert not self._faults, self._faults

    def ask_once(self, questions: Iterable[dict[str, Any]]) -> None:
        """Has these asked too, each by one caller and once; returns when all have been sent."""
        self._once.extend(questions)
        wait_until(lambda: not self._once, _PATIENCE_SECONDS)

    def failed(self, *kinds: str) -> list[Call]:
        return [call for call in self.calls if call.kind in kinds and not call.is_answered]

    def wait_for_more(self, decisions: int = 60, take_overs: int = 10) -> None:
        """Returns once that many calls that are made from now on have been answered."""
        now = time.monotonic()

        def is_enough() -> bool:
            since = Counter(call.kind for call in self.calls if call.is_answered and call.began > now)
            return since[DECISION] + since[BATCH] >= decisions and since[TAKE_OVER] >= take_overs

        wait_until(is_enough, _PATIENCE_SECONDS)

    def _go_on(self, ask: Callable[[requests.Session], Iterator[Call]]) -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.headers.update(BEARER)
            try:
                for call in ask(session):
                    self.calls.append(call)
                    if self._stopping.wait(_PAUSE_SECONDS):
                        return
            except BaseException as fault:  # noqa: BLE001 - raised where the load is stopped
                self._faults.append(fault)

    def _decide(self, session: requests.Session) -> Iterator[Call]:
        for number, usual in zip(itertools.cycle(CONTESTED), itertools.cycle(STABLE_QUESTIONS), strict=False):
            try:
                single = self._once.popleft()
            except IndexError:
                single = usual
            yield self._call(session, DECISION, STABLE, "/access/v1/evaluation", single)
            both = [question(person(side, number), "view_bills", "customer", number) for side in SIDES]
            yield self._call(session, BATCH, number, "/access/v1/evaluations", {"evaluations": both})

    def _take_over(self, side: str) -> Callable[[requests.Session], Iterator[Call]]:
        def ask(session: requests.Session) -> Iterator[Call]:
            for number in itertools.cycle(CONTESTED):
                wish = {"person": person(side, number), "channel": "web", "current_administrator_informed": True}
                yield self._call(session, TAKE_OVER, number, f"/v1/customers/{number}/administrators", wish)

        return ask

    def _call(self, session: requests.Session, kind: str, number: str, path: str, body: dict[str, Any]) -> Call:
        began = time.monotonic()
        told, decision_id, said = "", "", None
        try:
            response = session.post(f"{self._url}{path}", json=body, timeout=_LONGEST_CALL_SECONDS)
            told, decision_id = str(response.status_code), response.headers.get("Decision-Id", "")
            # HAProxy's own errors are pages.
            said = response.json() if "json" in response.headers.get("Content-Type", "") else None
        except requests.RequestException as error:
            told = type(error).__name__
        return Call(kind, body, number, began, time.monotonic(), told, decision_id, said)
