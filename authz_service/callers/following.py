"""The callers' file, followed: an edit is taken over without a restart."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from authz_service.callers.callers import Caller
from authz_service.callers.callers_file import read_callers
from authz_service.errors import ConfigurationError

log = structlog.get_logger()

_JUST_NOW_SECONDS = 2.0


def _none_refused(_file: Path, _callers: Sequence[Caller]) -> tuple[str, ...]:
    return ()


class FollowedCallers:
    """Who may call as the file says now; where an edit is broken, as it said before.

    It can be handed to another process, which goes on from what is in force here.

    Attributes:
        path: The file; None where there is none.
        rejected: What is wrong with a later edit, a sentence a fault; empty where the file is in force.

    Args:
        path: The same.
        beside: Callers that are not in the file.
        refused: What is insecure in a later edit, a sentence a fault, of the file itself and of those callers in it
            who are not in force yet; picklable.

    Raises:
        ConfigurationError: The file is faulty at the start, with every fault.
    """

    def __init__(
        self,
        path: Path | None,
        beside: Sequence[Caller] = (),
        refused: Callable[[Path, Sequence[Caller]], tuple[str, ...]] = _none_refused,
    ) -> None:
        self.path = path
        self.rejected: tuple[str, ...] = ()
        self._beside = list(beside)
        self._refused = refused
        self._seen = self._state()
        self._loose: tuple[str, ...] = ()
        self._listed = read_callers(path) if path else []

    @property
    def callers(self) -> list[Caller]:
        return [*self._beside, *self._listed]

    def look(self) -> bool:
        """Whether there are other callers than at the last look."""
        if self.path is None:
            return False
        # Who may change the file changes without an edit of it.
        state, loose = self._state(), self._refused(self.path, ())
        if state == self._seen and state is not None and loose == self._loose:
            return False
        self._seen, self._loose = state, loose
        try:
            listed = read_callers(self.path)
        except ConfigurationError as error:
            self._reject(tuple(str(error).splitlines()))
            return False
        known = set(self._listed)
        faults = self._refused(self.path, [caller for caller in listed if caller not in known])
        if faults:
            self._reject(faults)
            return False
        if self.rejected:
            log.info("callers.edit_mended", file=str(self.path))
        self.rejected = ()
        if listed == self._listed:
            return False
        self._listed = listed
        log.info("callers.changed", file=str(self.path), callers=len({caller.name for caller in listed}))
        return True

    def _reject(self, faults: tuple[str, ...]) -> None:
        # A file that is not there is looked for again and again, and told of once.
        if faults != self.rejected:
            for fault in faults:
                log.error("callers.edit_rejected", finding=fault)
        self.rejected = faults

    def _state(self) -> tuple[int, int, int] | None:
        """What changes with an edit; None where that is not to be relied on, so that the file is to be read."""
        try:
            found = self.path.stat() if self.path else None
        except OSError:
            return None
        # A file may be written twice within a tick of the file system's clock.
        if found is None or abs(time.time() - found.st_mtime) < _JUST_NOW_SECONDS:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
