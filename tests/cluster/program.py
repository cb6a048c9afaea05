"""A process of the cluster that can be killed, ended and started again."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_ENDS_WITHIN_SECONDS = 60.0


class Program:
    """A program with all that it starts, in a process group of its own; what it says is in `log`.

    Args:
        words: Its command line.
        environ: All of its environment.
        folder: Where it runs.
    """

    def __init__(self, words: Sequence[str], environ: Mapping[str, str], folder: Path) -> None:
        self.words = words
        self.environ = environ
        self.folder = folder
        self.log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id, which is that of its group."""
        assert self._process
        return self._process.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.words,
                env=self.environ,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """SIGKILL, to it and to all that it has started."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def end(self) -> None:
        """SIGTERM, and waits until it is gone."""
        assert self._process
        self._process.terminate()
        self._process.wait(_ENDS_WITHIN_SECONDS)
