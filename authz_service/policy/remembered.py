"""What OPA gave for many documents, remembered by all that it depends on. Nothing is lost with it."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from authz_service.opa.binary import OPA_VERSION

Rows = list[list[Any]]


def remembered(depends_on: Sequence[object], count: int, make: Callable[[], Rows]) -> Rows:
    """The rows made once from the same things.

    Args:
        depends_on: What they are made from, beside the version of OPA.
        count: How many there are.
        make: Makes them.
    """
    digest = hashlib.sha256(json.dumps([OPA_VERSION, *depends_on], sort_keys=True).encode()).hexdigest()
    file = _cache() / f"{digest}.json"
    rows = _read(file, count)
    if rows is None:
        rows = make()
        _write(file, rows)
    return rows


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "authz-service" / "situations"


def _read(file: Path, count: int) -> Rows | None:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return rows if isinstance(rows, list) and len(rows) == count else None


def _write(file: Path, rows: Rows) -> None:
    # Whole or not at all, as another process may read it; and where it cannot be kept it is only slower.
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="utf-8") as draft:
            json.dump(rows, draft, separators=(",", ":"))
        Path(draft.name).replace(file)
