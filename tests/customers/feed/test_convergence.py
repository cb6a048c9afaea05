"""However the changes of a log come, what is stored in the end is what the log says."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from authz_service.customers.exporting import FileFormat, export
from authz_service.customers.feed import syncing
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import customers, feed_objects, feed_sources, metadata
from tests.customers.feed.conftest import syncing_into
from tests.customers.feed.logs import Line, logs

_MANY = settings(
    max_examples=20,
    deadline=None,
    phases=set(Phase) - {Phase.shrink},
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


InOrder = Callable[..., "State"]


class State(NamedTuple):
    """All that is stored, but for how often it was written."""

    data: bytes
    codes: list[tuple[str, str | None]]
    newest: list[tuple[str, str, int]]


def state_of(database: Engine) -> State:
    data = io.BytesIO()
    export(database, data, FileFormat.NDJSON)
    with reading(database) as connection:
        codes = connection.execute(select(customers.c.number, customers.c.activation_digest).order_by("number"))
        of_objects = select(feed_objects.c.kind, feed_objects.c.id, feed_objects.c.sequence).order_by("kind", "id")
        return State(data.getvalue(), [tuple(row) for row in codes], list(map(tuple, connection.execute(of_objects))))


def emptied(database: Engine) -> Engine:
    with writing(database) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
    return database


@pytest.fixture
def in_order(any_database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InOrder:
    """What a log leads to when each of its changes is applied by itself, once and in order."""
    sync = syncing_into(any_database, tmp_path)

    def apply(log: list[Line], *, has_authority: bool) -> State:
        with monkeypatch.context() as alone:
            alone.setattr(syncing, "CHANGES_IN_A_BATCH", 1)
            emptied(any_database)
            done, faults = sync(*log, has_authority=has_authority)
        assert faults == []
        assert done.applied.total() == len(log)
        return state_of(any_database)

    return apply


@_MANY
@given(st.data())
def test_in_any_order_and_however_often_repeated(
    any_database: Engine, tmp_path: Path, in_order: InOrder, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    log = data.draw(logs(with_roles=True))
    expected = in_order(log, has_authority=True)
    emptied(any_database)
    shuffled = data.draw(st.permutations([*log, *data.draw(st.lists(st.sampled_from(log)))]))
    with monkeypatch.context() as batches:
        batches.setattr(syncing, "CHANGES_IN_A_BATCH", data.draw(st.integers(1, 8)))
        done, faults = syncing_into(any_database, tmp_path)(*shuffled, stops=False, has_authority=True)
    assert faults == []
    assert done.applied.total() + done.skipped == len(shuffled)
    assert state_of(any_database) == expected


@_MANY
@given(st.data())
def test_cut_anywhere_and_taken_up_from_anywhere_before(
    any_database: Engine, tmp_path: Path, in_order: InOrder, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    log = data.draw(logs(with_roles=False))
    expected = in_order(log, has_authority=False)
    emptied(any_database)
    sync = syncing_into(any_database, tmp_path)
    reached = 0
    while reached < len(log):
        start, end = data.draw(st.integers(0, reached)), data.draw(st.integers(reached + 1, len(log)))
        with monkeypatch.context() as batches:
            batches.setattr(syncing, "CHANGES_IN_A_BATCH", data.draw(st.integers(1, 8)))
            _, faults = sync(*log[start:end])
        assert faults == []
        reached = end
    assert state_of(any_database) == expected
    with reading(any_database) as connection:
        assert connection.execute(select(feed_sources.c.source, feed_sources.c.sequence)).all() == [
            ("default", log[-1]["sequence"])
        ]


@_MANY
@given(st.data())
def test_after_any_pieces_of_it_the_whole_log_mends_what_was_refused(
    any_database: Engine, tmp_path: Path, in_order: InOrder, data: st.DataObject
) -> None:
    log = data.draw(logs(with_roles=True))
    expected = in_order(log, has_authority=True)
    emptied(any_database)
    sync = syncing_into(any_database, tmp_path)
    for piece in data.draw(st.lists(st.lists(st.sampled_from(log)), max_size=3)):
        sync(*piece, stops=False, has_authority=True)
    _, faults = sync(*data.draw(st.permutations(log)), stops=False, has_authority=True)
    assert faults == []
    assert state_of(any_database) == expected


def test_the_logs_change_roles_and_move_numbers() -> None:
    """Or the tests above would say little."""
    seen = set()

    @settings(max_examples=100, deadline=None, database=None)
    @given(logs(with_roles=True))
    def look(log: list[Line]) -> None:
        owners: dict[str, str] = {}
        for line in log:
            one = line.get("customer", {})
            for sub in one.get("subscriptions", []):
                if owners.setdefault(sub["id"], one["number"]) != one["number"]:
                    seen.add("moved")
            seen.update(each["role"] for each in one.get("members", []))
            seen.update(f"delete {kind}" for kind in line.get("delete", {}))

    look()
    assert {"moved", "administrator", "user", "delete customer", "delete person", "delete option"} <= seen
