"""Files and database of a journal that are not of one piece are told, and nothing else is."""

import os
import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine

from authz_service.journal.indexer import Indexer
from authz_service.journal.standing import find_standing
from tests.journal.conftest import OpenWriter, an_entry, chain_of


@pytest.fixture
def read(any_database: Engine, open_writer: OpenWriter, folder: Path) -> Path:
    """A chain that the database has read to its end, with a copy of it from halfway in `before`."""
    writer = open_writer()
    writer.append([an_entry()])
    shutil.copytree(folder, folder.with_name("before"))
    writer.append([an_entry() for _ in range(3)])
    writer.close()
    Indexer(any_database, folder).catch_up()
    return chain_of(writer, folder)


def misfits(database: Engine, folder: Path) -> list[str]:
    return [misfit.partition(". ")[0] for misfit in find_standing(database, folder).misfits]


def test_what_was_read_to_its_end_fits(any_database: Engine, folder: Path, read: Path) -> None:
    assert read.is_dir()
    assert find_standing(any_database, folder) == (0, ())


def test_files_that_have_more_are_behind_and_fit(any_database: Engine, open_writer: OpenWriter, folder: Path) -> None:
    Indexer(any_database, folder).catch_up()
    open_writer().append([an_entry()])
    standing = find_standing(any_database, folder)
    assert standing.bytes_behind > 0
    assert standing.misfits == ()


def test_older_files_are_told(any_database: Engine, folder: Path, read: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name("before"), folder)
    assert misfits(any_database, folder) == [f"{read}: its files end before what the database has read of them"]


def test_a_lost_segment_is_told_whether_others_come_after_it_or_not(
    any_database: Engine, folder: Path, read: Path
) -> None:
    [segment] = read.glob("*.journal")
    segment.rename(read / "00000007.journal")
    assert misfits(any_database, folder) == [
        f"{read}: segment 00000001 is gone, and what comes after it cannot be searched"
    ]
    # Which an indexer waits for in vain.
    assert Indexer(any_database, folder).catch_up() == 0
    (read / "00000007.journal").unlink()
    assert misfits(any_database, folder) == [f"{read}: its files end before what the database has read of them"]


def test_a_chain_that_was_moved_elsewhere_is_nobody_s_fault(any_database: Engine, folder: Path, read: Path) -> None:
    os.truncate(next(read.glob("*.journal")), 10)
    read.rename(folder.with_name("elsewhere"))
    assert misfits(any_database, folder) == []
