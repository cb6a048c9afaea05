"""What is done again and again, in a thread of its own."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog

log = structlog.get_logger()


class Watch:
    """Does some tasks again and again, until it is stopped. A context manager.

    Args:
        tasks: What is done, one after the other. One that fails hinders no other, and is done again.
        interval: How many seconds are between.
        name: The name of the thread.
    """

    def __init__(self, *tasks: Callable[[], object], interval: float = 0.25, name: str = "watch") -> None:
        self._tasks = tasks
        self._interval = interval
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when nothing is being done any more; also where it was never started."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            for task in self._tasks:
                try:
                    task()
                except Exception:
                    log.exception("watch.task_failed", thread=self._thread.name)
