"""Appends entries to a chain: those of callers who come at the same time are written and synced together."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from authz_service.errors import JournalUnavailable
from authz_service.journal.chain import link
from authz_service.journal.checkpoint import Closed, Signer
from authz_service.journal.entries import Entry
from authz_service.journal.folder import segment_file, take_chain
from authz_service.journal.lines import checkpoint_line, entry_line, ruling_line
from authz_service.journal.tail import Tail, begin_segment, find_tail
from authz_service.telemetry.tally import Tally

log = structlog.get_logger()

FLUSH_SECONDS = 0.05
CHECKPOINT_SECONDS = 1.0
MOST_WAITING = 10_000
SEGMENT_BYTES = 32 * 1024 * 1024
FULL_PATIENCE_SECONDS = 5.0
SYNC_SECONDS = "authz_journal_sync_seconds"
FAILING, WAITING = "authz_journal_writers_failing", "authz_journal_waiting_entries"
HEAD_AGE, UNSIGNED_AGE = "authz_journal_head_age_seconds", "authz_journal_unsigned_age_seconds"
_SYNC_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5)
_TRIAL = bytes(4096)


Make: TypeAlias = Callable[[Sequence[Any]], Iterable[Entry]]
"""Makes an entry of each, in their order, the same however often."""


@dataclass(slots=True)
class _Later:
    """Entries that nobody waits for.

    Attributes:
        make: Makes them.
        of: What of.
    """

    make: Make
    of: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    """Entries that are written together.

    Attributes:
        waited_for: Those that callers wait for.
        others: Those that nobody waits for.
        newest: The newest of these.
        done: Held until they are written; who waits takes it and gives it back.
        error: Why they could not be.
    """

    waited_for: list[Entry] = field(default_factory=list)
    others: list[_Later] = field(default_factory=list)
    newest: _Later | None = None
    done: threading.Lock = field(default_factory=threading.Lock)
    error: OSError | None = None

    def __post_init__(self) -> None:
        self.done.acquire()


class Writer:
    """Writes one chain, from any number of threads.

    Args:
        folder: The folder of the journal.
        signer: Signs the checkpoints.
        tally: Counts how long the disk takes, and tells how the writer is.

    Raises:
        JournalUnavailable: The folder cannot be written.
    """

    def __init__(self, folder: Path, signer: Signer, tally: Tally | None = None) -> None:
        self._signer = signer
        self._gathering = _Group()
        self._state = threading.Lock()
        self._turn = threading.Lock()
        self._room = threading.Condition(self._state)
        # Those in `others`, also while they are being written: what fails comes back.
        self._waiting = 0
        # For the thread: something waits in `others`, the segment is full, or the disk has failed.
        self._has_work = threading.Event()
        self._stopping = threading.Event()
        self._is_clean = True
        self._open_since = 0.0
        self._written_at = time.monotonic()
        self.error = ""
        tally = tally or Tally()
        self._sync_took = tally.histogram(_SYNC_BOUNDS, SYNC_SECONDS).observe
        try:
            self._folder, self._lock = take_chain(folder)
            self._tail, self._file = self._take_up()
        except OSError as error:
            raise JournalUnavailable(f"The journal at {folder} cannot be written: {error.strerror}.") from error
        tally.gauge(lambda: bool(self.error), FAILING)
        tally.gauge(lambda: self._waiting, WAITING)
        tally.gauge(lambda: time.monotonic() - self._written_at, HEAD_AGE)
        tally.gauge(lambda: time.monotonic() - self._open_since if self._tail.open_hashes else 0.0, UNSIGNED_AGE)
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    def _take_up(self) -> tuple[Tail, int]:
        try:
            tail = find_tail(self._folder)
            return tail, self._open(tail.segment) if tail.segment else begin_segment(self._folder, tail)
        except BaseException:
            # Another may have it.
            os.close(self._lock)
            raise

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The key that verifies its checkpoints."""
        return self._signer.public_key

    @property
    def chain(self) -> str:
        return self._tail.chain

    def append(self, entries: Sequence[Entry]) -> None:
        """Returns when the entries, of which there is one at least, are on disk.

        Raises:
            JournalUnavailable: They are not.
        """
        with self._state:
            self._refuse_closed()
            group = self._gathering
            leads = not group.waited_for
            group.waited_for.extend(entries)
        if leads:
            with self._turn:
                # They may have been written while this thread waited for its turn.
                if self._gathering is group:
                    self._write_gathered()
        else:
            with group.done:
                pass
        if group.error:
            raise JournalUnavailable(_said(group.error)) from group.error

    def append_soon(self, entries: Sequence[Entry]) -> None:
        """Has the entries on disk within `FLUSH_SECONDS`; waits only where too many are waiting already.

        Raises:
            JournalUnavailable: Too many wait, and the journal cannot be written.
        """
        self.make_soon(iter, entries)

    def make_soon(self, make: Make, of: Sequence[Any]) -> None:
        """Has entries made and on disk within `FLUSH_SECONDS`; waits only where too many are waiting already.

        Many made in one go cost less than each by itself between other things.

        Args:
            make: Makes them; again, where the disk has failed.
            of: What of, an entry of each.

        Raises:
            JournalUnavailable: Too many wait, and the journal cannot be written.
        """
        # The lock that the condition is of, without what the condition does besides.
        with self._state:
            if self._waiting >= MOST_WAITING:
                self._wait_for_room()
            self._refuse_closed()
            group = self._gathering
            later = group.newest
            if later is None or later.make is not make:
                later = group.newest = _Later(make)
                group.others.append(later)
                self._has_work.set()
            later.of += of
            self._waiting += len(of)

    def _wait_for_room(self) -> None:
        has_room = self._room.wait_for(
            lambda: self._waiting < MOST_WAITING or self._stopping.is_set(), FULL_PATIENCE_SECONDS
        )
        if not has_room:
            raise JournalUnavailable(self.error or "The journal is written too slowly.")

    def close(self) -> None:
        """Writes what is left, closes the last block and lets go of the chain."""
        with self._room:
            if self._stopping.is_set():
                return
            self._stopping.set()
            self._has_work.set()
            self._room.notify_all()
        self._thread.join()
        with self._turn:
            self._write_gathered()
            self._close_block()
            os.close(self._file)
            os.close(self._lock)

    def _refuse_closed(self) -> None:
        if self._stopping.is_set():
            raise JournalUnavailable("The journal has been closed, as the service ends.")

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._has_work.wait(self._pause()):
                # What others add meanwhile is written with it.
                self._stopping.wait(FLUSH_SECONDS)
                self._has_work.clear()
            if self._stopping.is_set():
                return
            with self._turn:
                if self._gathering.others or not self._is_clean:
                    # It has told why, and it is tried again: a thread that ends would be missed by nobody.
                    with suppress(Exception):
                        self._write_gathered()
                if self._tail.open_hashes and time.monotonic() - self._open_since >= CHECKPOINT_SECONDS:
                    self._close_block()
                if self._is_full():
                    self._turn_over()

    def _pause(self) -> float:
        """How many seconds there are until the block is to be closed, or might be."""
        open_for = time.monotonic() - self._open_since if self._tail.open_hashes else 0.0
        return max(CHECKPOINT_SECONDS - open_for, FLUSH_SECONDS)

    def _write_gathered(self) -> None:
        """Writes what has gathered, in its turn."""
        with self._state:
            group, self._gathering = self._gathering, _Group()
        try:
            made = [entry for later in group.others for entry in later.make(later.of)]
            self._write([*made, *group.waited_for])
        except BaseException as error:
            # Whatever it is: nobody is to take these for kept, and nobody will come again with the others.
            group.error = error if isinstance(error, OSError) else OSError(None, type(error).__name__)
            with self._state:
                self._gathering.others[:0] = group.others
            self._is_clean = False
            self._told(group.error)
            if not isinstance(error, OSError):
                raise
        else:
            with self._room:
                self._waiting -= sum(len(later.of) for later in group.others)
                self._room.notify_all()
        finally:
            group.done.release()

    def _write(self, entries: Sequence[Entry]) -> None:
        if not entries and self._is_clean:
            return
        tail = self._tail
        sequence, head = tail.sequence, tail.head
        parts: list[bytes] = []
        hashes: list[bytes] = []
        new: set[str] = set()
        for entry in entries:
            for ruling in entry.rulings:
                if ruling.digest not in tail.rulings and ruling.digest not in new:
                    new.add(ruling.digest)
                    parts.append(ruling_line(ruling))
            sequence, head = sequence + 1, link(head, entry.body)
            parts.append(entry_line(sequence, head, entry.body))
            hashes.append(head)
        self._put(b"".join(parts))
        if hashes and not tail.open_hashes:
            self._open_since = time.monotonic()
        if hashes:
            self._written_at = time.monotonic()
        tail.sequence, tail.head = sequence, head
        tail.open_hashes += hashes
        tail.rulings |= new

    def _put(self, data: bytes) -> None:
        """All of it, synced, or nothing; of no data, whether some could be."""
        if not self._is_clean:
            os.ftruncate(self._file, self._tail.size)
        self._is_clean = False
        try:
            rest = memoryview(data or _TRIAL)
            began = time.perf_counter()
            # Each is synced when it returns, so that one call gives up the interpreter, and not two.
            while rest:
                rest = rest[os.write(self._file, rest) :]
            self._sync_took(time.perf_counter() - began)
            if not data:
                os.ftruncate(self._file, self._tail.size)
        except OSError:
            # At once, before somebody reads what is not kept; what fails here is done before the next is written.
            with suppress(OSError):
                os.ftruncate(self._file, self._tail.size)
            raise
        self._is_clean = True
        self._tail.size += len(data)
        if self._tail.size >= SEGMENT_BYTES:
            self._has_work.set()
        self._told_well()

    def _close_block(self) -> None:
        tail = self._tail
        if not tail.open_hashes:
            return
        signed = self._signer.close(tail.chain, tail.closed, tail.open_hashes)
        try:
            self._put(checkpoint_line(signed))
        except OSError as error:
            self._told(error)
            return
        tail.closed = Closed.by(signed)
        tail.open_hashes.clear()

    def _is_full(self) -> bool:
        # A segment a day at least, so that old ones can be put away.
        is_of_another_day = self._tail.day != datetime.now(UTC).date() and self._tail.sequence >= self._tail.first
        return is_of_another_day or self._tail.size >= SEGMENT_BYTES

    def _turn_over(self) -> None:
        self._close_block()
        if self._tail.open_hashes or not self._is_clean:
            return
        try:
            before, self._file = self._file, begin_segment(self._folder, self._tail)
        except OSError as error:
            self._told(error)
            return
        os.close(before)
        self._told_well()

    def _open(self, segment: int) -> int:
        opened = os.open(segment_file(self._folder, segment), os.O_WRONLY | os.O_APPEND | os.O_DSYNC)
        try:
            # What a process that was killed has written and not synced: a write of this one syncs that write alone.
            os.fdatasync(opened)
        except OSError:
            os.close(opened)
            raise
        return opened

    def _told(self, error: OSError) -> None:
        if not self.error:
            # What is not the disk's has no number, and is a fault of the code.
            log.error(
                "journal.cannot_be_written",
                folder=str(self._folder),
                reason=error.strerror,
                exc_info=error.errno is None,
            )
        self.error = _said(error)
        # It is tried again.
        self._has_work.set()

    def _told_well(self) -> None:
        if self.error:
            log.info("journal.written_again", chain=self.chain)
            self.error = ""


def _said(error: OSError) -> str:
    return f"The journal cannot be written: {error.strerror}."
