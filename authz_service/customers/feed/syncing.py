"""Follows a feed of changes: batch by batch, each with the position that it leads to in one transaction."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from authz_service.customers.activation_code import FindKey
from authz_service.customers.feed import positions
from authz_service.customers.feed.arriving import Arrived, lines_as_they_come
from authz_service.customers.feed.batch import Refused, Rules, Taken, take
from authz_service.customers.feed.changes import Change, Reader
from authz_service.customers.feed.stage import FeedStage, feed_stage
from authz_service.customers.ndjson_file import LONGEST_LINE_BYTES
from authz_service.errors import Conflict, Fault
from authz_service.storage.database import begin_writing, errors_in_our_words

CHANGES_IN_A_BATCH = 5_000
MOST_WAITING = 1_000

_BYTES_IN_A_BATCH = 4 * 1024 * 1024
_ATTEMPTS = 5
# Any number will do as long as nobody else asks this database for the same one.
_FEED_LOCK = 7_420_119


class End(StrEnum):
    """Why a run has ended."""

    INPUT = "end_of_input"
    FAULT = "fault"
    SIGNAL = "signal"


class Ended(Exception):
    """Somebody wants the run to end, and no batch is being applied."""


class Input(NamedTuple):
    """Where changes come from.

    Attributes:
        descriptor: An open file descriptor.
        name: What it is called in faults.
        source: Whose sequence a line is in that names none.
    """

    descriptor: int
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Followers:
    """Who is told of what happens.

    Attributes:
        on_fault: Is told of a fault for which a change is refused.
        on_waiting: Is told of a fault that may go with what comes, when nothing more has come for a moment.
        on_progress: Is told how many bytes have been read, and what has been done so far.
        record: Writes down what a batch has changed, how many by kind, in its transaction.
        unbroken: Within it a batch is applied, and `Ended` is not raised.
    """

    on_fault: Callable[[Fault], None]
    on_waiting: Callable[[Fault], None] = lambda _fault: None
    on_progress: Callable[[int, "Synced"], None] = lambda _bytes_read, _done: None
    record: Callable[[Connection, Mapping[str, int]], None] = lambda _connection, _applied: None
    unbroken: Callable[[], AbstractContextManager[object]] = nullcontext


@dataclass(slots=True)
class Synced:
    """What a run has done.

    Attributes:
        applied: How many changes, by kind and as `deleted`.
        skipped: How many were older than what is stored, or came with a newer one of the same object.
        faults: How many changes were refused.
        end: Why it has ended.
    """

    applied: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    faults: int = 0
    end: End = End.INPUT


def sync(
    engine: Engine, source: Input, find_key: FindKey, followers: Followers, *, stops: bool, has_authority: bool
) -> Synced:
    """Takes the changes that come, until there are no more, one is faulty and that stops it, or `Ended` is raised.

    A batch is what has come, at most `CHANGES_IN_A_BATCH`; it is applied whole, with its position, or not at all. Where
    a fault does not stop it, a change that does not fit what is stored waits for what comes after it, as long as no
    more than `MOST_WAITING` do.

    Raises:
        Conflict: Other writes came in between, again and again.
        ConfigurationError: There is an activation code and no key to keep it under.
        DatabaseUnavailable: The database does not answer. What was applied before is kept.
        OSError: The input cannot be read.
    """
    with errors_in_our_words(), engine.connect() as connection, feed_stage(connection) as stage:
        return _Run(connection, stage, source, find_key, followers, Rules(source.name, stops, has_authority)).run()


class _Run:
    def __init__(
        self,
        connection: Connection,
        stage: FeedStage,
        source: Input,
        find_key: FindKey,
        followers: Followers,
        rules: Rules,
    ) -> None:
        self._connection = connection
        self._stage = stage
        self._input = source
        self._reader = Reader(source.name, source.source, find_key)
        self._followers = followers
        self._rules = rules
        self._done = Synced()
        self._highest: dict[str, int] = {}
        self._waiting: list[Refused] = []
        self._told_to_wait: set[int] = set()

    def run(self) -> Synced:
        try:
            self._take_all()
        except Ended:
            self._done.end = End.SIGNAL
        for _, faults in self._waiting:
            self._refuse(faults)
        return self._done

    def _take_all(self) -> None:
        for batch, is_pause in self._batches():
            self._apply(batch)
            if self._done.end is End.FAULT:
                return
            if is_pause:
                self._tell_who_waits()
        # What has come in the meantime may be what they waited for.
        before = len(self._waiting) + 1
        while self._waiting and len(self._waiting) < before:
            before = len(self._waiting)
            self._apply([])
        if self._waiting:
            with self._followers.unbroken(), begin_writing(self._connection):
                positions.keep(self._connection, positions.reached(self._highest, []))

    def _batches(self) -> Iterator[tuple[list[Change], bool]]:
        """The changes of the input, and whether no more have come for a moment.

        A line that is wrong by itself is told, and is the end where it stops all.
        """
        batch: list[Change] = []
        size = 0
        for line in lines_as_they_come(self._input.descriptor):
            if line is not None:
                read = self._read(line)
                size += len(line.content or b"")
                if isinstance(read, Change):
                    batch.append(read)
                elif not self._rules.stops:
                    self._refuse(read)
                else:
                    yield batch, False
                    self._refuse(read)
                    self._done.end = End.FAULT
                    return
                self._followers.on_progress(line.bytes_read, self._done)
            if batch and (line is None or len(batch) >= CHANGES_IN_A_BATCH or size >= _BYTES_IN_A_BATCH):
                yield batch, line is None
                batch, size = [], 0
        yield batch, False

    def _read(self, line: Arrived) -> Change | list[Fault]:
        if line.content is None:
            too_long = f"is longer than {LONGEST_LINE_BYTES // 1024**2} MiB"
            return [Fault(too_long, file=self._input.name, line=line.number)]
        return self._reader.read(line.number, line.content)

    def _apply(self, batch: list[Change]) -> None:
        changes = [*(change for change, _ in self._waiting), *batch]
        if not changes:
            return
        with self._followers.unbroken():
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    taken, highest, waiting = self._take(changes)
                    break
                except Conflict:
                    if attempt == _ATTEMPTS:
                        raise
            self._done.applied += taken.applied
            self._done.skipped += taken.skipped
            self._highest, self._waiting = highest, waiting
            for _, faults in taken.refused[: len(taken.refused) - len(waiting)]:
                self._refuse(faults)
                if self._rules.stops:
                    self._done.end = End.FAULT

    def _take(self, changes: list[Change]) -> tuple[Taken, dict[str, int], list[Refused]]:
        with errors_in_our_words(), begin_writing(self._connection):
            if self._connection.dialect.name == "postgresql":
                self._connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _FEED_LOCK})
            taken = take(self._connection, self._stage, changes, self._rules)
            # The oldest have waited longest.
            waiting = [] if self._rules.stops else taken.refused[-MOST_WAITING:]
            highest = dict(self._highest)
            for change in taken.settled:
                highest[change.source] = max(change.sequence, highest.get(change.source, 0))
            positions.keep(self._connection, positions.reached(highest, [change for change, _ in waiting]))
            if taken.applied:
                self._followers.record(self._connection, taken.applied)
        return taken, highest, waiting

    def _tell_who_waits(self) -> None:
        self._told_to_wait &= {change.line for change, _ in self._waiting}
        for change, faults in self._waiting:
            if change.line not in self._told_to_wait:
                self._told_to_wait.add(change.line)
                for fault in faults:
                    self._followers.on_waiting(fault)

    def _refuse(self, faults: list[Fault]) -> None:
        self._done.faults += 1
        for fault in faults:
            self._followers.on_fault(fault)
