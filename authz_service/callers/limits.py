"""How much a caller may ask: requests a second, over all workers of a machine, and at the same time in each."""

import fcntl
import hashlib
import os
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from authz_service.callers.callers import Caller

_MOMENT = struct.Struct("d")
_EXACT_SECONDS = 1e-6
_ONE_HAS_TO_END_SECONDS = 1.0


class Limiter:
    """Counts the requests of callers that have limits.

    A caller's rate is kept as one moment (the generic cell rate algorithm, a token bucket without a timer): when its
    bucket will be full again. It is in a file that all workers lock, so that where a request ends up does not matter.

    Args:
        folder: Where those files are; the workers of a machine share it. Without, there is one process.
        clock: What time it is, in seconds, the same in all of them.
    """

    def __init__(self, folder: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._own = ExitStack()
        self._clock = clock
        self._files: dict[str, int] = {}
        self._answered_now: Counter[str] = Counter()
        self._changing = threading.Lock()

    def enter(self, caller: Caller) -> float:
        """Lets a request in, which has to `leave`; or says how many seconds there are to wait, and does not."""
        limits = caller.limits
        if limits is None:
            return 0.0
        with self._changing:
            if limits.concurrent is not None and self._answered_now[caller.name] >= limits.concurrent:
                return _ONE_HAS_TO_END_SECONDS
            wait = self._wait(caller.name, limits.per_second, limits.burst) if limits.per_second else 0.0
            if not wait:
                self._answered_now[caller.name] += 1
            return wait

    def leave(self, caller: Caller) -> None:
        """A request that was let in has been answered."""
        if caller.limits is not None:
            with self._changing:
                self._answered_now[caller.name] -= 1

    def close(self) -> None:
        with self._changing:
            for file in self._files.values():
                os.close(file)
            self._files.clear()
        self._own.close()

    def _wait(self, name: str, per_second: float, burst: int) -> float:
        file = self._file(name)
        every = 1 / per_second
        most_ahead = (burst - 1) * every
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            now = self._clock()
            kept: float = _MOMENT.unpack(os.pread(file, _MOMENT.size, 0))[0]
            # Never further ahead than these limits allow, as they may have been others before.
            full_at = min(max(kept, now), now + most_ahead + every)
            wait = full_at - now - most_ahead
            if wait > _EXACT_SECONDS:
                return wait
            os.pwrite(file, _MOMENT.pack(full_at + every), 0)
            return 0.0
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def _file(self, name: str) -> int:
        if self._folder is None:
            self._folder = Path(self._own.enter_context(TemporaryDirectory(prefix="authz-limits-")))
        if name not in self._files:
            path = self._folder / f"limit-{hashlib.sha256(name.encode()).hexdigest()[:32]}"
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file).st_size < _MOMENT.size:
                os.pwrite(file, _MOMENT.pack(0.0), 0)
            fcntl.flock(file, fcntl.LOCK_UN)
            self._files[name] = file
        return self._files[name]
