"""Old entries go by whole blocks, and what is left is verified as before."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text

from authz_service.errors import JournalUnavailable
from authz_service.journal import writer as writing_room
from authz_service.journal.folder import segments_of
from authz_service.journal.pruning import Pruned, archive, last_to_go, prune
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.journal.queries import Wanted, find_decisions
from authz_service.journal.verify import Head
from authz_service.storage.database import reading
from authz_service.storage.schema import journal_checkpoints, journal_entries
from tests.journal.conftest import on_sqlite_alone
from tests.kept import ORIGIN, Kept
from tests.processes import wait_until


@pytest.fixture
def kept(any_database: Engine, tmp_path: Path) -> Kept:
    return Kept(any_database, tmp_path / "journal")


@pytest.fixture
def one_segment_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every segment is full as soon as there is something in it."""
    monkeypatch.setattr(writing_room, "SEGMENT_BYTES", 1)


def now() -> datetime:
    return datetime.now(UTC)


def prune_before(kept: Kept, moment: datetime) -> Pruned:
    last = last_to_go(kept.database, kept.folder, moment)
    writer = kept.writer()
    try:
        return prune(kept.database, kept.folder, writer, kept.entries.pruning(ORIGIN, moment.isoformat(), last), last)
    finally:
        writer.close()


def count(kept: Kept) -> int:
    with reading(kept.database) as connection:
        return connection.scalars(select(func.count()).select_from(journal_entries)).one()


def write_turning_over(kept: Kept, entries: int) -> str:
    """Entries in a segment of their own, after which another is begun."""
    writer = kept.writer()
    chain = kept.folder / writer.chain
    before = len(segments_of(chain))
    writer.append([kept.decision() for _ in range(entries)])
    wait_until(lambda: len(segments_of(chain)) > before)
    writer.close()
    return chain.name


def test_what_was_signed_before_goes_and_what_came_later_stays(kept: Kept) -> None:
    kept.write(3, 2)
    between = now()
    kept.write(4)
    kept.index()
    assert prune_before(kept, between) == Pruned(entries=5, segments=0)
    assert count(kept) == 4


def test_what_is_left_is_verified_as_before(kept: Kept) -> None:
    kept.write(3, 2)
    between = now()
    chain = kept.write(4)
    kept.index()
    noted = kept.verify().chains[0].head
    prune_before(kept, between)
    kept.write(1)
    kept.index()
    report = kept.verify(noted, Head(chain, 2, "0" * 64))
    assert [str(finding) for finding in report.findings] == [
        # The files have a segment whole, so that it can still be told.
        f"{chain}: entry 2: it had another hash when it was noted"
    ]
    assert report.chains[0].database is not None
    assert report.chains[0].database.first == 6


@on_sqlite_alone
def test_what_comes_after_a_pruning_is_found_as_before(kept: Kept) -> None:
    for _ in range(5):
        kept.write(5)
        # So that each is in a slice of its own.
        time.sleep(0.002)
    kept.index()
    moment = now()
    kept.write(12)
    kept.index()
    prune_before(kept, moment)
    kept.write(12)
    kept.index()
    assert kept.verify().findings == []
    found = find_decisions(kept.database, Pseudonyms(b""), Wanted(answer="permit"), 100).decisions
    assert len(found) == 2 * 8
    with reading(kept.database) as connection:
        slices = connection.scalars(text("SELECT slice FROM journal_terms ORDER BY rowid")).all()
        oldest = connection.scalar(select(func.min(journal_entries.c.id)))
    assert slices
    assert oldest.startswith(slices[0]), "nothing is kept of whom and what was removed"


def test_a_change_to_what_is_left_is_found(kept: Kept) -> None:
    kept.write(3)
    between = now()
    kept.write(3)
    kept.index()
    prune_before(kept, between)
    with reading(kept.database) as connection:
        blocks = list(connection.scalars(select(journal_checkpoints.c.block)))
    assert min(blocks) == 1  # the last that is gone, which the next goes on from
    [segment] = segments_of(next(kept.folder.iterdir()))
    segment.write_bytes(segment.read_bytes().replace(b'"item"', b'"itex"').replace(b'"kind":"dec', b'"kind":"Dec', 4))
    assert kept.findings()


def test_the_journal_says_what_has_gone(kept: Kept) -> None:
    chain = kept.write(3)
    moment = now()
    kept.index()
    prune_before(kept, moment)
    kept.index()
    [found] = [copy for each in kept.verify().chains for copy in each.copies if copy.pruned][:1]
    assert found.pruned == {chain: 3}


def test_nothing_goes_where_the_journal_cannot_say_so(kept: Kept) -> None:
    kept.write(3)
    moment = now()
    kept.index()
    last = last_to_go(kept.database, kept.folder, moment)
    writer = kept.writer()
    writer.close()
    with pytest.raises(JournalUnavailable):
        prune(kept.database, kept.folder, writer, kept.entries.pruning(ORIGIN, moment.isoformat(), last), last)
    assert count(kept) == 3


def test_nothing_is_old_enough_and_nothing_is_to_go_twice(kept: Kept) -> None:
    kept.write(3)
    kept.index()
    assert last_to_go(kept.database, kept.folder, now() - timedelta(days=1)) == {}
    moment = now()
    prune_before(kept, moment)
    assert last_to_go(kept.database, kept.folder, moment) == {}


@pytest.mark.usefixtures("one_segment_a_block")
def test_segments_of_which_all_is_old_go_too(kept: Kept) -> None:
    chain = write_turning_over(kept, 3)
    write_turning_over(kept, 2)
    between = now()
    write_turning_over(kept, 4)
    kept.index()
    before = segments_of(kept.folder / chain)
    gone = prune_before(kept, between)
    assert gone.entries == 5
    assert gone.segments >= 2
    left = segments_of(kept.folder / chain)
    assert left == before[gone.segments :] + left[len(before) - gone.segments :]
    kept.index()
    report = kept.verify()
    assert [str(finding) for finding in report.findings] == []
    assert report.chains[0].first == 6


@pytest.mark.usefixtures("one_segment_a_block")
def test_segments_go_too_where_another_replica_has_removed_their_entries_from_the_database(
    kept: Kept, tmp_path: Path
) -> None:
    chain = write_turning_over(kept, 3)
    write_turning_over(kept, 2)
    moment = now()
    kept.index()
    elsewhere = replace(kept, folder=tmp_path / "another replica")
    assert prune_before(elsewhere, moment) == Pruned(5, 0)
    assert prune_before(kept, moment) == Pruned(0, 2)
    assert last_to_go(kept.database, kept.folder, moment) == {}
    for each in (elsewhere, kept):
        each.index()
    assert kept.findings() == []
    report = kept.verify()
    assert [one.first for one in report.chains if one.name == chain] == [6]


@pytest.mark.usefixtures("one_segment_a_block")
def test_a_segment_that_goes_without_a_pruning_is_found(kept: Kept) -> None:
    chain = write_turning_over(kept, 3)
    write_turning_over(kept, 2)
    segments_of(kept.folder / chain)[0].unlink()
    kept.index()
    assert f"{chain}: entries 1 to 3 are missing at the beginning, and no pruning has taken them" in kept.findings()


@pytest.mark.usefixtures("one_segment_a_block")
def test_a_segment_that_is_missing_in_the_middle_is_found(kept: Kept) -> None:
    chain = write_turning_over(kept, 3)
    write_turning_over(kept, 2)
    write_turning_over(kept, 2)
    kept.index()
    segments = segments_of(kept.folder / chain)
    segments[1].unlink()
    found = kept.findings()
    assert any("comes after segment 1: one is missing" in finding for finding in found)
    assert any("are missing" in finding for finding in found)


# archiving


@pytest.mark.usefixtures("one_segment_a_block")
def test_segments_that_are_closed_and_loaded_are_moved_and_verified_where_they_are(kept: Kept, tmp_path: Path) -> None:
    chain = write_turning_over(kept, 3)
    write_turning_over(kept, 2)
    kept.index()
    before = segments_of(kept.folder / chain)
    moved = archive(kept.database, kept.folder, tmp_path / "archive")
    assert [segment.name for segment in moved] == [segment.name for segment in before[:-1]]
    assert segments_of(kept.folder / chain) == before[-1:]
    assert kept.findings() == []
    report = kept.verify(archive=tmp_path / "archive")
    assert report.findings == []
    assert report.chains[0].files is not None
    assert report.chains[0].files.first == 1
    kept.write(2)
    assert kept.index() == 2
    assert kept.verify(archive=tmp_path / "archive").findings == []


@pytest.mark.usefixtures("one_segment_a_block")
def test_a_segment_that_is_not_loaded_yet_stays(kept: Kept, tmp_path: Path) -> None:
    chain = write_turning_over(kept, 3)
    assert archive(kept.database, kept.folder, tmp_path / "archive") == []
    assert len(segments_of(kept.folder / chain)) >= 2
