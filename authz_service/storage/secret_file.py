"""Secrets that a service on one machine makes for itself, in files that only its user can read."""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

_BYTES = 32


def new_secret() -> str:
    """A new key, as a line of hexadecimal digits."""
    return secrets.token_hex(_BYTES) + "\n"


def kept_secret(path: Path, make: Callable[[], str]) -> str:
    """What the file holds; it is made where there is none.

    Raises:
        OSError: It cannot be read or made.
        ValueError: It is not ASCII.
    """
    if not path.exists():
        _make(path, make())
    return path.read_text(encoding="ascii")


def _make(path: Path, content: str) -> None:
    # Complete before it has its name: another process sees no file, or all of it.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(content)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
