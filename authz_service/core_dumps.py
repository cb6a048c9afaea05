"""Keeps the memory of a process, which has keys and tokens in it, out of files."""

import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4


def forbid_core_dumps() -> None:
    """Has the kernel write no core dump of this process, however it ends.

    On Linux it also shows its memory and its environment to no other process of the same user, but to root alone.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # A program that takes core dumps from a pipe gets them whatever the limit is.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
