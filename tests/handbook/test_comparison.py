"""Two revisions side by side: what `policy diff` tells, with the cells of the matrix that have changed."""

import pickle
from pathlib import Path

import pytest
from sqlalchemy import Engine

from authz_service.errors import InvalidPolicy
from authz_service.handbook.comparison import CellAnswer, ChangedCell, Comparison, compare_revisions
from authz_service.opa.bundle import build_bundle
from authz_service.opa.folder import SOURCES
from authz_service.policy.diff import Happened
from authz_service.policy.matrix import Answer
from tests.bundles import without
from tests.conftest import SMITH_FAMILY, Load
from tests.earlier import earlier_policies


@pytest.fixture(scope="module")
def earlier(policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return earlier_policies(policies, tmp_path_factory.mktemp("earlier") / "policies")


@pytest.fixture
def compared(earlier: Path, policies: Path, database: Engine, load: Load) -> Comparison:
    load([SMITH_FAMILY])
    return compare_revisions(earlier, policies, database.url.render_as_string(hide_password=False))


def test_it_tells_what_widened_before_what_narrowed_with_who_is_concerned(compared: Comparison) -> None:
    widened, narrowed, *others = compared.sections
    assert (widened.happened, narrowed.happened) == (Happened.WIDENED, Happened.NARROWED)
    assert [group.sentences[0][0] for group in widened.groups] == [
        "a user may now activate an option that is free of a mobile that is his or her own paid by an employer",
        "a user may now see the usage of a mobile that is his or her own paid by an employer",
    ]
    [bills] = narrowed.groups
    assert bills.sentences[0][0].startswith("a user may no longer see the bills")
    assert bills.size == "24 situations, 2 people on 1 customer number today"
    assert (bills.came, bills.went) == (("administrator_only",), ("administrator_bills",))
    assert {section.happened for section in others} == {Happened.OTHER_REASONS}
    assert compared.summary.startswith("156 of 28,248 situations are answered differently: 24 widened, 24 narrowed")
    assert compared.counted_at


def test_it_tells_the_cells_that_have_changed_and_no_others(compared: Comparison) -> None:
    changed = {
        (row.title, title): cell
        for row in compared.rows
        for title, cell in zip(compared.columns, row.cells, strict=True)
        if cell
    }
    opened = ChangedCell(CellAnswer(Answer.IF, 12, 24), CellAnswer(Answer.YES, 24, 24))
    closed = ChangedCell(CellAnswer(Answer.YES, 6, 6), CellAnswer(Answer.NO, 0, 6))
    bills = [f"{verb} the {what}" for what in ("bills", "payment statements") for verb in ("see", "manage")]
    assert changed == {
        ("see the usage", "user, own mobile"): opened,
        ("activate an option that is free", "user, own mobile"): opened,
        **{(title, "user, everything else"): closed for title in bills},
    }


def test_it_is_small_however_much_has_changed(compared: Comparison) -> None:
    assert len(pickle.dumps(compared)) < 50_000


def test_bundles_are_compared_as_their_folders_are(
    compared: Comparison, earlier: Path, policies: Path, opa: Path, database: Engine, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.tar.gz", tmp_path / "new.tar.gz"
    build_bundle(opa, earlier, old)
    build_bundle(opa, policies, new)
    url = str(database.url)
    assert compare_revisions(old.read_bytes(), new, url)._replace(counted_at=compared.counted_at) == compared
    without(old, tmp_path / "bare.tar.gz", SOURCES)
    bare = compare_revisions(tmp_path / "bare.tar.gz", new, url)
    assert bare._replace(counted_at=compared.counted_at) == compared


def test_a_revision_is_the_same_as_itself(policies: Path, database: Engine) -> None:
    compared = compare_revisions(policies, policies, str(database.url))
    assert compared.is_empty
    assert (compared.sections, compared.rows, compared.one_sided) == ([], [], [])


def test_where_people_cannot_be_counted_the_rest_is_told_and_why(earlier: Path, policies: Path, tmp_path: Path) -> None:
    compared = compare_revisions(earlier, policies, f"sqlite:///{tmp_path / 'empty.db'}")
    assert compared.counted_at is None
    assert compared.not_counted == "The database does not answer or cannot be used."
    assert compared.sections[1].groups[0].size == "24 situations"


def test_what_is_no_policy_is_refused(policies: Path, database: Engine) -> None:
    with pytest.raises(InvalidPolicy):
        compare_revisions(b"PK", policies, str(database.url))
