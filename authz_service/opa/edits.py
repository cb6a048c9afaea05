"""Notices edits of files by looking at them again and again.

Not by inotify: a network or container file system and a link set to another folder tell it nothing.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

Fingerprint: TypeAlias = frozenset[tuple[str, int, int, int]]

LOOK_EVERY_SECONDS = 0.2
"""How often to look."""

_MOST_LOOKS = 10


class Edits:
    """The edits of what is under some paths, from now on.

    Args:
        paths: Files and folders, there or not.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._taken = self._before = fingerprint(paths)
        self._looks = 0

    def look(self) -> bool:
        """Whether there has been an edit that is to be taken over now; once for each.

        An edit of several files is taken over as one: when nothing moves any more, but not put off for ever.
        """
        now = fingerprint(self._paths)
        self._looks = self._looks + 1 if now != self._taken else 0
        is_to_be_taken = self._looks > 0 and (now == self._before or self._looks == _MOST_LOOKS)
        self._before = now
        if is_to_be_taken:
            self._taken, self._looks = now, 0
        return is_to_be_taken


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
