"""How the service is: what it needs, what waits, how much it decides, and which versions run."""

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

from flask import Blueprint
from sqlalchemy import Engine

from authz_service.administrators.outbox import count_letters, oldest_waiting
from authz_service.decision.memory import AnswerMemory
from authz_service.errors import Unavailable
from authz_service.handbook.shelf import Shelf
from authz_service.journal.journal import Journal
from authz_service.journal.pace import ChainHead, Pace, chain_heads, pace_until
from authz_service.opa.supervisor import read_status
from authz_service.storage.database import REVISION, version_of
from authz_service.web.endpoint import Page, declares
from authz_service.web.pages.frame import Frame
from authz_service.web.pages.sparkline import HEIGHT, WIDTH, Sparkline, sparkline
from authz_service.web.readiness import check_all, is_ready
from authz_service.web.running import Running
from authz_service.words import LetterState, Scope

Found = TypeVar("Found")

_MOST_CHAINS = 12
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


class Letters(NamedTuple):
    """The outbox.

    Attributes:
        by_state: How many letters are in each state.
        oldest: How long ago the oldest that waits was ordered; empty where none does.
    """

    by_state: Mapping[LetterState, int]
    oldest: str


class Data(NamedTuple):
    """What the database tells; None where it does not answer.

    Attributes:
        version: Its kind and version.
        letters: The outbox.
        heads: Where the chains of the journal stand.
        entries: Entries a minute.
        denials: Denials a minute.
        are_all_denials: Whether no more were denied than are counted.
    """

    version: str
    letters: Letters
    heads: Sequence[ChainHead]
    entries: Sparkline
    denials: Sparkline
    are_all_denials: bool


def add_status(
    pages: Blueprint,
    frame: Frame,
    _shelf: Shelf,
    database: Engine,
    memory: AnswerMemory,
    journal: Journal,
    running: Running,
) -> None:
    @pages.get("/status")
    @declares(Page(Scope.AUDIT))
    def status() -> str:
        now = datetime.now(UTC)
        checks = check_all(database, memory, running.policy_status, journal, running.entrance)
        supervised = read_status(running.policy_status) if running.policy_status else None
        since = datetime.fromisoformat(supervised.since) if supervised else None
        return frame.render(
            "status.html",
            now=now,
            checks=checks,
            is_ready=is_ready(checks),
            findings={
                "Policy": supervised.rejected if supervised else (),
                "Callers": running.entrance.followed.rejected,
            },
            policy_since=since,
            policy_age=told_age(now - since) if since else "",
            # What a check has found to be away is not waited for again.
            data=_asked(lambda: _data(database, now)) if checks.database.ok else None,
            is_journal_kept=journal.writer is not None,
            versions={
                "authz-service": running.version,
                "Python": platform.python_version(),
                "OPA": (_asked(running.opa_version) if checks.opa.ok else None) or "not told",
            },
            schema=REVISION,
            workers=running.workers,
            process=os.getpid(),
            size=(WIDTH, HEIGHT),
        )


def told_age(age: timedelta) -> str:
    """How long something is ago, in its largest unit: "3 days"."""
    seconds = max(int(age.total_seconds()), 0)
    unit, length = next((each for each in _UNITS if seconds >= each[1]), _UNITS[-1])
    number = seconds // length
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _data(database: Engine, now: datetime) -> Data:
    oldest = oldest_waiting(database)
    pace: Pace = pace_until(database, now)
    return Data(
        version_of(database),
        Letters(count_letters(database), told_age(now - oldest) if oldest else ""),
        chain_heads(database, _MOST_CHAINS),
        sparkline(pace.entries),
        sparkline(pace.denials),
        pace.are_all_denials,
    )


def _asked(ask: Callable[[], Found]) -> Found | None:
    try:
        return ask()
    except Unavailable:
        return None
