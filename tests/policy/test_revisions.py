"""What was in force is kept once, by whichever process, and not without end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from authz_service.opa.bundle import build_bundle
from authz_service.policy.revisions import (
    MOST_KEPT,
    KeptRevision,
    RevisionKeeper,
    keep_revision,
    kept_bundle,
    kept_revisions,
)

MONDAY = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def test_it_is_kept_with_its_bundle_and_since_when(any_database: Engine) -> None:
    keep_revision(any_database, "a", b"bundle of a", MONDAY)
    keep_revision(any_database, "b", b"bundle of b", MONDAY + DAY)
    assert kept_revisions(any_database) == [KeptRevision("b", MONDAY + DAY), KeptRevision("a", MONDAY)]
    assert kept_bundle(any_database, "a") == b"bundle of a"
    assert kept_bundle(any_database, "c") is None


def test_who_says_the_same_later_changes_nothing(any_database: Engine) -> None:
    keep_revision(any_database, "a", b"bundle", MONDAY)
    keep_revision(any_database, "a", b"bundle", MONDAY + DAY)
    assert kept_revisions(any_database) == [KeptRevision("a", MONDAY)]


def test_what_comes_into_force_again_is_the_newest_again(any_database: Engine) -> None:
    for day, revision in enumerate("aba"):
        keep_revision(any_database, revision, b"bundle", MONDAY + day * DAY)
    assert kept_revisions(any_database) == [KeptRevision("a", MONDAY + 2 * DAY), KeptRevision("b", MONDAY + DAY)]


def test_the_oldest_go_when_there_are_too_many(any_database: Engine) -> None:
    for day in range(MOST_KEPT + 2):
        keep_revision(any_database, f"r{day}", b"bundle", MONDAY + day * DAY)
    kept = [one.revision for one in kept_revisions(any_database)]
    assert kept == [f"r{day}" for day in reversed(range(2, MOST_KEPT + 2))]


@pytest.fixture
def bundle(opa: Path, policies: Path, tmp_path: Path) -> Path:
    build_bundle(opa, policies, tmp_path / "bundle.tar.gz")
    return tmp_path / "bundle.tar.gz"


def test_a_keeper_keeps_what_comes_into_force(
    database: Engine, bundle: Path, opa: Path, policies: Path, tmp_path: Path
) -> None:
    revision = build_bundle(opa, policies, tmp_path / "same.tar.gz")
    keeper = RevisionKeeper(database, bundle)
    keeper.came_into_force(revision)
    keeper.close()
    assert [one.revision for one in kept_revisions(database)] == [revision]
    assert kept_bundle(database, revision) == bundle.read_bytes()


def test_a_bundle_that_has_been_replaced_is_not_kept_under_the_revision_before(database: Engine, bundle: Path) -> None:
    keeper = RevisionKeeper(database, bundle)
    keeper.came_into_force("before")
    keeper.close()
    assert kept_revisions(database) == []


def test_without_a_bundle_or_a_table_nothing_is_kept_and_nothing_fails(
    database: Engine, bundle: Path, tmp_path: Path
) -> None:
    for given in (None, tmp_path / "missing.tar.gz"):
        keeper = RevisionKeeper(database, given)
        keeper.came_into_force("a")
        keeper.close()
    assert kept_revisions(database) == []
