from pathlib import Path

import pytest

from authz_service.ids import new_id
from authz_service.journal.entries import Origin
from authz_service.journal.journal import Journal
from authz_service.journal.pseudonyms import Pseudonyms
from tests.journal.conftest import OpenWriter, bodies_of
from tests.kept import decided


class Counting(Pseudonyms):
    """Counts what has been named.

    Attributes:
        named: How many times something was.
    """

    def __init__(self) -> None:
        super().__init__(b"k" * 32)
        self.named = 0

    def quoted(self, kind: str, name: str, made: dict[str, str]) -> str:
        self.named += 1
        return super().quoted(kind, name, made)


@pytest.mark.parametrize(("items", "named"), [([None], 0), ([0, 1], 6)], ids=["single", "batch"])
def test_buffered_a_single_entry_is_made_when_it_is_written_and_those_of_a_batch_at_once(
    rarely_flushed: None, open_writer: OpenWriter, folder: Path, items: list[int | None], named: int
) -> None:
    pseudonyms = Counting()
    journal = Journal(pseudonyms, folder, open_writer(), is_strict=False)
    journal.decided(new_id(), Origin("zone"), [(item, decided()) for item in items])
    assert pseudonyms.named == named
    assert bodies_of(folder) == []
    journal.close()
    assert len(bodies_of(folder)) == len(items)
