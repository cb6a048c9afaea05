"""Notices edits of files by looking at them again and again.

Not by inotify: a network or container file system and a link set to another folder tell it nothing.
"""

from collections.abc import Sequence
from pathlib import Path

from authz_service.fingerprint import fingerprint

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
