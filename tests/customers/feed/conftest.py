import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from authz_service.customers.feed import syncing
from authz_service.customers.feed.syncing import Followers, Input, Synced
from tests.customers.feed.logs import Line

Sync = Callable[..., tuple[Synced, list[str]]]
"""Takes lines; returns what was done, and the faults without the name of the input."""


@pytest.fixture
def sync(any_database: Engine, tmp_path: Path) -> Sync:
    return syncing_into(any_database, tmp_path)


def syncing_into(database: Engine, folder: Path) -> Sync:
    path = folder / "feed.ndjson"

    def sync(
        *lines: Line | str,
        stops: bool = True,
        has_authority: bool = False,
        record: Callable[[Connection, object], None] = lambda _connection, _applied: None,
    ) -> tuple[Synced, list[str]]:
        path.write_text(written(lines))
        faults: list[object] = []
        descriptor = os.open(path, os.O_RDONLY)
        try:
            done = syncing.sync(
                database,
                Input(descriptor, "feed", "default"),
                lambda: b"k" * 32,
                Followers(faults.append, record=record),
                stops=stops,
                has_authority=has_authority,
            )
        finally:
            os.close(descriptor)
        return done, [str(fault).removeprefix("feed:") for fault in faults]

    return sync


def written(lines: Iterable[Line | str]) -> str:
    return "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
