"""Programs that are benchmarked: started on a port of their own, waited for, and ended."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

_PATIENCE_SECONDS = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def started(
    command: Sequence[str | Path], ready_url: str, environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[int]:
    """The process id of a program, from when it answers at `ready_url` until the block ends.

    Args:
        command: The program and its options.
        ready_url: What it answers with a status below 400 as soon as it is ready.
        environ: Its environment; this one's if left out.
        folder: Where it runs; here if left out.
    """
    with tempfile.TemporaryDirectory(prefix="authz-bench-") as made:
        said = Path(made) / "said"
        environ = os.environ if environ is None else environ
        with (
            said.open("wb") as log,
            subprocess.Popen(command, env=environ, cwd=folder, stdout=log, stderr=log) as process,
        ):
            try:
                _wait(ready_url, process, said, Path(command[0]).name)
                yield process.pid
            finally:
                process.terminate()


def _wait(url: str, process: "subprocess.Popen[bytes]", said: Path, name: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.02)
    raise SystemExit(f"{name} does not start:\n{said.read_text(errors='replace')}")
