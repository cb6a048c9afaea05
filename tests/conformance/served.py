"""The scenarios, served by a process of its own."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import TextIO

from authz_service.callers.callers import new_token
from authz_service.errors import ConfigurationError
from tests.conformance.asking import Service
from tests.ports import free_port

_ROOT = Path(__file__).resolve().parents[2]
_HOST = "127.0.0.1"
_START_SECONDS = 60
_END_SECONDS = 15


@contextmanager
def served() -> Iterator[Service]:
    """A fresh service on a free port, which is ready and ends with the block.

    Raises:
        ConfigurationError: It does not start.
    """
    port, token = free_port(), new_token()
    # As behind a proxy that ends TLS: what it says of itself is https, how it is reached here is not.
    service = Service(f"http://{_HOST}:{port}", f"https://{_HOST}:{port}", token)
    command = [sys.executable, "-m", "tests.conformance.serve"]
    options = ["--port", str(port), "--token", token, "--public-url", service.url]
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            [*command, *options],
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            # Ctrl-C on a terminal is for who asks, and who asks ends it once.
            process_group=0,
        ) as process,
    ):
        try:
            _wait_until_ready(process, said)
            yield service
        finally:
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(process: "subprocess.Popen[str]", said: TextIO) -> None:
    waited = Timer(_START_SECONDS, process.kill)
    waited.start()
    try:
        ready = process.stdout.readline() if process.stdout else ""
    finally:
        waited.cancel()
    if not ready:
        process.wait()
        said.seek(0)
        raise ConfigurationError(f"The service does not start:\n{said.read().strip()}")
