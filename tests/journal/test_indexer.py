import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, Text, cast, delete, event, select, text
from structlog.testing import capture_logs

from authz_service.errors import DatabaseUnavailable, JournalUnavailable
from authz_service.ids import first_id_at, new_id
from authz_service.journal import indexer as indexer_module
from authz_service.journal import outbox as outbox_module
from authz_service.journal import writer as writer_module
from authz_service.journal.chain import link
from authz_service.journal.checkpoint import SignedCheckpoint, Signer
from authz_service.journal.entries import Entries, Entry
from authz_service.journal.folder import chains_in, segments_of
from authz_service.journal.indexer import Indexer, count_entries
from authz_service.journal.lines import entry_line, parse_line, ruling_line
from authz_service.journal.loading import SINGLE
from authz_service.journal.outbox import order_entry, relay
from authz_service.journal.partitions import Partitions
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.journal.shadow_counts import count_differences
from authz_service.journal.standing import find_standing
from authz_service.journal.worker import IndexWorker
from authz_service.journal.writer import Writer
from authz_service.questions import Ruling
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import (
    journal_chains,
    journal_checkpoints,
    journal_entries,
    journal_outbox,
    journal_rulings,
)
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
    on_sqlite_alone,
)
from tests.processes import wait_until

Stop = Callable[[], None]
StartWorker = Callable[[Writer], Stop]


class Loaded(NamedTuple):
    """An entry as the database has it."""

    chain: str
    sequence: int
    id: str
    item: int
    hash: str
    body: str


@pytest.fixture
def indexer(any_database: Engine, folder: Path) -> Indexer:
    return Indexer(any_database, folder)


@pytest.fixture
def rulings() -> list[Ruling]:
    return [a_ruling(), a_ruling(allow=False), a_ruling("second")]


def loaded(database: Engine) -> list[Loaded]:
    """All entries of the database, chain by chain."""
    query = (
        select(
            journal_chains.c.chain,
            journal_entries.c.sequence,
            journal_entries.c.id,
            journal_entries.c.item,
            journal_entries.c.hash,
            cast(journal_entries.c.body, Text),
        )
        .join(journal_chains, journal_chains.c.number == journal_entries.c.chain)
        .order_by(journal_chains.c.chain, journal_entries.c.sequence)
    )
    with reading(database) as connection:
        return [Loaded(*row) for row in connection.execute(query)]


def bodies_in(database: Engine) -> list[bytes]:
    return [each.body.encode() for each in loaded(database)]


def as_in_files(folder: Path) -> list[Loaded]:
    """The same of the files."""
    found = []
    for chain in chains_in(folder):
        for entry in entries_of(chain):
            body = json.loads(entry.body)
            found.append(
                Loaded(
                    chain.name, entry.sequence, body["id"], body.get("item", SINGLE), entry.hash, entry.body.decode()
                )
            )
    return found


def rulings_in(database: Engine) -> dict[str, str]:
    with reading(database) as connection:
        return {row.digest: row.content for row in connection.execute(select(journal_rulings))}


def checkpoints_in(database: Engine) -> list[SignedCheckpoint]:
    with reading(database) as connection:
        rows = connection.execute(select(journal_checkpoints).order_by("chain", "block"))
        return [SignedCheckpoint(row.signature, row.payload.encode()) for row in rows]


def empty(database: Engine) -> None:
    """As it is when nothing has been loaded."""
    with writing(database) as connection:
        for table in (journal_entries, journal_checkpoints, journal_rulings, journal_chains):
            connection.execute(delete(table))


def has_entries(database: Engine, number: int) -> bool:
    return len(loaded(database)) == number


def assert_kept_once(entry: Entry, database: Engine, folder: Path) -> None:
    assert bodies_of(folder) == [entry.body]
    assert bodies_in(database) == [entry.body]


def fail_for_others(database: Engine, fails: Callable[[str], bool]) -> None:
    """Whatever is asked from another thread than the test's fails, if the function says so of the statement."""

    def look(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if threading.current_thread() is not threading.main_thread() and fails(statement):
            raise OSError("the database is gone")

    event.listen(database, "before_cursor_execute", look)


def event_names(logs: Sequence[Any]) -> list[str]:
    return [each["event"] for each in logs]


def rewrite(segment: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Changes the lines of a segment behind the writer's back."""
    lines = segment.read_bytes().split(b"\n")[:-1]
    segment.write_bytes(b"".join(line + b"\n" for line in change(lines)))


# what is loaded


def test_what_was_written_is_in_the_database_to_the_byte(
    any_database: Engine, indexer: Indexer, writer: Writer, folder: Path, rulings: list[Ruling]
) -> None:
    odd = Entry(
        b'{"id":"%s" , "kind": "decision","z":1.50,"a":[ ],"a b":"\\u00e9\\ud83d\\ude00\\\\u0000"}' % new_id().encode()
    )
    call = new_id()
    writer.append([an_entry(ruling, text="é") for ruling in rulings])
    writer.append([Entry(b'{"id":"%s","item":%d,"kind":"decision"}' % (call.encode(), item)) for item in range(12)])
    writer.append([Entry(odd.body.replace(b'" ,', b'",'))])
    writer.close()
    assert indexer.catch_up() == 16
    assert loaded(any_database) == as_in_files(folder)
    assert rulings_in(any_database) == {ruling.digest: ruling.content.decode() for ruling in rulings}
    assert checkpoints_in(any_database) == checkpoints_of(chain_of(writer, folder))


def test_catching_up_again_loads_nothing_twice(
    any_database: Engine, indexer: Indexer, writer: Writer, folder: Path, rulings: list[Ruling]
) -> None:
    writer.append([an_entry(*rulings)])
    writer.close()
    assert [indexer.catch_up() for _ in range(3)] == [1, 0, 0]
    assert Indexer(any_database, folder).catch_up() == 0
    assert loaded(any_database) == as_in_files(folder)


@on_sqlite_alone
def test_catching_up_goes_on_where_it_has_ended(
    any_database: Engine, indexer: Indexer, writer: Writer, folder: Path
) -> None:
    for count in (1, 3, 2):
        writer.append([an_entry() for _ in range(count)])
        assert indexer.catch_up() == count
    assert loaded(any_database) == as_in_files(folder)


@on_sqlite_alone
def test_another_indexer_goes_on_where_the_one_before_has_ended(
    any_database: Engine, writer: Writer, folder: Path
) -> None:
    for _ in range(3):
        writer.append([an_entry()])
        assert Indexer(any_database, folder).catch_up() == 1
    assert loaded(any_database) == as_in_files(folder)


@on_sqlite_alone
def test_where_no_file_has_changed_the_database_is_not_asked(
    any_database: Engine, writer: Writer, open_writer: OpenWriter, indexer: Indexer
) -> None:
    writer.append([an_entry()])
    indexer.catch_up()
    indexer.catch_up()
    asked: list[str] = []
    event.listen(any_database, "before_cursor_execute", lambda *about: asked.append(about[2]))
    assert indexer.catch_up() == 0
    assert asked == []
    writer.append([an_entry()])
    assert indexer.catch_up() == 1
    # Of a chain that there was not.
    open_writer().append([an_entry()])
    assert indexer.catch_up() == 1


@pytest.mark.parametrize("has_to_look", [True, False])
def test_a_database_that_has_become_another_one_is_given_everything_though_no_file_has_changed(
    any_database: Engine, writer: Writer, indexer: Indexer, monkeypatch: pytest.MonkeyPatch, *, has_to_look: bool
) -> None:
    if not has_to_look:
        monkeypatch.setattr(indexer_module, "_LOOK_ANYWAY_SECONDS", 0.0)
    writer.append([an_entry(), an_entry()])
    indexer.catch_up()
    empty(any_database)
    assert indexer.catch_up(has_to_look=has_to_look) == 2


def test_every_chain_of_the_folder_is_loaded(
    any_database: Engine, indexer: Indexer, open_writer: OpenWriter, folder: Path
) -> None:
    for writer in [open_writer() for _ in range(3)]:
        writer.append([an_entry(), an_entry()])
    assert indexer.catch_up() == 6
    assert loaded(any_database) == as_in_files(folder)


@on_sqlite_alone
def test_where_there_is_no_journal_there_is_nothing_to_load(any_database: Engine, indexer: Indexer) -> None:
    assert indexer.catch_up() == 0
    assert (loaded(any_database), count_entries(any_database)) == ([], 0)


@on_sqlite_alone
def test_a_line_is_loaded_once_it_is_whole(
    any_database: Engine, indexer: Indexer, writer: Writer, folder: Path
) -> None:
    writer.append([an_entry()])
    writer.close()
    [segment] = segments_of(chain_of(writer, folder))
    whole = segment.read_bytes()
    line = entry_line(2, b"-" * 32, an_entry().body)
    assert indexer.catch_up() == 1
    with capture_logs() as logs:
        for torn in (1, 10, len(line) - 1):
            segment.write_bytes(whole + line[:torn])
            assert indexer.catch_up() == 0
    assert logs == []
    segment.write_bytes(whole + line)
    with capture_logs():
        assert indexer.catch_up() == 1


@pytest.mark.parametrize("size", [1, 64, 1000])
@on_sqlite_alone
def test_lines_longer_than_what_is_read_at_once_are_loaded_whole(
    any_database: Engine, writer: Writer, folder: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(indexer_module, "_CHUNK_BYTES", size)
    writer.append([an_entry(text="x" * length) for length in (0, 1, 300, 5_000, 2)])
    writer.close()
    with capture_logs() as logs:
        assert Indexer(any_database, folder).catch_up() == 5
    assert loaded(any_database) == as_in_files(folder)
    assert logs == []


@on_sqlite_alone
def test_an_entry_of_a_call_of_several_is_kept_under_its_item(
    any_database: Engine, indexer: Indexer, writer: Writer
) -> None:
    call = new_id().encode()
    writer.append(
        [Entry(b'{"id":"%s","item":%d,"kind":"decision"}' % (call, item)) for item in (0, 1, 10, 999_999_999)]
    )
    indexer.catch_up()
    assert [each.item for each in loaded(any_database)] == [0, 1, 10, 999_999_999]


@on_sqlite_alone
def test_an_entry_that_is_in_two_chains_is_loaded_of_both(
    any_database: Engine, indexer: Indexer, open_writer: OpenWriter
) -> None:
    entry = an_entry()
    for writer in (open_writer(), open_writer()):
        writer.append([entry])
    indexer.catch_up()
    assert bodies_in(any_database) == [entry.body, entry.body]


# segments


@on_sqlite_alone
def test_all_segments_of_a_chain_are_loaded(
    any_database: Engine, indexer: Indexer, writer: Writer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "SEGMENT_BYTES", 400)
    ruling = a_ruling()
    for number in range(2, 6):
        writer.append([an_entry(ruling), an_entry(ruling)])
        if number % 2:
            indexer.catch_up()
        wait_until(partial(has_segments, chain_of(writer, folder), number))
    with capture_logs() as logs:
        indexer.catch_up()
    assert len(loaded(any_database)) == 8
    assert loaded(any_database) == as_in_files(folder)
    assert checkpoints_in(any_database) == checkpoints_of(chain_of(writer, folder))
    assert find_standing(any_database, folder).bytes_behind == 0
    assert logs == []


@on_sqlite_alone
def test_segments_that_were_loaded_may_be_put_away(
    any_database: Engine, indexer: Indexer, segments: list[Path], folder: Path
) -> None:
    indexer.catch_up()
    for segment in segments[:-1]:
        segment.unlink()
    assert indexer.catch_up() == 0
    assert len(loaded(any_database)) == 6
    assert find_standing(any_database, folder).bytes_behind == 0


@on_sqlite_alone
def test_a_new_database_has_what_was_not_put_away_and_finds_nothing_wrong_with_it(
    any_database: Engine, indexer: Indexer, segments: list[Path], folder: Path
) -> None:
    segments[0].unlink()
    with capture_logs() as logs:
        assert indexer.catch_up() == 4
    assert logs == []
    assert [each.sequence for each in loaded(any_database)] == [3, 4, 5, 6]
    assert loaded(any_database) == as_in_files(folder)
    assert count_entries(any_database) == 6


@pytest.mark.parametrize("left", [b"", b"half of a line"])
@on_sqlite_alone
def test_a_segment_without_a_whole_line_does_not_stop_those_after_it(
    any_database: Engine, segments: list[Path], folder: Path, left: bytes
) -> None:
    segments[0].write_bytes(left)
    with capture_logs():
        assert Indexer(any_database, folder).catch_up() == 4
    assert [each.sequence for each in loaded(any_database)] == [3, 4, 5, 6]


@on_sqlite_alone
def test_a_segment_cut_off_in_a_line_does_not_stop_those_after_it(
    any_database: Engine, segments: list[Path], folder: Path
) -> None:
    content = segments[0].read_bytes()
    segments[0].write_bytes(content[: content.rindex(b"\nentry 2 ") + 50])
    with capture_logs() as logs:
        assert Indexer(any_database, folder).catch_up() == 5
    assert [each.sequence for each in loaded(any_database)] == [1, 3, 4, 5, 6]
    assert event_names(logs) == ["journal.entry_is_wrong"]


@pytest.fixture
def segments(open_writer: OpenWriter, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Three segments of two entries each, of a chain that is closed."""
    for number in (1, 2, 3):
        writer = open_writer()
        writer.append([an_entry(a_ruling()), an_entry(a_ruling())])
        if number < 3:
            with monkeypatch.context() as patched:
                patched.setattr(writer_module, "SEGMENT_BYTES", 400)
                wait_until(partial(has_segments, chain_of(writer, folder), number + 1))
        writer.close()
    [chain] = chains_in(folder)
    return segments_of(chain)


# what was changed behind the writer's back


def test_an_entry_that_was_changed_is_loaded_as_it_is_now_and_logged_and_nothing_else_is(
    any_database: Engine, indexer: Indexer, writer: Writer, folder: Path
) -> None:
    writer.append([an_entry(answer="permit") for _ in range(5)])
    writer.close()
    [segment] = segments_of(chain_of(writer, folder))
    rewrite(segment, lambda lines: [*lines[:3], lines[3].replace(b"permit", b"deny"), *lines[4:]])
    with capture_logs() as logs:
        assert indexer.catch_up() == 5
    assert [json.loads(each.body)["answer"] for each in loaded(any_database)] == ["permit"] * 2 + ["deny"] + [
        "permit"
    ] * 2
    assert loaded(any_database) == as_in_files(folder)
    assert [(each["event"], each["sequence"]) for each in logs] == [("journal.entry_is_wrong", 3)]
    assert checkpoints_in(any_database) == checkpoints_of(chain_of(writer, folder))


@on_sqlite_alone
def test_a_changed_entry_is_logged_also_where_the_load_begins_with_it(
    any_database: Engine, writer: Writer, folder: Path
) -> None:
    writer.append([an_entry()])
    Indexer(any_database, folder).catch_up()
    writer.append([an_entry(answer="permit")])
    writer.close()
    [segment] = segments_of(chain_of(writer, folder))
    segment.write_bytes(segment.read_bytes().replace(b"permit", b"forbid"))
    with capture_logs() as logs:
        assert Indexer(any_database, folder).catch_up() == 1
    assert event_names(logs) == ["journal.entry_is_wrong"]


@on_sqlite_alone
def test_a_removed_entry_is_noticed_at_the_one_after_it(any_database: Engine, writer: Writer, folder: Path) -> None:
    writer.append([an_entry() for _ in range(4)])
    writer.close()
    [segment] = segments_of(chain_of(writer, folder))
    rewrite(segment, lambda lines: [*lines[:2], *lines[3:]])
    with capture_logs() as logs:
        assert Indexer(any_database, folder).catch_up() == 3
    assert [(each["event"], each["sequence"]) for each in logs] == [("journal.entry_is_wrong", 3)]


def test_an_id_that_was_changed_to_that_of_another_entry_does_not_stop_the_rest(
    any_database: Engine, indexer: Indexer, writer: Writer, folder: Path
) -> None:
    first, second, third = an_entry(), an_entry(), an_entry()
    writer.append([first, second, third])
    writer.close()
    [segment] = segments_of(chain_of(writer, folder))
    segment.write_bytes(segment.read_bytes().replace(second.body, first.body))
    with capture_logs() as logs:
        indexer.catch_up()
    assert bodies_in(any_database) == [first.body, third.body]
    assert event_names(logs) == ["journal.entry_is_wrong"]


_SOME_ID = "01ARYZ6S410000000000000000"
_HOSTILE_BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "half": b'{"id":"%s","kind":"deci' % _SOME_ID.encode(),
    "bytes that are no text": b'{"id":"%s","a":"\xff"}' % _SOME_ID.encode(),
    "not ASCII": b'{"id":"%s","a":"\xc3\xa9"}' % _SOME_ID.encode(),
    "a NUL": b'{"id":"%s","a":"\0"}' % _SOME_ID.encode(),
    "an escaped NUL": b'{"id":"%s","subject":"\\u0000"}' % _SOME_ID.encode(),
    "an escaped NUL after a backslash": b'{"id":"%s","subject":"\\\\\\u0000"}' % _SOME_ID.encode(),
    "half of a surrogate pair": b'{"id":"%s","subject":"\\ud800"}' % _SOME_ID.encode(),
    "no number": b'{"id":"%s","a":NaN}' % _SOME_ID.encode(),
    "a number without end": b'{"id":"%s","a":%s}' % (_SOME_ID.encode(), b"9" * 5_000),
    "deep": b'{"id":"%s","a":%s}' % (_SOME_ID.encode(), b"[" * 100_000),
    "deep and whole": b'{"id":"%s","a":%s}' % (_SOME_ID.encode(), b"[" * 5_000 + b"]" * 5_000),
    "two values": b'{"id":"%s","a":1}{}' % _SOME_ID.encode(),
    "no id": b'{"kind":"decision"}',
    "an id that is no ULID": b'{"id":"%s","kind":"decision"}' % (b"I" * 26),
    "an id of a year that no date has": b'{"id":"7%s","kind":"decision"}' % (b"Z" * 25),
    "a list": b"[]",
}


@pytest.mark.parametrize("has_right_hash", [True, False], ids=["with a right hash", "with a wrong hash"])
def test_no_body_of_an_entry_stops_the_rest(
    any_database: Engine,
    indexer: Indexer,
    folder: Path,
    signing_key: Ed25519PrivateKey,
    has_right_hash: bool,  # noqa: FBT001 - pytest gives it
) -> None:
    for name, body in _HOSTILE_BODIES.items():
        writer = Writer(folder, Signer(signing_key))
        before, after = an_entry(place="before"), an_entry(place="after")
        writer.append([before])
        writer.close()
        [segment] = segments_of(chain_of(writer, folder))
        [first] = entries_of(segment.parent)
        head = link(bytes.fromhex(first.hash), body) if has_right_hash else b"-" * 32
        with segment.open("ab") as file:
            file.write(entry_line(2, head, body))
            file.write(entry_line(3, link(head, after.body), after.body))
        with capture_logs() as logs:
            assert indexer.catch_up() == 2, name
        bodies = [each.body.encode() for each in loaded(any_database) if each.chain == writer.chain]
        assert bodies == [before.body, after.body], name
        assert event_names(logs) == ([] if has_right_hash else ["journal.entry_is_wrong"]), name
        (folder / writer.chain / "lock").unlink()
        assert indexer.catch_up() == 0, name


_HOSTILE_LINES: dict[str, bytes] = {
    "nothing": b"",
    "garbage": b"garbage",
    "bytes that are no text": b"\xff\0\xfe",
    "an entry of no number": b"entry x " + b"a" * 64 + b" {}",
    "an entry of a number that no database takes": b"entry " + b"9" * 30 + b" " + b"a" * 64 + b" {}",
    "an entry of a hash that is none": b"entry 2 " + b"x" * 64 + b" {}",
    "an entry of an item that no database takes": b'entry 2 %s {"id":"%s","item":99999999999,"kind":"decision"}'
    % (b"a" * 64, _SOME_ID.encode()),
    "an entry with an item below none": b'entry 2 %s {"id":"%s","item":-1,"kind":"decision"}'
    % (b"a" * 64, _SOME_ID.replace("0", "1").encode()),
    "a ruling that is not of its digest": ruling_line(Ruling("a" * 64, b"{}"))[:-1],
    "a ruling that is no text": b"ruling %s \xff\0" % (b"a" * 64),
    "a checkpoint that is none": b"checkpoint %s []" % (b"a" * 128),
    "a checkpoint that is no text": b"checkpoint %s \xff\0" % (b"a" * 128),
    "a checkpoint in UTF-16": b"checkpoint %s %s" % (b"a" * 128, "{}".encode("utf-16-be")),
    "a checkpoint that is deep": b"checkpoint %s %s" % (b"a" * 128, b"[" * 100_000),
    "a checkpoint of a block that no database takes": b'checkpoint %s {"chain":"c","block":9999999999,'
    b'"first":1,"last":2,"root":"%s","head":"%s","previous":"","at":"2026-11-23T22:00:00+00:00","key":"k"}'
    % (b"a" * 128, b"a" * 64, b"a" * 64),
    "a checkpoint of no time": b'checkpoint %s {"chain":"c","block":1,"first":1,"last":2,'
    b'"root":"%s","head":"%s","previous":"","at":"now","key":"k"}' % (b"a" * 128, b"a" * 64, b"a" * 64),
    "a header in the middle": b"segment []",
    "a header of another version": b'segment {"format":2}',
    "a shadow without its members": b'entry 2 %s {"id":"%s","kind":"shadow"}' % (b"a" * 64, _SOME_ID.encode()),
    "a shadow of another kind": b'entry 2 %s {"id":"%s","kind":"shadow","ruling":1,"shadow":[],"count":"x"}'
    % (b"a" * 64, _SOME_ID.encode()),
    "a shadow of a count that no database takes": b'entry 2 %s {"id":"%s","kind":"shadow","ruling":"a","shadow":"b",'
    b'"count":99999999999999999999}' % (b"a" * 64, _SOME_ID.encode()),
}


def test_no_line_stops_the_rest(
    any_database: Engine, indexer: Indexer, folder: Path, signing_key: Ed25519PrivateKey
) -> None:
    for name, line in _HOSTILE_LINES.items():
        writer = Writer(folder, Signer(signing_key))
        before, after = an_entry(place="before"), an_entry(place="after")
        writer.append([before, after])
        writer.close()
        [segment] = segments_of(chain_of(writer, folder))
        rewrite(segment, partial(_with, line))
        with capture_logs():
            indexer.catch_up()
        bodies = [each.body.encode() for each in loaded(any_database) if each.chain == writer.chain]
        assert [body for body in bodies if body in {before.body, after.body}] == [before.body, after.body], name
        assert last_checkpoint_of(segment) in checkpoints_in(any_database), name
        (folder / writer.chain / "lock").unlink()
    assert rulings_in(any_database) == {}
    assert count_differences(any_database) == {}


def _with(line: bytes, lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], line, *lines[2:]]


def last_checkpoint_of(segment: Path) -> SignedCheckpoint:
    last = parse_line(segment.read_bytes().split(b"\n")[-2])
    assert isinstance(last, SignedCheckpoint)
    return last


@on_sqlite_alone
def test_a_line_that_is_none_is_logged_with_its_segment(any_database: Engine, writer: Writer, folder: Path) -> None:
    writer.append([an_entry()])
    writer.close()
    [segment] = segments_of(chain_of(writer, folder))
    rewrite(segment, lambda lines: [*lines, b"garbage"])
    with capture_logs() as logs:
        Indexer(any_database, folder).catch_up()
    assert [(each["event"], each["segment"]) for each in logs] == [("journal.line_is_wrong", str(segment))]


def test_a_ruling_that_was_changed_does_not_keep_the_right_one_out(
    any_database: Engine, indexer: Indexer, open_writer: OpenWriter, folder: Path
) -> None:
    ruling = a_ruling()
    first, second = open_writer(), open_writer()
    first.append([an_entry(ruling)])
    first.close()
    [segment] = segments_of(chain_of(first, folder))
    segment.write_bytes(segment.read_bytes().replace(b'"allow":true', b'"allow":false'))
    with capture_logs() as logs:
        indexer.catch_up()
    assert [(each["event"], each["digest"]) for each in logs] == [("journal.ruling_is_wrong", ruling.digest)]
    second.append([an_entry(ruling)])
    indexer.catch_up()
    assert rulings_in(any_database) == {ruling.digest: ruling.content.decode()}


# how far it is


@on_sqlite_alone
def test_how_many_bytes_are_not_loaded_yet_is_known(
    any_database: Engine, indexer: Indexer, open_writer: OpenWriter, folder: Path
) -> None:
    assert find_standing(any_database, folder).bytes_behind == 0
    first, second = open_writer(), open_writer()
    first.append([an_entry()])
    first.close()
    segments = [segment for chain in chains_in(folder) for segment in segments_of(chain)]
    assert find_standing(any_database, folder).bytes_behind == sum(segment.stat().st_size for segment in segments)
    indexer.catch_up()
    assert find_standing(any_database, folder).bytes_behind == 0
    before = segments_of(chain_of(second, folder))[0].stat().st_size
    second.append([an_entry()])
    assert (
        find_standing(any_database, folder).bytes_behind
        == segments_of(chain_of(second, folder))[0].stat().st_size - before
    )


@on_sqlite_alone
def test_how_many_entries_were_loaded_is_known(any_database: Engine, indexer: Indexer, open_writer: OpenWriter) -> None:
    for count, writer in ((2, open_writer()), (3, open_writer())):
        writer.append([an_entry() for _ in range(count)])
    indexer.catch_up()
    assert count_entries(any_database) == 5


def test_what_a_shadow_policy_answers_differently_is_counted_once(
    any_database: Engine, indexer: Indexer, writer: Writer
) -> None:
    entries = Entries(Pseudonyms(b"k" * 32))
    permit, deny, other = a_ruling(), a_ruling("shadow", allow=False), a_ruling(facts={"role": "none"})
    writer.append([entries.shadow(permit, deny, 3), entries.shadow(permit, deny, 4), entries.shadow(deny, permit, 2)])
    indexer.catch_up()
    writer.append([entries.shadow(other, deny, 5)])
    for _ in range(2):
        indexer.catch_up()
    assert count_differences(any_database) == {("permit", "deny"): 12, ("deny", "permit"): 2}


# the database fails


def test_what_could_not_be_loaded_is_loaded_later_and_whole(
    any_database: Engine, indexer: Indexer, writer: Writer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: Connection, bodies: Sequence[str]) -> None:
        raise DatabaseUnavailable

    writer.append([an_entry(a_ruling()) for _ in range(3)])
    with monkeypatch.context() as patched:
        patched.setattr(indexer_module, "count_shadows", fail)
        with pytest.raises(DatabaseUnavailable):
            indexer.catch_up()
    assert (loaded(any_database), rulings_in(any_database)) == ([], {})
    assert indexer.catch_up() == 3
    assert loaded(any_database) == as_in_files(folder)


# months in PostgreSQL


_MONTHS = {
    datetime(2026, 10, 31, 23, 59, 59, 999_000, UTC): "journal_entries_2026_10",
    datetime(2026, 11, 1, tzinfo=UTC): "journal_entries_2026_11",
    datetime(2026, 11, 15, 12, tzinfo=UTC): "journal_entries_2026_11",
    datetime(2026, 12, 1, tzinfo=UTC): "journal_entries_2026_12",
    datetime(2026, 12, 31, 23, 59, 59, 999_000, UTC): "journal_entries_2026_12",
    datetime(2027, 1, 1, tzinfo=UTC): "journal_entries_2027_01",
    datetime(2028, 2, 29, tzinfo=UTC): "journal_entries_2028_02",
    datetime(2038, 2, 28, 23, 59, 59, 999_000, UTC): "journal_entries_2038_02",
    datetime(1970, 1, 1, tzinfo=UTC): "journal_entries_1970_01",
}


def test_each_month_has_its_own_partition_from_its_first_millisecond_to_its_last(
    on_postgresql: Engine, writer: Writer, folder: Path
) -> None:
    months = {first_id_at(moment)[:10] + new_id()[10:]: month for moment, month in _MONTHS.items()}
    writer.append([an_entry(entry_id=entry_id) for entry_id in months])
    assert Indexer(on_postgresql, folder).catch_up() == len(_MONTHS)
    with reading(on_postgresql) as connection:
        kept = connection.execute(
            text("SELECT id, CAST(CAST(tableoid AS regclass) AS text) AS month FROM journal_entries")
        )
        assert {row.id: row.month for row in kept if row.id in months} == months


def test_the_last_and_the_first_id_of_a_month_are_in_different_partitions(on_postgresql: Engine) -> None:
    last = first_id_at(datetime(2026, 12, 31, 23, 59, 59, 999_000, UTC))[:10] + "Z" * 16
    first = first_id_at(datetime(2027, 1, 1, tzinfo=UTC))
    assert last < first
    with writing(on_postgresql) as connection:
        made = Partitions().make_for(connection, [last, first])
    assert made == {(2026, 12), (2027, 1)}


def test_processes_that_need_the_same_month_at_once_both_have_it(
    on_postgresql: Engine, tmp_path: Path, signing_key: Ed25519PrivateKey
) -> None:
    folders = [tmp_path / str(number) for number in range(4)]
    # Of a month that nobody has needed before.
    entries = [an_entry(entry_id=first_id_at(datetime(2031, 5, 1 + day, tzinfo=UTC))) for day in range(len(folders))]
    for folder, entry in zip(folders, entries, strict=True):
        writer = Writer(folder, Signer(signing_key))
        writer.append([entry])
        writer.close()
    together = threading.Barrier(4)

    def catch_up(folder: Path) -> int:
        together.wait(PATIENCE_SECONDS)
        return Indexer(on_postgresql, folder).catch_up()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(catch_up, folders)) == [1] * 4
    assert {entry.body for entry in entries} <= set(bodies_in(on_postgresql))


def test_a_month_is_made_once(on_postgresql: Engine) -> None:
    partitions = Partitions()
    with writing(on_postgresql) as connection:
        made = partitions.make_for(connection, [new_id()])
    assert len(made) == 1
    with writing(on_postgresql) as connection:
        assert partitions.make_for(connection, [new_id()]) == made, "it was not said that it is committed"
    partitions.are_made(made)
    with writing(on_postgresql) as connection:
        assert partitions.make_for(connection, [new_id()]) == set()


@on_sqlite_alone
def test_sqlite_needs_no_partitions(any_database: Engine) -> None:
    with writing(any_database) as connection:
        assert Partitions().make_for(connection, [new_id()]) == set()


# entries that belong to a transaction


def waiting_in(database: Engine) -> list[str]:
    with reading(database) as connection:
        return list(connection.scalars(select(journal_outbox.c.id).order_by("id")))


def order(database: Engine, *entries: Entry) -> None:
    with writing(database) as connection:
        for entry in entries:
            order_entry(connection, entry)


@on_sqlite_alone
def test_an_entry_of_a_transaction_that_is_undone_is_never_kept(
    any_database: Engine, writer: Writer, folder: Path
) -> None:
    def undo() -> None:
        with writing(any_database) as connection:
            order_entry(connection, an_entry(a_ruling()))
            raise KeyError

    with pytest.raises(KeyError):
        undo()
    assert relay(any_database, writer) == 0
    assert bodies_of(folder) == []


def test_an_entry_of_a_transaction_that_is_committed_is_kept_once_with_its_rulings(
    any_database: Engine, writer: Writer, folder: Path, signing_key: Ed25519PrivateKey, rulings: list[Ruling]
) -> None:
    entries = [an_entry(ruling, text="é") for ruling in rulings]
    order(any_database, *entries)
    assert [relay(any_database, writer) for _ in range(3)] == [3, 0, 0]
    assert waiting_in(any_database) == []
    assert sorted(bodies_of(folder)) == sorted(entry.body for entry in entries)
    writer.close()
    assert_right(chain_of(writer, folder), signing_key.public_key())


@on_sqlite_alone
def test_entries_are_kept_in_the_order_of_their_ids_some_at_a_time(
    any_database: Engine, writer: Writer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "_AT_ONCE", 3)
    ids = sorted(new_id() for _ in range(7))
    order(any_database, *(an_entry(entry_id=entry_id) for entry_id in reversed(ids)))
    assert [relay(any_database, writer) for _ in range(4)] == [3, 3, 1, 0]
    assert [json.loads(body)["id"] for body in bodies_of(folder)] == ids


def test_an_entry_that_is_indexed_already_is_not_kept_again(
    any_database: Engine, indexer: Indexer, writer: Writer, folder: Path
) -> None:
    """A process died after the entry was in its chain, and before it was no longer waiting."""
    kept, new = an_entry(), an_entry()
    writer.append([kept])
    indexer.catch_up()
    order(any_database, kept, new)
    assert relay(any_database, writer) == 1
    assert waiting_in(any_database) == []
    assert bodies_of(folder) == [kept.body, new.body]


@on_sqlite_alone
def test_where_every_waiting_entry_is_indexed_already_nothing_is_written(
    any_database: Engine, indexer: Indexer, writer: Writer, folder: Path
) -> None:
    kept = an_entry()
    writer.append([kept])
    indexer.catch_up()
    order(any_database, kept)
    assert relay(any_database, writer) == 0
    assert waiting_in(any_database) == []
    assert bodies_of(folder) == [kept.body]


@on_sqlite_alone
def test_what_cannot_be_written_goes_on_waiting(any_database: Engine, disk: Disk, writer: Writer, folder: Path) -> None:
    entry = an_entry(a_ruling())
    order(any_database, entry)
    disk.cannot_sync = True
    with capture_logs():
        with pytest.raises(JournalUnavailable):
            relay(any_database, writer)
        assert waiting_in(any_database) == [json.loads(entry.body)["id"]]
        disk.heal()
        assert relay(any_database, writer) == 1
    assert bodies_of(folder) == [entry.body]


def test_what_another_process_is_just_relaying_is_left_to_it(
    on_postgresql: Engine, slow_disk: SlowDisk, open_writer: OpenWriter, folder: Path
) -> None:
    first, second = open_writer(), open_writer()
    entries = [an_entry() for _ in range(3)]
    order(on_postgresql, *entries)
    with ThreadPoolExecutor(1) as pool:
        relaying = pool.submit(relay, on_postgresql, first)
        assert slow_disk.is_asked.wait(PATIENCE_SECONDS)
        assert relay(on_postgresql, second) == 0
        slow_disk.may_write.set()
        assert relaying.result(PATIENCE_SECONDS) == 3
    assert waiting_in(on_postgresql) == []
    assert sorted(bodies_of(folder)) == sorted(entry.body for entry in entries)


def test_what_is_relayed_by_two_at_once_is_kept_once(
    any_database: Engine, open_writer: OpenWriter, folder: Path
) -> None:
    entries = [an_entry() for _ in range(60)]
    order(any_database, *entries)
    together = threading.Barrier(3)

    def bring(writer: Writer) -> int:
        together.wait(PATIENCE_SECONDS)
        return sum(iter(lambda: relay(any_database, writer), 0))

    with ThreadPoolExecutor(3) as pool:
        brought = sum(pool.map(bring, [open_writer() for _ in range(3)]))
    assert brought == 60
    assert sorted(bodies_of(folder)) == sorted(entry.body for entry in entries)


# the worker


@pytest.fixture
def start_worker(any_database: Engine, folder: Path) -> Iterator[StartWorker]:
    """Starts workers and returns what stops them, as happens in the end."""
    with ExitStack() as workers:

        def start(writer: Writer) -> Stop:
            worker = IndexWorker(any_database, folder, writer)
            worker.start()
            running = workers.enter_context(ExitStack())
            running.callback(worker.stop)
            return running.close

        yield start


@on_sqlite_alone
def test_a_worker_brings_what_waits_into_a_chain_and_the_chains_into_the_database(
    any_database: Engine, writer: Writer, folder: Path, start_worker: StartWorker
) -> None:
    start_worker(writer)
    appended, ordered = an_entry(), an_entry(a_ruling())
    writer.append([appended])
    order(any_database, ordered)
    wait_until(lambda: set(bodies_in(any_database)) == {appended.body, ordered.body})
    assert waiting_in(any_database) == []
    assert set(bodies_of(folder)) == {appended.body, ordered.body}


@on_sqlite_alone
def test_what_waits_in_a_database_from_a_backup_and_is_in_the_files_is_not_brought_twice(
    any_database: Engine, writer: Writer, folder: Path, start_worker: StartWorker
) -> None:
    ordered = an_entry()
    order(any_database, ordered)
    relay(any_database, writer)
    # The database as it was before, and the files as they are.
    order(any_database, ordered)
    start_worker(writer)
    wait_until(lambda: waiting_in(any_database) == [])
    assert_kept_once(ordered, any_database, folder)


def test_what_is_in_the_files_when_the_database_fails_is_not_brought_twice(
    any_database: Engine, writer: Writer, folder: Path, start_worker: StartWorker
) -> None:
    asked: list[str] = []

    def fails(statement: str) -> bool:
        # The second is the first statement of the indexer, which then has not read the entry either.
        if asked or statement.startswith("DELETE FROM journal_outbox"):
            asked.append(statement)
        return 0 < len(asked) <= 2

    fail_for_others(any_database, fails)
    ordered = an_entry()
    order(any_database, ordered)
    with capture_logs() as logs:
        start_worker(writer)
        wait_until(lambda: waiting_in(any_database) == [])
        wait_until(lambda: len(logs) > 1)
    assert event_names(logs) == ["journal.not_indexed", "journal.indexed_again"]
    assert_kept_once(ordered, any_database, folder)


def test_what_waits_in_a_database_that_is_another_one_after_it_has_failed_is_not_brought_twice(
    any_database: Engine, writer: Writer, folder: Path, start_worker: StartWorker
) -> None:
    is_gone = threading.Event()
    fail_for_others(any_database, lambda _: is_gone.is_set())
    ordered = an_entry()
    order(any_database, ordered)
    with capture_logs() as logs:
        start_worker(writer)
        wait_until(lambda: bodies_in(any_database) == [ordered.body])
        is_gone.set()
        wait_until(lambda: event_names(logs) == ["journal.not_indexed"])
        empty(any_database)
        order(any_database, ordered)
        is_gone.clear()
        wait_until(lambda: waiting_in(any_database) == [])
        wait_until(lambda: len(logs) > 1)
    assert_kept_once(ordered, any_database, folder)


@on_sqlite_alone
def test_a_worker_that_stops_brings_what_there_is_once_more(
    any_database: Engine,
    writer: Writer,
    start_worker: StartWorker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("authz_service.journal.worker.INDEX_EVERY_SECONDS", 3_600)
    stop = start_worker(writer)
    appended, ordered = an_entry(), an_entry()
    writer.append([appended])
    order(any_database, ordered)
    stop()
    assert set(bodies_in(any_database)) == {appended.body, ordered.body}


def test_of_two_workers_on_one_folder_one_works_at_a_time(
    any_database: Engine, open_writer: OpenWriter, folder: Path, start_worker: StartWorker
) -> None:
    first, second = open_writer(), open_writer()
    stop = start_worker(first)
    order(any_database, an_entry())
    wait_until(lambda: len(bodies_in(any_database)) == 1)
    start_worker(second)
    for number in range(2, 8):
        order(any_database, an_entry())
        wait_until(partial(has_entries, any_database, number))
    assert len(entries_of(chain_of(first, folder))) == 7
    assert entries_of(chain_of(second, folder)) == []
    stop()
    order(any_database, an_entry())
    wait_until(lambda: len(bodies_in(any_database)) == 8)
    assert len(entries_of(chain_of(second, folder))) == 1
    assert sorted(bodies_in(any_database)) == sorted(bodies_of(folder))


def test_a_worker_outlives_a_database_that_does_not_answer_and_says_so_once(
    any_database: Engine, writer: Writer, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authz_service.journal.worker.INDEX_EVERY_SECONDS", 0.01)
    with writing(any_database) as connection:
        connection.execute(text("ALTER TABLE journal_outbox RENAME TO put_away"))
    writer.append([an_entry()])
    with capture_logs() as logs:
        start_worker(writer)
        wait_until(lambda: event_names(logs) != [])
        with writing(any_database) as connection:
            connection.execute(text("ALTER TABLE put_away RENAME TO journal_outbox"))
        wait_until(lambda: len(bodies_in(any_database)) == 1)
        wait_until(lambda: len(logs) > 1)
    assert event_names(logs) == ["journal.not_indexed", "journal.indexed_again"]


@on_sqlite_alone
def test_a_worker_outlives_a_journal_that_cannot_be_written(
    any_database: Engine, disk: Disk, writer: Writer, start_worker: StartWorker
) -> None:
    entry = an_entry()
    disk.cannot_sync = True
    with capture_logs() as logs:
        order(any_database, entry)
        start_worker(writer)
        wait_until(lambda: "journal.not_indexed" in event_names(logs))
        assert waiting_in(any_database) == [json.loads(entry.body)["id"]]
        disk.heal()
        wait_until(lambda: bodies_in(any_database) == [entry.body])
    assert waiting_in(any_database) == []
