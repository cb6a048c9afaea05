import json
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import overload

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from authz_service.errors import JournalUnavailable
from authz_service.journal import tail as tail_module
from authz_service.journal import writer as writer_module
from authz_service.journal.checkpoint import Signer
from authz_service.journal.entries import Entry
from authz_service.journal.folder import chains_in, is_taken, segment_file, segments_of, sync_folder
from authz_service.journal.lines import Header, KeptEntry, entry_line, ruling_line
from authz_service.journal.writer import Writer
from authz_service.questions import Ruling
from tests.journal.conftest import (
    PATIENCE_SECONDS,
    Disk,
    OpenWriter,
    SlowDisk,
    a_ruling,
    an_entry,
    assert_right,
    bodies_of,
    chain_of,
    checkpoints_of,
    entries_of,
    has_segments,
    lines_of,
)
from tests.processes import wait_until


class TellsWhenTaken(Sequence[Entry]):
    """Entries that say when a writer has taken them in."""

    def __init__(self, *entries: Entry) -> None:
        self._entries = entries
        self.taken = threading.Event()

    def __iter__(self) -> Iterator[Entry]:
        yield from self._entries
        self.taken.set()

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)


@pytest.fixture
def segment_disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """What new segments are begun on."""
    disk = Disk()
    monkeypatch.setattr(tail_module, "os", disk)
    return disk


@pytest.fixture
def signed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "CHECKPOINT_SECONDS", 0.0)


@pytest.fixture
def turned_over_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment that has an entry is full."""
    monkeypatch.setattr(writer_module, "SEGMENT_BYTES", 400)


@pytest.fixture
def assert_all_right(folder: Path, signing_key: Ed25519PrivateKey) -> Callable[[], None]:
    def check() -> None:
        for chain in chains_in(folder):
            assert_right(chain, signing_key.public_key())

    return check


def numbered(count: int) -> list[Entry]:
    return [an_entry(number=number) for number in range(count)]


def bodies(entries: Sequence[Entry]) -> list[bytes]:
    return [entry.body for entry in entries]


def has_checkpoints(chain: Path, number: int) -> bool:
    return len(checkpoints_of(chain)) == number


def has_taken_back(disk: Disk, times: int) -> bool:
    return disk.taken_back >= times


def has_some(kept: Sequence[bytes]) -> bool:
    return len(kept) > 4


# appending


def test_entries_are_on_disk_in_order_when_appending_returns(
    writer: Writer, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    entries = numbered(7)
    writer.append(entries[:1])
    writer.append(entries[1:4])
    writer.append(entries[4:])
    assert bodies_of(folder) == bodies(entries)
    assert_all_right()


def test_a_new_chain_begins_with_a_header_that_nothing_comes_before(writer: Writer, folder: Path) -> None:
    [header] = lines_of(chain_of(writer, folder))
    assert isinstance(header, Header)
    assert (header.chain, header.number, header.first) == (writer.chain, 1, 1)
    assert (header.block, header.checkpoint) == (0, "")


def test_what_is_written_is_its_owner_s_alone(writer: Writer, folder: Path) -> None:
    writer.append([an_entry()])
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / writer.chain)}
    assert (modes, folders) == ({0o600}, {0o700})


def test_callers_at_the_same_time_all_return_with_every_entry_there_once(
    writer: Writer, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    entries = numbered(16 * 25)
    together = threading.Barrier(16)

    def append(start: int) -> None:
        together.wait(PATIENCE_SECONDS)
        for entry in entries[start::16]:
            writer.append([entry])
            assert entry.body in bodies_of(folder)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(append, range(16)))
    assert sorted(bodies_of(folder)) == sorted(bodies(entries))
    assert_all_right()


def test_entries_of_one_caller_stay_together_and_in_order_among_others(writer: Writer, folder: Path) -> None:
    calls = [[an_entry(caller=caller, item=item) for item in range(5)] for caller in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(writer.append, calls))
    kept = bodies_of(folder)
    places = [kept.index(call[0].body) for call in calls]
    assert all(kept[place : place + 5] == bodies(call) for place, call in zip(places, calls, strict=True))


def test_those_who_come_while_others_are_written_are_written_together(
    slow_disk: SlowDisk, open_writer: OpenWriter, folder: Path, rarely_flushed: None
) -> None:
    writer = open_writer()
    entries = numbered(6)
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(writer.append, entries[:1])
        assert slow_disk.is_asked.wait(PATIENCE_SECONDS)
        taken = [TellsWhenTaken(entry) for entry in entries[1:]]
        others = [pool.submit(writer.append, each) for each in taken]
        assert all(each.taken.wait(PATIENCE_SECONDS) for each in taken)
        assert not first.done()
        slow_disk.may_write.set()
        for each in (first, *others):
            each.result(PATIENCE_SECONDS)
    assert slow_disk.written == 2
    assert sorted(bodies_of(folder)) == sorted(bodies(entries))


def test_a_write_returns_when_it_is_on_disk(disk: Disk, segment_disk: Disk, open_writer: OpenWriter) -> None:
    for number in range(2):
        writer = open_writer()
        writer.append(numbered(number + 1))
        writer.close()
    assert (disk.unsynced, segment_disk.unsynced) == (0, 0)


def test_what_another_process_has_left_is_on_disk_before_more_follows(
    disk: Disk, open_writer: OpenWriter, folder: Path
) -> None:
    writer = open_writer()
    writer.append(numbered(1))
    writer.close()
    [chain] = chains_in(folder)
    left = segment_file(chain, 1).stat().st_size
    assert disk.synced == []
    open_writer()
    assert disk.synced == [left]


def test_entries_that_nobody_waits_for_are_on_disk_soon(writer: Writer, folder: Path) -> None:
    entries = numbered(3)
    writer.append_soon(entries)
    wait_until(lambda: bodies_of(folder) == bodies(entries))


def test_whoever_waits_has_those_written_too_that_nobody_waits_for(
    rarely_flushed: None, open_writer: OpenWriter, folder: Path
) -> None:
    writer = open_writer()
    entries = numbered(4)
    writer.append_soon(entries[:3])
    assert bodies_of(folder) == []
    writer.append(entries[3:])
    assert bodies_of(folder) == bodies(entries)


# rulings


def test_a_ruling_is_written_once_a_segment_and_before_the_entry(writer: Writer, folder: Path) -> None:
    permit, deny = a_ruling(), a_ruling(allow=False)
    entries = [an_entry(permit), an_entry(permit), an_entry(deny), an_entry(permit), an_entry(permit, deny)]
    writer.append(entries[:3])
    writer.append(entries[3:])
    kept = [line if isinstance(line, Ruling) else type(line) for line in lines_of(chain_of(writer, folder))]
    assert kept == [Header, permit, KeptEntry, KeptEntry, deny, KeptEntry, KeptEntry, KeptEntry]


def test_a_ruling_is_written_again_in_each_segment(
    turned_over_at_once: None, writer: Writer, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    ruling = a_ruling()
    for number in range(1, 4):
        writer.append([an_entry(ruling)])
        wait_until(partial(has_segments, chain_of(writer, folder), number + 1))
    for segment in segments_of(chain_of(writer, folder))[:-1]:
        assert segment.read_bytes().count(ruling_line(ruling)) == 1
    assert_all_right()


def test_a_ruling_of_the_open_segment_is_known_to_the_next_process(open_writer: OpenWriter, folder: Path) -> None:
    ruling = a_ruling()
    for _ in range(2):
        writer = open_writer()
        writer.append([an_entry(ruling)])
        writer.close()
    [chain] = chains_in(folder)
    assert lines_of(chain).count(ruling) == 1


def test_a_ruling_that_could_not_be_written_is_written_with_the_next_entry(
    disk: Disk, writer: Writer, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    ruling = a_ruling()
    disk.cannot_sync = True
    with pytest.raises(JournalUnavailable):
        writer.append([an_entry(ruling)])
    disk.heal()
    writer.append([an_entry(ruling)])
    assert lines_of(chain_of(writer, folder)).count(ruling) == 1
    assert_all_right()


# blocks


def test_a_block_is_closed_soon_after_its_first_entry(
    signed_at_once: None, writer: Writer, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    for number in range(1, 4):
        writer.append(numbered(number))
        wait_until(partial(has_checkpoints, chain_of(writer, folder), number))
    assert [one.read().last for one in checkpoints_of(chain_of(writer, folder))] == [1, 3, 6]
    assert_all_right()


def test_without_entries_no_block_is_closed(signed_at_once: None, open_writer: OpenWriter, folder: Path) -> None:
    writer = open_writer()
    writer.append([an_entry()])
    wait_until(lambda: len(checkpoints_of(chain_of(writer, folder))) == 1)
    writer.close()
    open_writer().close()
    [chain] = chains_in(folder)
    assert len(checkpoints_of(chain)) == 1


def test_a_block_that_cannot_be_closed_is_closed_when_it_can_be(
    disk: Disk, signed_at_once: None, open_writer: OpenWriter, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    writer = open_writer()
    disk.room = 0
    entries = numbered(2)
    with capture_logs():
        with pytest.raises(JournalUnavailable):
            writer.append(entries[:1])
        disk.room = len(entry_line(1, b"-" * 32, entries[1].body))
        writer.append(entries[1:])
        wait_until(lambda: writer.error != "")
        assert checkpoints_of(chain_of(writer, folder)) == []
        disk.heal()
        wait_until(lambda: len(checkpoints_of(chain_of(writer, folder))) == 1)
    assert_all_right()


# the disk fails

_FAULTS: dict[str, dict[str, int | bool]] = {
    "no room": {"room": 0},
    "room for half a line": {"room": 100},
    "room for some lines": {"room": 700},
    "no sync": {"cannot_sync": True},
    "no room, and none can be made": {"room": 0, "cannot_truncate": True},
    "room for half a line, and none can be made": {"room": 100, "cannot_truncate": True},
    "no sync, and nothing can be taken back": {"cannot_sync": True, "cannot_truncate": True},
}


@pytest.fixture(params=_FAULTS.values(), ids=[*_FAULTS])
def break_disk(request: pytest.FixtureRequest, disk: Disk) -> Callable[[], None]:
    """Breaks the disk in one way."""

    def break_it() -> None:
        for name, value in request.param.items():
            setattr(disk, name, value)

    return break_it


def test_what_cannot_be_written_is_refused_and_nothing_of_it_stays(
    break_disk: Callable[[], None], disk: Disk, writer: Writer, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    before, refused, after = numbered(3), [an_entry(a_ruling(), number=number) for number in range(9)], numbered(3)
    writer.append(before)
    break_disk()
    with capture_logs() as logs, pytest.raises(JournalUnavailable, match=r"The journal cannot be written: \w+.*\."):
        writer.append(refused)
    assert logs[0]["event"] == "journal.cannot_be_written"
    disk.heal()
    writer.append(after)
    assert writer.error == ""
    assert bodies_of(folder) == bodies([*before, *after])
    assert_all_right()


def test_what_nobody_waits_for_is_written_at_once_also_where_the_disk_fails_at_first(
    disk: Disk, open_writer: OpenWriter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing but what waits wakes its thread.
    monkeypatch.setattr(writer_module, "CHECKPOINT_SECONDS", 3_600)
    writer = open_writer()
    first, second = numbered(2)
    writer.append_soon([first])
    wait_until(lambda: bodies_of(folder) == [first.body])
    disk.cannot_sync = True
    with capture_logs():
        writer.append_soon([second])
        wait_until(lambda: writer.error != "")
        disk.heal()
        wait_until(lambda: bodies_of(folder) == [first.body, second.body])


def test_as_long_as_the_disk_is_broken_the_writer_says_why(
    disk: Disk, open_writer: OpenWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "FLUSH_SECONDS", 0.001)
    writer = open_writer()
    assert writer.error == ""
    disk.room = 0
    with capture_logs() as logs:
        with pytest.raises(JournalUnavailable):
            writer.append([an_entry()])
        for tried in range(1, 20):
            wait_until(partial(has_taken_back, disk, tried))
            assert writer.error == "The journal cannot be written: No space left on device."
        disk.heal()
        wait_until(lambda: writer.error == "")
    events = [each["event"] for each in logs]
    assert events == ["journal.cannot_be_written", "journal.written_again"], "it says it once, however often it fails"


def test_the_writer_finds_out_by_itself_that_the_disk_is_well_again(
    break_disk: Callable[[], None], disk: Disk, writer: Writer, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    with capture_logs():
        break_disk()
        with pytest.raises(JournalUnavailable):
            writer.append(numbered(9))
        disk.heal()
        wait_until(lambda: writer.error == "")
    assert bodies_of(folder) == []
    assert_all_right()


def test_all_who_wait_are_refused_when_theirs_cannot_be_written(
    slow_disk: SlowDisk, open_writer: OpenWriter, folder: Path, rarely_flushed: None
) -> None:
    writer = open_writer()
    entries = numbered(6)
    with capture_logs(), ThreadPoolExecutor(6) as pool:
        first = pool.submit(writer.append, entries[:1])
        assert slow_disk.is_asked.wait(PATIENCE_SECONDS)
        taken = [TellsWhenTaken(entry) for entry in entries[1:]]
        others = [pool.submit(writer.append, each) for each in taken]
        assert all(each.taken.wait(PATIENCE_SECONDS) for each in taken)
        slow_disk.faults = [None, OSError(28, "No space left on device")]
        slow_disk.may_write.set()
        first.result(PATIENCE_SECONDS)
        assert {str(each.exception(PATIENCE_SECONDS)) for each in others} == {
            "The journal cannot be written: No space left on device."
        }
    assert bodies_of(folder) == bodies(entries[:1])


def test_nobody_is_told_that_an_entry_is_kept_when_writing_it_fails_otherwise(
    slow_disk: SlowDisk, open_writer: OpenWriter, folder: Path, rarely_flushed: None
) -> None:
    writer = open_writer()
    entries = numbered(3)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(writer.append, entries[:1])
        assert slow_disk.is_asked.wait(PATIENCE_SECONDS)
        taken = [TellsWhenTaken(entry) for entry in entries[1:]]
        others = []
        for each in taken:
            others.append(pool.submit(writer.append, each))
            assert each.taken.wait(PATIENCE_SECONDS)
        slow_disk.faults = [None, MemoryError()]
        slow_disk.may_write.set()
        first.result(PATIENCE_SECONDS)
        assert isinstance(others[0].exception(PATIENCE_SECONDS), MemoryError)
        assert isinstance(others[1].exception(PATIENCE_SECONDS), JournalUnavailable)
    assert bodies_of(folder) == bodies(entries[:1])


def test_entries_that_nobody_waits_for_outlive_a_fault(
    break_disk: Callable[[], None], disk: Disk, writer: Writer, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    entries = numbered(12)
    with capture_logs():
        break_disk()
        writer.append_soon(entries[:10])
        wait_until(lambda: writer.error != "")
        writer.append_soon(entries[10:])
        disk.heal()
        wait_until(lambda: bodies_of(folder) == bodies(entries))
    assert_all_right()


def test_entries_that_nobody_waits_for_stay_in_order_when_others_come_while_they_fail(
    slow_disk: SlowDisk, open_writer: OpenWriter, folder: Path
) -> None:
    writer = open_writer()
    entries = numbered(6)
    with capture_logs():
        writer.append_soon(entries[:3])
        assert slow_disk.is_asked.wait(PATIENCE_SECONDS)
        writer.append_soon(entries[3:])
        slow_disk.faults = [OSError(28, "No space left on device")]
        slow_disk.may_write.set()
        wait_until(lambda: len(bodies_of(folder)) == 6)
    assert bodies_of(folder) == bodies(entries)


def test_entries_that_nobody_waits_for_outlive_the_refusal_of_one_that_somebody_waits_for(
    disk: Disk, rarely_flushed: None, open_writer: OpenWriter, folder: Path
) -> None:
    writer = open_writer()
    soon, refused, after = numbered(3), an_entry(), an_entry()
    writer.append_soon(soon)
    disk.cannot_sync = True
    with capture_logs(), pytest.raises(JournalUnavailable):
        writer.append([refused])
    disk.heal()
    writer.append([after])
    assert bodies_of(folder) == bodies([*soon, after])


def test_what_a_reader_sees_while_the_disk_is_full_stays_true(
    disk: Disk, rarely_flushed: None, open_writer: OpenWriter, folder: Path
) -> None:
    """An indexer reads the file at any moment, and goes on where it has ended."""
    writer = open_writer()
    writer.append(numbered(1))
    [segment] = segments_of(chain_of(writer, folder))
    before = segment.read_bytes()
    disk.room = 700
    with capture_logs(), pytest.raises(JournalUnavailable):
        writer.append(numbered(9))
    assert segment.read_bytes() == before


# made when they are written


def test_what_is_made_soon_is_on_disk_in_order_among_others(
    rarely_flushed: None, open_writer: OpenWriter, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    writer = open_writer()
    entries = numbered(7)
    writer.append_soon(entries[:2])
    writer.make_soon(lambda of: [entries[number] for number in of], range(2, 5))
    writer.append_soon(entries[5:6])
    assert bodies_of(folder) == []
    writer.append(entries[6:])
    assert bodies_of(folder) == bodies(entries)
    assert_all_right()


def test_what_comes_one_after_the_other_is_made_in_one_go(
    rarely_flushed: None, open_writer: OpenWriter, folder: Path
) -> None:
    writer = open_writer()
    entries = numbered(5)
    made: list[list[int]] = []

    def make(of: Sequence[int]) -> list[Entry]:
        made.append(list(of))
        return [entries[number] for number in of]

    writer.make_soon(make, [0])
    writer.make_soon(make, [1, 2])
    writer.append_soon(entries[3:4])
    writer.make_soon(make, [4])
    writer.close()
    assert made == [[0, 1, 2], [4]]
    assert bodies_of(folder) == bodies(entries)


def test_what_is_made_soon_is_made_again_after_a_fault_of_the_disk(
    disk: Disk, open_writer: OpenWriter, folder: Path
) -> None:
    writer = open_writer()
    entries = numbered(3)
    disk.room = 0
    with capture_logs():
        writer.make_soon(lambda of: [entries[number] for number in of], range(3))
        wait_until(lambda: writer.error != "")
        disk.heal()
        wait_until(lambda: writer.error == "")
    assert bodies_of(folder) == bodies(entries)


def test_what_cannot_be_made_is_told_once_and_kept_and_the_writer_goes_on_when_it_can_be(
    open_writer: OpenWriter, folder: Path, monkeypatch: pytest.MonkeyPatch, assert_all_right: Callable[[], None]
) -> None:
    monkeypatch.setattr(writer_module, "FLUSH_SECONDS", 0.001)
    entries = numbered(6)
    tries: list[int] = []
    may_be_made = threading.Event()

    def make(of: Sequence[int]) -> list[Entry]:
        tries.append(len(tries))
        if not may_be_made.is_set():
            raise MemoryError
        return [entries[number] for number in of]

    with capture_logs() as logs:
        writer = open_writer()
        writer.append(entries[:1])
        writer.append_soon(entries[1:2])
        writer.make_soon(make, range(2, 5))
        wait_until(lambda: writer.error != "")
        assert writer.error == "The journal cannot be written: MemoryError."
        wait_until(lambda: len(tries) > 9)
        may_be_made.set()
        wait_until(lambda: writer.error == "")
        writer.append(entries[5:])
    assert bodies_of(folder) == bodies(entries)
    assert [(each["event"], each.get("exc_info")) for each in logs] == [
        ("journal.cannot_be_written", True),
        ("journal.written_again", None),
    ]
    assert_all_right()


def test_as_long_as_something_cannot_be_made_there_is_room_for_so_many_and_no_more(
    open_writer: OpenWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MOST_WAITING", 5)
    monkeypatch.setattr(writer_module, "FULL_PATIENCE_SECONDS", 0.01)
    writer = open_writer()

    def make(of: Sequence[Entry]) -> Sequence[Entry]:
        if not may_be_made.is_set():
            raise MemoryError
        return of

    may_be_made = threading.Event()
    with capture_logs():
        writer.make_soon(make, numbered(5))
        wait_until(lambda: writer.error != "")
        with pytest.raises(JournalUnavailable, match="MemoryError"):
            writer.append_soon(numbered(1))
        may_be_made.set()
        wait_until(lambda: writer.error == "")
        writer.append_soon(numbered(1))


# too many wait


def test_whoever_comes_when_too_many_wait_is_refused_after_a_while(
    disk: Disk, open_writer: OpenWriter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MOST_WAITING", 5)
    monkeypatch.setattr(writer_module, "FULL_PATIENCE_SECONDS", 0.2)
    writer = open_writer()
    disk.room = 0
    entries = numbered(5)
    with capture_logs():
        writer.append_soon(entries)
        wait_until(lambda: writer.error != "")
        for _ in range(3):
            start = time.monotonic()
            with pytest.raises(JournalUnavailable, match="No space left on device"):
                writer.append_soon(numbered(1))
            assert time.monotonic() - start >= 0.2
        disk.heal()
        wait_until(lambda: bodies_of(folder) == bodies(entries))


def test_a_writer_that_is_only_slow_is_said_to_be_slow(
    rarely_flushed: None, open_writer: OpenWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MOST_WAITING", 2)
    monkeypatch.setattr(writer_module, "FULL_PATIENCE_SECONDS", 0.01)
    writer = open_writer()
    writer.append_soon(numbered(2))
    with pytest.raises(JournalUnavailable, match="too slowly"):
        writer.append_soon(numbered(1))


def test_whoever_comes_when_too_many_wait_goes_on_as_soon_as_there_is_room(
    rarely_flushed: None, open_writer: OpenWriter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MOST_WAITING", 2)
    monkeypatch.setattr(writer_module, "FULL_PATIENCE_SECONDS", PATIENCE_SECONDS)
    writer = open_writer()
    entries = numbered(4)
    writer.append_soon(entries[:2])
    late = threading.Thread(target=writer.append_soon, args=(entries[3:],))
    late.start()
    writer.append(entries[2:3])
    late.join(PATIENCE_SECONDS)
    assert not late.is_alive()
    writer.close()
    assert bodies_of(folder) == bodies(entries)


def test_whoever_waits_for_room_is_refused_when_the_writer_closes(
    rarely_flushed: None, open_writer: OpenWriter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MOST_WAITING", 2)
    monkeypatch.setattr(writer_module, "FULL_PATIENCE_SECONDS", PATIENCE_SECONDS)
    writer = open_writer()
    entries = numbered(2)
    writer.append_soon(entries)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(writer.append_soon, numbered(1))
        writer.close()
        assert isinstance(late.exception(PATIENCE_SECONDS), JournalUnavailable)
    assert bodies_of(folder) == bodies(entries)


# closing


def test_closing_writes_what_is_left_and_signs_it(
    rarely_flushed: None, open_writer: OpenWriter, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    writer = open_writer()
    writer.append(numbered(2))
    writer.append_soon(numbered(3))
    writer.close()
    [chain] = chains_in(folder)
    [signed] = checkpoints_of(chain)
    assert (signed.read().first, signed.read().last) == (1, 5)
    assert_all_right()


def test_a_closed_writer_takes_nothing(writer: Writer, folder: Path) -> None:
    writer.close()
    for append in (writer.append, writer.append_soon):
        with pytest.raises(JournalUnavailable, match="has been closed"):
            append([an_entry()])
    assert bodies_of(folder) == []


def test_closing_twice_is_closing_once(writer: Writer, folder: Path) -> None:
    writer.append([an_entry()])
    writer.close()
    content = [segment.read_bytes() for segment in segments_of(chain_of(writer, folder))]
    writer.close()
    assert [segment.read_bytes() for segment in segments_of(chain_of(writer, folder))] == content


def test_whoever_appends_while_it_closes_is_kept_or_refused(
    open_writer: OpenWriter, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    for _ in range(10):
        writer = open_writer()
        kept: list[bytes] = []
        together = threading.Barrier(5)

        def append(writer: Writer = writer, kept: list[bytes] = kept, together: threading.Barrier = together) -> None:
            together.wait(PATIENCE_SECONDS)
            while True:
                entry = an_entry()
                try:
                    writer.append([entry])
                except JournalUnavailable:
                    return
                kept.append(entry.body)

        with ThreadPoolExecutor(4) as pool:
            for _ in range(4):
                pool.submit(append)
            together.wait(PATIENCE_SECONDS)
            wait_until(partial(has_some, kept))
            writer.close()
        assert set(kept) <= set(bodies_of(folder))
    assert_all_right()


# chains


def test_a_second_writer_takes_another_chain_while_the_first_is_open(open_writer: OpenWriter, folder: Path) -> None:
    first, second = open_writer(), open_writer()
    assert first.chain != second.chain
    assert {chain.name for chain in chains_in(folder)} == {first.chain, second.chain}
    assert all(is_taken(chain) for chain in chains_in(folder))


def test_a_chain_is_free_when_its_writer_has_closed(writer: Writer, folder: Path) -> None:
    writer.close()
    assert not is_taken(chain_of(writer, folder))


def test_the_next_writer_goes_on_with_the_chain_of_one_that_has_closed(
    open_writer: OpenWriter, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    chains = set()
    for _ in range(3):
        writer = open_writer()
        writer.append(numbered(2))
        writer.close()
        chains.add(writer.chain)
    [chain] = chains_in(folder)
    assert chains == {chain.name}
    assert [entry.sequence for entry in entries_of(chain)] == [1, 2, 3, 4, 5, 6]
    assert [signed.read().block for signed in checkpoints_of(chain)] == [1, 2, 3]
    assert len(segments_of(chain)) == 1
    assert_all_right()


def test_writers_that_open_at_once_have_a_chain_each(folder: Path, signing_key: Ed25519PrivateKey) -> None:
    with ThreadPoolExecutor(8) as pool:
        writers = list(pool.map(lambda _: Writer(folder, Signer(signing_key)), range(8)))
    assert len({writer.chain for writer in writers}) == 8
    for writer in writers:
        writer.close()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, signing_key: Ed25519PrivateKey) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalUnavailable, match=r"file/journal cannot be written: Not a directory\."):
        Writer(tmp_path / "file" / "journal", Signer(signing_key))


def test_what_else_is_in_the_folder_is_left_alone(open_writer: OpenWriter, folder: Path) -> None:
    (folder / "notes").mkdir(parents=True)
    writer = open_writer()
    (chain_of(writer, folder) / "copy of 1.journal").write_text("mine")
    (chain_of(writer, folder) / ".00000007.journal").write_text("half of an archived one")
    writer.append([an_entry()])
    writer.close()
    open_writer().append([an_entry()])
    assert [chain.name for chain in chains_in(folder)] == [writer.chain]
    assert len(entries_of(chain_of(writer, folder))) == 2
    assert (chain_of(writer, folder) / "copy of 1.journal").read_text() == "mine"


# taking up what a crash has left


@pytest.fixture
def crashed(open_writer: OpenWriter, folder: Path) -> Callable[[bytes], Path]:
    """Leaves a chain whose one segment ends as a crash might have left it; returns the segment."""

    def crash(content: bytes) -> Path:
        writer = open_writer()
        writer.append(numbered(2))
        writer.close()
        [segment] = segments_of(chain_of(writer, folder))
        segment.write_bytes(segment.read_bytes() + content)
        return segment

    return crash


def test_the_last_line_torn_at_any_byte_is_put_aside_and_the_chain_goes_on(
    folder: Path, signing_key: Ed25519PrivateKey, open_writer: OpenWriter, assert_all_right: Callable[[], None]
) -> None:
    writer = open_writer()
    writer.append([an_entry(a_ruling())])
    writer.close()
    [segment] = segments_of(chain_of(writer, folder))
    whole = segment.read_bytes()
    last = entry_line(2, b"-" * 32, an_entry(number=1).body)
    for torn in range(1, len(last)):
        segment.write_bytes(whole + last[:torn])
        with capture_logs() as logs:
            following = Writer(folder, Signer(signing_key))
        following.append([an_entry()])
        following.close()
        aside = segment.with_name(f"{segment.name}.torn-{len(whole)}")
        assert aside.read_bytes() == last[:torn]
        assert [(each["event"], each["bytes"]) for each in logs] == [("journal.half_a_line_put_aside", torn)]
        assert segment.read_bytes().startswith(whole)
        assert [entry.sequence for entry in entries_of(segment.parent)] == [1, 2]
        assert_all_right()
        aside.unlink()


@pytest.mark.parametrize(
    "rest",
    [
        b"\0" * 4096,
        b"\0" * 100 + b"\n",
        b"entry 3 \n",
        b"ruling \nentry 3",
        b"\n\n\n",
        b"entry 3 " + b"a" * 64 + b" {\r",
    ],
)
def test_whatever_stands_behind_the_last_whole_line_is_put_aside(
    crashed: Callable[[bytes], Path],
    rest: bytes,
    open_writer: OpenWriter,
    folder: Path,
    assert_all_right: Callable[[], None],
) -> None:
    segment = crashed(rest)
    with capture_logs():
        open_writer().append([an_entry()])
    [aside] = segment.parent.glob("*.torn-*")
    assert aside.read_bytes() == rest
    assert [entry.sequence for entry in entries_of(segment.parent)] == [1, 2, 3]
    assert_all_right()


def test_entries_that_were_not_signed_before_a_crash_are_signed_afterwards(
    signed_at_once: None, open_writer: OpenWriter, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    writer = open_writer()
    writer.append(numbered(3))
    writer.close()
    [segment] = segments_of(chain_of(writer, folder))
    lines = segment.read_bytes().splitlines(keepends=True)
    assert lines[-1].startswith(b"checkpoint ")
    segment.write_bytes(b"".join(lines[:-1]))
    open_writer()
    wait_until(lambda: len(checkpoints_of(segment.parent)) == 1)
    [signed] = checkpoints_of(segment.parent)
    assert (signed.read().block, signed.read().first, signed.read().last) == (1, 1, 3)
    assert_all_right()


@pytest.mark.parametrize("torn", [0, 1, 50, -1])
def test_a_chain_whose_first_segment_has_no_whole_header_begins_anew(
    torn: int, open_writer: OpenWriter, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    writer = open_writer()
    writer.close()
    [segment] = segments_of(chain_of(writer, folder))
    rest = segment.read_bytes()[:torn]
    segment.write_bytes(rest)
    following = open_writer()
    following.append([an_entry()])
    assert following.chain == writer.chain
    assert segment.with_name(f"{segment.name}.torn-0").read_bytes() == rest
    assert [entry.sequence for entry in entries_of(segment.parent)] == [1]
    assert_all_right()


def test_where_a_later_segment_has_no_whole_header_the_one_before_goes_on(
    crashed: Callable[[bytes], Path], open_writer: OpenWriter, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    segment = crashed(b"")
    torn = segment_file(segment.parent, 2)
    torn.write_bytes(b"segment {")
    open_writer().append([an_entry()])
    assert segments_of(segment.parent) == [segment]
    assert torn.with_name(f"{torn.name}.torn-0").read_bytes() == b"segment {"
    assert [entry.sequence for entry in entries_of(segment.parent)] == [1, 2, 3]
    assert_all_right()


def test_a_line_that_is_wrong_in_the_middle_stays_for_whoever_verifies(
    crashed: Callable[[bytes], Path], open_writer: OpenWriter, folder: Path
) -> None:
    segment = crashed(b"")
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join([lines[0], b"garbage\n", *lines[1:]]))
    with capture_logs() as logs:
        writer = open_writer()
    assert [each["event"] for each in logs] == ["journal.line_is_wrong"]
    writer.append([an_entry()])
    assert b"\ngarbage\n" in segment.read_bytes()
    assert segment.read_bytes().splitlines()[-1].startswith(b"entry 3 ")


@pytest.mark.parametrize(
    "line",
    [
        b"segment []\n",
        b'segment {"format":1,"chain":1,"number":1,"first":"1","previous":1,"block":1,"checkpoint":1}\n',
        b"segment " + b"[" * 100_000 + b"\n",
        b"checkpoint " + b"a" * 128 + b" " + b"[" * 100_000 + b"\n",
        b"checkpoint " + b"a" * 128 + b" []\n",
        b"entry " + b"9" * 5_000 + b" " + b"a" * 64 + b" {}\n",
        b"\xff\xfe\n",
    ],
)
def test_no_line_keeps_a_writer_from_starting(
    line: bytes, crashed: Callable[[bytes], Path], open_writer: OpenWriter, folder: Path
) -> None:
    segment = crashed(b"")
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join([lines[0], line, *lines[1:]]))
    with capture_logs():
        writer = open_writer()
    writer.append([an_entry()])
    assert writer.chain == segment.parent.name
    assert segment.read_bytes().splitlines()[-1].startswith(b"entry 3 ")


# segments


def test_a_full_segment_is_followed_by_another(
    turned_over_at_once: None, writer: Writer, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    for number in range(1, 4):
        writer.append(numbered(2))
        wait_until(partial(has_segments, chain_of(writer, folder), number + 1))
    headers = [line for line in lines_of(chain_of(writer, folder)) if isinstance(line, Header)]
    signed = checkpoints_of(chain_of(writer, folder))
    entries = entries_of(chain_of(writer, folder))
    assert [header.number for header in headers] == [1, 2, 3, 4]
    assert [header.first for header in headers] == [1, 3, 5, 7]
    assert [header.previous for header in headers[1:]] == [entries[last].hash for last in (1, 3, 5)]
    assert [header.block for header in headers] == [0, 1, 2, 3]
    assert [header.checkpoint for header in headers[1:]] == [one.digest for one in signed]
    assert_all_right()


def test_a_segment_of_another_day_is_followed_by_one_of_today(
    open_writer: OpenWriter, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    writer = open_writer()
    writer.append(numbered(2))
    writer.close()
    [segment] = segments_of(chain_of(writer, folder))
    yesterday = (datetime.now(UTC) - timedelta(days=1)).timestamp()
    os.utime(segment, (yesterday, yesterday))
    open_writer()
    wait_until(lambda: len(segments_of(segment.parent)) == 2)
    assert [line.first for line in lines_of(segment.parent) if isinstance(line, Header)] == [1, 3]
    assert_all_right()


def test_a_chain_goes_on_in_its_last_segment(
    turned_over_at_once: None, open_writer: OpenWriter, folder: Path, assert_all_right: Callable[[], None]
) -> None:
    for number in range(1, 4):
        writer = open_writer()
        writer.append(numbered(2))
        wait_until(partial(has_segments, chain_of(writer, folder), number + 1))
        writer.close()
    [chain] = chains_in(folder)
    assert [entry.sequence for entry in entries_of(chain)] == [1, 2, 3, 4, 5, 6]
    assert_all_right()


def test_callers_notice_nothing_of_new_segments(
    turned_over_at_once: None,
    open_writer: OpenWriter,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    assert_all_right: Callable[[], None],
) -> None:
    monkeypatch.setattr(writer_module, "FLUSH_SECONDS", 0.001)
    writer = open_writer()
    entries = numbered(400)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(writer.append, [[entry] for entry in entries]))
    assert sorted(bodies_of(folder)) == sorted(bodies(entries))
    wait_until(lambda: len(segments_of(chain_of(writer, folder))) > 3)
    writer.close()
    assert_all_right()


@pytest.mark.parametrize("fault", [{"room": 0}, {"room": 100}, {"cannot_sync": True}], ids=str)
def test_a_segment_that_cannot_be_begun_is_not_seen_and_the_one_before_goes_on(
    fault: dict[str, int | bool],
    segment_disk: Disk,
    open_writer: OpenWriter,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    assert_all_right: Callable[[], None],
) -> None:
    writer = open_writer()
    for name, value in fault.items():
        setattr(segment_disk, name, value)
    monkeypatch.setattr(writer_module, "SEGMENT_BYTES", 400)
    with capture_logs():
        writer.append(numbered(2))
        wait_until(lambda: writer.error != "")
        assert [segment.name for segment in segments_of(chain_of(writer, folder))] == ["00000001.journal"]
        writer.append(numbered(2))
        wait_until(lambda: writer.error != "")
        segment_disk.heal()
        wait_until(lambda: len(segments_of(chain_of(writer, folder))) == 2)
        wait_until(lambda: writer.error == "")
    assert [line.first for line in lines_of(chain_of(writer, folder)) if isinstance(line, Header)] == [1, 5]
    assert_all_right()


def test_a_segment_whose_name_cannot_be_kept_is_not_seen(
    open_writer: OpenWriter, folder: Path, monkeypatch: pytest.MonkeyPatch, assert_all_right: Callable[[], None]
) -> None:
    writer = open_writer()

    def fail(_: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(tail_module, "sync_folder", fail)
    monkeypatch.setattr(writer_module, "SEGMENT_BYTES", 400)
    with capture_logs():
        writer.append(numbered(2))
        wait_until(lambda: writer.error == "The journal cannot be written: Input/output error.")
        writer.append(numbered(1))
        monkeypatch.setattr(tail_module, "sync_folder", sync_folder)
        wait_until(lambda: len(segments_of(chain_of(writer, folder))) == 2)
    assert [entry.sequence for entry in entries_of(chain_of(writer, folder))] == [1, 2, 3]
    assert_all_right()


def test_a_segment_is_seen_once_its_header_is_whole(
    open_writer: OpenWriter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class BitByBit(Disk):
        def write(self, file: int, data: memoryview) -> int:
            seen = [segment.read_bytes() for chain in chains_in(folder) for segment in segments_of(chain)]
            assert all(content.startswith(b"segment {") and b"\n" in content for content in seen)
            return os.write(file, data[:7])

    monkeypatch.setattr(tail_module, "os", BitByBit())
    monkeypatch.setattr(writer_module, "os", BitByBit())
    writer = open_writer()
    writer.append(numbered(2))
    assert [type(line) for line in lines_of(chain_of(writer, folder))] == [Header, KeptEntry, KeptEntry]


def test_no_segment_is_left_with_what_could_not_be_taken_back(
    disk: Disk,
    turned_over_at_once: None,
    open_writer: OpenWriter,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    assert_all_right: Callable[[], None],
) -> None:
    monkeypatch.setattr(writer_module, "SEGMENT_BYTES", 1)
    monkeypatch.setattr(writer_module, "FLUSH_SECONDS", 0.001)
    disk.room, disk.cannot_truncate = 1_000, True
    writer = open_writer()
    with capture_logs():
        with pytest.raises(JournalUnavailable):
            writer.append([an_entry(text="x" * 2_000)])
        left = len(segments_of(chain_of(writer, folder)))
        assert not [_ for _ in range(2_000) if len(segments_of(chain_of(writer, folder))) > left]
        disk.heal()
        wait_until(lambda: writer.error == "")
    writer.close()
    assert_all_right()


def test_an_entry_is_kept_to_the_byte(writer: Writer, folder: Path) -> None:
    body = json.dumps({"id": "x", "text": 'é \N{GRINNING FACE} \\ " \n'}).encode()
    writer.append([Entry(body)])
    assert bodies_of(folder) == [body]
