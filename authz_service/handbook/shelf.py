"""Keeps the book of the policy in force at hand, and has it read anew when that has changed."""

import gc
from functools import partial
from typing import NamedTuple

import structlog

from authz_service.errors import PolicyBeingRead, PolicyNotReadable
from authz_service.fingerprint import fingerprint
from authz_service.handbook.apart import Failed, Workshop
from authz_service.handbook.book import Book, Sources, read_book

log = structlog.get_logger()

_PATIENCE_SECONDS = 4.0


class Opened(NamedTuple):
    """The book, and why it is not of what is in the folder, if it is not.

    Attributes:
        book: The book.
        faults: What is wrong with a later edit, a sentence each.
        is_being_renewed: Whether there is a later edit that is still being read.
    """

    book: Book
    faults: tuple[str, ...] = ()
    is_being_renewed: bool = False


class Shelf:
    """Has the book read on demand, which takes seconds; meanwhile there is the one before."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._paths = [sources.policies, *([sources.bundle] if sources.bundle else [])]
        self._workshop: Workshop[Book] = Workshop(kept=1)
        self._opened: Opened | None = None
        self._read_at = fingerprint([])

    def prepare(self) -> None:
        """Has the book read, if it is not, for whoever will open it."""
        if self._opened is None:
            self._workshop.get(fingerprint(self._paths), partial(read_book, self._sources))

    def open(self) -> Opened:
        """The book of the policy as it is now; the one before while that is being read, or where it is broken.

        Raises:
            PolicyBeingRead: There is none before.
            PolicyNotReadable: The policy is broken or not there, and none has been read before.
        """
        now, before = fingerprint(self._paths), self._opened
        if before and now == self._read_at:
            return before
        found = self._workshop.get(now, partial(read_book, self._sources), 0 if before else _PATIENCE_SECONDS)
        if found is None:
            if before is None:
                raise PolicyBeingRead("The policy is being read and every situation judged, which takes some seconds.")
            return before._replace(is_being_renewed=True)
        if isinstance(found, Failed):
            log.warning("handbook.not_read", reason=found.why)
            if before is None:
                raise PolicyNotReadable(found.why)
            opened = Opened(before.book, tuple(found.why.splitlines()))
        else:
            opened = Opened(found)
            log.info("handbook.read", revision=found.revision)
            # It is kept until the next edit: looking through it for garbage would hold up whoever asks for a decision.
            gc.freeze()
        self._opened, self._read_at = opened, now
        return opened
