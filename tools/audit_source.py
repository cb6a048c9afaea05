"""What all sources of an audit share: programs that are run, and how one that cannot be asked is told."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_PATIENCE_SECONDS = 300.0
_MOST_SAID = 160


class NotAsked(Exception):
    """The message says why, in one line."""


def run(command: Sequence[str | Path], folder: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    """What a program ends with and prints.

    Raises:
        NotAsked: It does not start, or does not come to an end.
    """
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except OSError as error:
        raise NotAsked(f"{command[0]} cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise NotAsked(f"no answer within {_PATIENCE_SECONDS:g} s") from error


def read_json(done: "subprocess.CompletedProcess[str]") -> Any:  # noqa: ANN401 - whatever the program prints
    """The JSON that it has printed.

    Raises:
        NotAsked: It has printed none; told with the last it said.
    """
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise NotAsked(last_line(done)) from error


def last_line(done: "subprocess.CompletedProcess[str]") -> str:
    """The last that it said, in one line."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return lines[-1][:_MOST_SAID] if lines else f"it ended with {done.returncode} and said nothing"
