"""Brings what is kept to where it is searched: a thread, in one process a folder."""

import fcntl
import os
import threading
from pathlib import Path

import structlog
from sqlalchemy import Engine

from authz_service.errors import AuthzServiceError
from authz_service.journal.indexer import Indexer
from authz_service.journal.outbox import relay
from authz_service.journal.writer import Writer

log = structlog.get_logger()

INDEX_EVERY_SECONDS = 0.1
# Where nothing has come lately.
_IDLE_SECONDS = 0.25
# Under load, more at a time costs the database less; an entry is still found within a second.
_UNDER_LOAD_SECONDS = 0.75
_LOAD = 50
_LOCK = "index.lock"


class IndexWorker:
    """Brings entries that wait in the database into a chain, and every chain of the folder into the database.

    Args:
        database: Where entries wait, and where they are searched.
        folder: The folder of the journal. Of several workers on it, one works at a time.
        writer: Writes the chain that waiting entries come into.
    """

    def __init__(self, database: Engine, folder: Path, writer: Writer) -> None:
        self._database = database
        self._writer = writer
        self._indexer = Indexer(database, folder)
        self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        self._every_seconds = INDEX_EVERY_SECONDS
        self._is_caught_up = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal-indexer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Brings what there is, once more, and ends."""
        self._stopping.set()
        self._thread.join()
        os.close(self._lock)

    def _run(self) -> None:
        is_well, loaded = True, 0
        while True:
            is_last = self._stopping.wait(self._pause(loaded))
            loaded = 0
            try:
                if self._has_lock():
                    loaded = self._bring()
            except (AuthzServiceError, OSError) as error:
                if is_well:
                    reason = error.for_operators() if isinstance(error, AuthzServiceError) else str(error)
                    log.warning("journal.not_indexed", reason=reason)
                is_well = False
            except Exception:
                # A thread that ends would be missed by nobody.
                log.exception("journal.not_indexed")
                is_well = False
            else:
                if not is_well:
                    log.info("journal.indexed_again")
                is_well = True
            if is_last:
                return

    def _pause(self, loaded: int) -> float:
        if loaded >= _LOAD:
            return _UNDER_LOAD_SECONDS
        return self._every_seconds if loaded else max(self._every_seconds, _IDLE_SECONDS)

    def _bring(self) -> int:
        if not self._is_caught_up:
            # Entries may wait that are in the files already, and would come there twice: the database is from a backup,
            # or has failed when they were to wait no longer.
            self._indexer.catch_up(has_to_look=True)
        self._is_caught_up = False
        try:
            relay(self._database, self._writer)
        finally:
            # Where nothing can be written, what has been written can be searched all the same.
            loaded = self._indexer.catch_up()
        self._is_caught_up = True
        return loaded

    def _has_lock(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
