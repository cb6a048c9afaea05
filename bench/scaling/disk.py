"""How long the disk takes to keep what was written: the journal waits for it before an answer leaves."""

import os
import statistics
import time
from pathlib import Path

_TIMES = 200
_BLOCK = b"x" * 4096


def time_flushes(folder: Path) -> dict[str, object]:
    """In milliseconds, one by one, of a file that grows by a block each time."""
    times = []
    with (folder / "flushed").open("wb", buffering=0) as file:
        for _ in range(_TIMES):
            file.write(_BLOCK)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    return {"flush_ms": round(statistics.median(times), 3), "slowest_ms": round(max(times), 3)}
