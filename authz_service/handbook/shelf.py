"""Keeps the book of the policy in force at hand, and reads it anew when that has changed."""

import gc
import threading
from typing import NamedTuple

import structlog

from authz_service.errors import ConfigurationError, InvalidPolicy, PolicyNotReadable
from authz_service.handbook.book import Book, Sources, read_book
from authz_service.opa.edits import fingerprint

log = structlog.get_logger()


class Opened(NamedTuple):
    """The book, and why it is not of what is in the folder, if it is not.

    Attributes:
        book: The book.
        faults: What is wrong with a later edit, a sentence each.
    """

    book: Book
    faults: tuple[str, ...]


class Shelf:
    """Reads on demand: who comes first after a change waits a few seconds, everyone else does not."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._paths = [sources.policies, *([sources.bundle] if sources.bundle else [])]
        self._reading = threading.Lock()
        self._opened: Opened | None = None
        self._read_at = fingerprint([])

    def open(self) -> Opened:
        """The book of the policy as it is now; where that is broken, the one before.

        Raises:
            PolicyNotReadable: The policy is broken or not there, and none has been read before.
        """
        with self._reading:
            now = fingerprint(self._paths)
            if self._opened is None or now != self._read_at:
                self._opened = self._read(self._opened)
                self._read_at = now
            return self._opened

    def _read(self, before: Opened | None) -> Opened:
        try:
            book = read_book(self._sources)
        except (ConfigurationError, InvalidPolicy) as error:
            log.warning("handbook.not_read", reason=str(error))
            if before is None:
                raise PolicyNotReadable(str(error)) from error
            return Opened(before.book, tuple(str(error).splitlines()))
        # It is kept until the next edit: looking through it for garbage would hold up whoever asks for a decision.
        gc.freeze()
        log.info("handbook.read", revision=book.revision)
        return Opened(book, ())
