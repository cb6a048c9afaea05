"""Copies all that is kept of a service on SQLite, while it runs, so that the copy is of one piece."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from authz_service.errors import ConfigurationError, DatabaseUnavailable
from authz_service.journal.folder import LOCK, PRIVATE, chains_in, segments_of, sync_folder
from authz_service.journal.place import PSEUDONYMS, SIGNING_KEY
from authz_service.storage.database import said_by, sqlite_file


def back_up(database: Engine, journal: Path | None, target: Path) -> Iterator[Path]:
    """Copies the database, then the journal; each copy is told when it is on disk. Nobody waits for it.

    In this order the files have all that the database has read of them, and more, which it reads when it is used again.

    Args:
        database: On SQLite, in a file.
        journal: The folder of the journal; None where there is none.
        target: A folder that is empty or not there yet.

    Raises:
        ConfigurationError: It is no such database, or the folder is not empty.
        DatabaseUnavailable: The database cannot be read.
        OSError: A file cannot be copied. What is there then is no backup.
    """
    file = sqlite_file(database)
    if file is None:
        raise ConfigurationError("AUTHZ_DATABASE_URL: is not a SQLite file; back up PostgreSQL with pg_dump.")
    target.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise ConfigurationError(f"{target}: is not empty; name a folder that is, or a new one.")
    yield _copy_database(file, target / file.name)
    key = file.with_name(f"{file.name}.key")
    if key.exists():
        yield _copy(key, target / key.name)
    if journal is not None and journal.is_dir():
        yield from _copy_journal(journal, target / f"{file.name}.journal")
    sync_folder(target)


def _copy_database(file: Path, copy: Path) -> Path:
    copy.touch(mode=0o600)
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=rw", uri=True, isolation_level=None)) as connection:
            # One moment of it, without the log of writes.
            connection.execute("VACUUM INTO ?", [str(copy)])
    except sqlite3.Error as error:
        raise DatabaseUnavailable(more=said_by(error)) from error
    _sync(copy)
    return copy


def _copy_journal(journal: Path, copy: Path) -> Iterator[Path]:
    copy.mkdir(mode=PRIVATE)
    for name in (PSEUDONYMS, SIGNING_KEY):
        if (journal / name).exists():
            yield _copy(journal / name, copy / name)
    for chain in chains_in(journal):
        (copy / chain.name).mkdir(mode=PRIVATE)
        (copy / chain.name / LOCK).touch(mode=0o600)
        for segment in segments_of(chain):
            yield _copy(segment, copy / chain.name / segment.name)
        sync_folder(copy / chain.name)
    sync_folder(copy)


def _copy(file: Path, copy: Path) -> Path:
    copy.touch(mode=0o600)
    shutil.copyfile(file, copy)
    _sync(copy)
    return copy


def _sync(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
