"""What searches find entries by is made anew."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, text

from authz_service.errors import ConfigurationError
from authz_service.ids import AFTER_ALL, new_id
from authz_service.journal import reindexing
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.journal.queries import Wanted, find_decisions
from authz_service.journal.reindexing import reindex
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import journal_entries
from tests.journal.conftest import an_entry
from tests.journals import JOURNAL_KEY
from tests.kept import Kept

_ENTRIES = 15


@pytest.fixture
def kept(database: Engine, tmp_path: Path) -> Kept:
    kept = Kept(database, tmp_path / "journal")
    kept.write(4, 5, 6)
    assert kept.index() == _ENTRIES
    return kept


def slices(kept: Kept) -> list[tuple[object, ...]]:
    """What the index was given of each slice."""
    query = text("SELECT rowid, slice, entries, denied, terms FROM journal_terms ORDER BY rowid")
    with reading(kept.database) as connection:
        return [(*row[:4], frozenset(row.terms.split())) for row in connection.execute(query)]


@pytest.mark.parametrize(
    "edits",
    [
        ["DELETE FROM journal_terms"],
        ["UPDATE journal_terms SET terms = '0x0', entries = 0, denied = 99"],
        ["INSERT INTO journal_terms (rowid, slice, entries, denied, terms) VALUES (1, '000000001', 7, 7, '0x0')"],
        ["UPDATE journal_terms_data SET block = zeroblob(9) WHERE id > 10"],
        ["DELETE FROM journal_terms_data WHERE id > 10"],
        ["DROP TABLE journal_terms_known", "DROP TABLE journal_terms"],
    ],
)
@pytest.mark.parametrize("at_once", [1, 4, 1_000])
def test_whatever_was_done_to_the_index_it_is_as_it_was(
    kept: Kept, edits: list[str], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindexing, "_ENTRIES_AT_ONCE", at_once)
    before = slices(kept)
    with writing(kept.database) as connection:
        for edit in edits:
            connection.execute(text(edit))
    kept.database.dispose()
    assert reindex(kept.database) == _ENTRIES
    assert slices(kept) == before
    assert kept.findings() == []


def test_entries_are_found_by_it_again(kept: Kept) -> None:
    names, wanted = Pseudonyms(JOURNAL_KEY.encode()), Wanted(subject="person-2")
    found = find_decisions(kept.database, names, wanted, 100)
    assert len(found.decisions) == 3
    with writing(kept.database) as connection:
        connection.execute(text("DELETE FROM journal_terms"))
    assert find_decisions(kept.database, names, wanted, 100).decisions == []
    reindex(kept.database)
    assert find_decisions(kept.database, names, wanted, 100) == found


def test_what_is_loaded_meanwhile_is_found_and_counted_once(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reindexing, "_ENTRIES_AT_ONCE", 1)
    told: list[tuple[int, int]] = []

    def load_some(done: int, of: int) -> None:
        told.append((done, of))
        if len(told) == 1:
            kept.write(3)
            assert kept.index() == 3

    assert reindex(kept.database, load_some) == _ENTRIES + 3
    assert kept.findings() == []
    given = slices(kept)
    reindex(kept.database)
    assert slices(kept) == given
    assert told[-1] == (_ENTRIES + 3, _ENTRIES + 3)


def test_an_entry_under_what_is_no_id_is_left_out(kept: Kept) -> None:
    values = {"item": -1, "chain": 1, "sequence": 99, "hash": "", "body": an_entry().body.decode()}
    with writing(kept.database) as connection:
        for wrong in ("", "nobody", new_id()[:25] + "U", "\N{GRINNING FACE}"):
            connection.execute(insert(journal_entries).values({"id": wrong, **values}))
    before = slices(kept)
    assert reindex(kept.database) == _ENTRIES
    assert slices(kept) == before


def test_where_there_is_nothing_nothing_is_found(database: Engine) -> None:
    assert reindex(database) == 0
    with reading(database) as connection:
        assert connection.scalar(text("SELECT count(*) FROM journal_terms")) == 0


def test_postgresql_has_indexes_of_its_own(on_postgresql: Engine) -> None:
    with pytest.raises(ConfigurationError, match="REINDEX TABLE journal_entries"):
        reindex(on_postgresql)


def test_nothing_comes_after_the_end_of_all_ids() -> None:
    assert new_id() < new_id()[:9] + AFTER_ALL < AFTER_ALL
