"""Tells whether files have been edited, by what the file system says of them."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

Fingerprint: TypeAlias = frozenset[tuple[str, int, int, int]]
"""Of each file its path, its number in the file system, when it was changed, in nanoseconds, and its size in bytes."""


def fingerprint(paths: Sequence[Path]) -> Fingerprint:
    """What changes whenever a file is edited, added or deleted, be it by replacing a folder above it."""
    return frozenset(state for path in paths for state in _states(path))


def _states(path: Path | os.DirEntry[str]) -> Iterator[tuple[str, int, int, int]]:
    # By what a folder tells of its entries, as all of them are looked at again and again.
    try:
        if path.is_dir():
            with os.scandir(path) as entries:
                for entry in entries:
                    yield from _states(entry)
        else:
            state = path.stat()
            yield os.fspath(path), state.st_ino, state.st_mtime_ns, state.st_size
    except OSError:
        # Deleted just now, or a link that leads nowhere, as an editor's lock, or in a circle.
        return
