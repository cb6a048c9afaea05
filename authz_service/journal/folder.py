"""The folder of a journal: a folder for each chain, in it numbered segment files, and a lock held by its writer."""

import fcntl
import os
from pathlib import Path

from authz_service.ids import new_id

_SUFFIX = ".journal"
_SEGMENTS = "[0-9]" * 8 + _SUFFIX
LOCK = "lock"
PRIVATE = 0o700


def chains_in(folder: Path) -> list[Path]:
    """The folders of the chains, the oldest first."""
    return sorted(path.parent for path in folder.glob(f"*/{LOCK}")) if folder.is_dir() else []


def segments_of(*folders: Path) -> list[Path]:
    """The segment files of a chain, in order, of one folder or several. At the beginning, some may have been pruned."""
    return sorted((path for folder in folders for path in folder.glob(_SEGMENTS)), key=number_of)


def segment_file(chain: Path, number: int) -> Path:
    return chain / f"{number:08}{_SUFFIX}"


def number_of(segment: Path) -> int:
    return int(segment.stem)


def take_chain(folder: Path) -> tuple[Path, int]:
    """A chain for this process alone until its lock is closed: one that nobody writes, or a new one.

    Returns:
        The folder of the chain, and the file descriptor of the lock.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    for chain in chains_in(folder):
        lock = _lock(chain)
        if lock is not None:
            return chain, lock
    while True:
        chain = folder / new_id()
        chain.mkdir(mode=PRIVATE)
        (chain / LOCK).touch(mode=0o600)
        sync_folder(folder)
        lock = _lock(chain)
        if lock is not None:
            return chain, lock


def is_taken(chain: Path) -> bool:
    """Whether some process writes that chain."""
    lock = _lock(chain)
    if lock is None:
        return True
    os.close(lock)
    return False


def sync_folder(folder: Path) -> None:
    """Has the names in the folder survive a loss of power."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _lock(chain: Path) -> int | None:
    opened = os.open(chain / LOCK, os.O_RDWR)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        return None
    return opened
