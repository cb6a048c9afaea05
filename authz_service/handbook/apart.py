"""Makes what takes seconds in a process of its own, so that neither its time nor its memory is a worker's."""

import os
import pickle
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

import structlog

from authz_service.secret_settings import forget_secrets

T = TypeVar("T")

log = structlog.get_logger()

_MAKES = "authz_service.handbook.making"
_MOST_SECONDS = 300
# A worker has eight threads, and most of them are for decisions.
_WAITING = threading.Semaphore(2)


class Failed(NamedTuple):
    """There is nothing, and why not: a sentence a line."""

    why: str


class Workshop(Generic[T]):
    """Makes one thing after another, and keeps the last few.

    Args:
        kept: How many.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._made: OrderedDict[Hashable, T | Failed] = OrderedDict()
        self._begun: dict[Hashable, threading.Event] = {}
        self._looking = threading.Lock()
        self._making = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T], patience: float = 0) -> T | Failed | None:
        """What has this key; None while it is being made, which this begins.

        Args:
            key: What tells it from others.
            make: Makes it; can be pickled.
            patience: How many seconds to wait for it, unless others are waiting already. A failure is told to whoever
                waits or asks next, and is forgotten with that.
        """
        with self._looking:
            if key in self._made:
                return self._take(key)
            if key not in self._begun:
                self._begun[key] = threading.Event()
                threading.Thread(target=self._make, args=(key, make), name="workshop", daemon=True).start()
            is_done = self._begun[key]
        if patience and _WAITING.acquire(blocking=False):
            try:
                is_done.wait(patience)
            finally:
                _WAITING.release()
        with self._looking:
            return self._take(key) if key in self._made else None

    def _take(self, key: Hashable) -> T | Failed:
        self._made.move_to_end(key)
        found = self._made[key]
        if isinstance(found, Failed):
            del self._made[key]
        return found

    def _make(self, key: Hashable, make: Callable[[], T]) -> None:
        with self._making:
            made = made_apart(make)
        with self._looking:
            self._made[key] = made
            while len(self._made) > self._kept:
                self._made.popitem(last=False)
            self._begun.pop(key).set()


def made_apart(make: Callable[[], T]) -> T | Failed:
    """What is made, in a process that ends with it; or why there is nothing."""
    command = [sys.executable, "-m", _MAKES, str(os.getpid())]
    # The same modules as here, wherever they were found.
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    forget_secrets(environ)
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, a module of ours and a number; no shell, nothing of a caller
            command,
            input=pickle.dumps(make),
            capture_output=True,
            env=environ,
            timeout=_MOST_SECONDS,
            check=True,
            # Ctrl-C on a terminal is for the service, with which this ends.
            process_group=0,
        )
    except subprocess.SubprocessError as error:
        said = getattr(error, "stderr", b"") or b""
        log.error("workshop.failed", reason=str(error), said=said.decode(errors="replace")[-2000:])  # noqa: TRY400 - the traceback here is of waiting for the child; its own is in `said`
        return Failed("Something went wrong here; it is in the log of the service.")
    made: T | Failed = pickle.loads(done.stdout)  # noqa: S301 - written by the child that was started above, which nobody else can write to
    return made
