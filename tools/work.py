"""Long work, told to whoever waits: what is being done, how far it is, how long it has taken."""

import fcntl
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Self, TextIO

# A terminal's line is rewritten; a log gets a new line, and a log with a line every second is not read.
SECONDS_BETWEEN_LINES = {True: 0.2, False: 5.0}
LINES_OF_A_FAILURE = 15


class SetupFailed(Exception):
    """The message says what failed and what to do; it is all that is shown."""


def say(text: str) -> None:
    # Standard output is for results alone.
    print(text, file=sys.stderr, flush=True)


class Progress:
    """One piece of work, from its first line to `✓` or `✗`, as a context manager."""

    def __init__(
        self,
        what: str,
        expected: str = "",
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._expected = expected and f" ({expected})"
        self._stream = stream or sys.stderr
        self._clock = clock
        self._is_terminal = self._stream.isatty()
        self._began = clock()
        self._told = self._began
        self._detail = ""

    def __enter__(self) -> Self:
        self._write(f"  {self._what}{self._expected} …")
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self._write(f"{'✗' if failure else '✓'} {self._what}{self._elapsed()}", last=True)

    def update(self, detail: str | None = None) -> None:
        """Tell how far it is, if the last time is long enough ago."""
        self._detail = self._detail if detail is None else f": {detail}"
        if self._clock() - self._told >= SECONDS_BETWEEN_LINES[self._is_terminal]:
            self._told = self._clock()
            self._write(f"  {self._what}{self._detail}{self._elapsed()}")

    def _elapsed(self) -> str:
        return f" ({self._clock() - self._began:.0f} s)"

    def _write(self, line: str, *, last: bool = False) -> None:
        if not self._is_terminal:
            self._stream.write(f"{line}\n")
        elif last:
            self._stream.write(f"\r\x1b[K{line}\n")
        else:
            # A line that wraps cannot be taken back.
            self._stream.write(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}")
        self._stream.flush()


class _Ending:
    """Being ended by SIGTERM, which waits while it is held."""

    def __init__(self) -> None:
        self._held = 0
        self._has_come = False

    def come(self) -> None:
        self._has_come = True
        if not self._held:
            sys.exit(128 + signal.SIGTERM)

    @contextmanager
    def held(self) -> Iterator[None]:
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if self._has_come:
                self.come()


_ending = _Ending()


def follow(
    command: Sequence[str | Path],
    progress: Progress,
    describe: Callable[[str], str | None],
    *,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> list[str]:
    """Run a command to its end and show its lines, as `describe` words them, as progress.

    Returns:
        Every line that it wrote, on either stream.

    Raises:
        SetupFailed: It ended with another code than 0. The message holds its last lines.
    """
    lines = []
    with ExitStack() as starting:
        # Whoever is ended before knowing which process has been started, could not end that.
        starting.enter_context(_ending.held())
        with subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # so that its own children can be ended with it
        ) as process:
            try:
                starting.close()
                for line in _ticking(process.stdout):
                    if line is not None:
                        lines.append(line)
                    progress.update(None if line is None else describe(line))
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                raise
    if process.returncode != 0:
        tail = "\n".join(f"    {line}" for line in lines[-LINES_OF_A_FAILURE:])
        raise SetupFailed(f"{Path(command[0]).name} failed with code {process.returncode}:\n{tail}")
    return lines


def _ticking(stream: IO[str] | None) -> Iterator[str | None]:
    """The lines of a stream, and None whenever none has come for a moment."""
    arrived: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def pass_on() -> None:
        for line in stream or ():
            arrived.put(line.rstrip())
        arrived.put(None)

    threading.Thread(target=pass_on, daemon=True).start()
    while True:
        try:
            line = arrived.get(timeout=SECONDS_BETWEEN_LINES[True])
        except queue.Empty:
            yield None
            continue
        if line is None:
            return
        yield line


def wording_of_pip(line: str) -> str | None:
    """What pip is at, for `follow`."""
    words = line.split()
    if words[:1] == ["Collecting"]:
        return f"fetching {words[1].partition('=')[0]}"
    return "unpacking" if line.startswith("Installing collected packages") else None


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold a lock file; the system lets go of it however this process ends."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("  Another set-up runs in this folder; waiting for it …")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def run_to_the_end(main: Callable[[], None]) -> int:
    """Run a tool's `main`; a failure it knows becomes one sentence, and being ended cleans up first."""
    signal.signal(signal.SIGTERM, lambda *_: _ending.come())
    try:
        main()
    except SetupFailed as failure:
        say(f"✗ {failure}")
        return 1
    except OSError as error:  # a full disk, a folder that may not be written: the file is in it
        say(f"✗ {error}")
        return 1
    except KeyboardInterrupt:
        say("✗ interrupted; what was half made is removed")
        return 128 + signal.SIGINT
    return 0
