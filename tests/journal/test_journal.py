from pathlib import Path

import pytest

from authz_service.ids import new_id
from authz_service.journal.entries import Origin
from authz_service.journal.journal import Journal
from authz_service.journal.pseudonyms import Pseudonyms
from tests.journal.conftest import OpenWriter, bodies_of
from tests.kept import decided


class Counting(Pseudonyms):
    """Counts how often something was to be named.

    Attributes:
        times: How often.
    """

    def __init__(self) -> None:
        super().__init__(b"k" * 32)
        self.times = 0

    def quoted_names(self) -> dict[str, str]:
        self.times += 1
        return super().quoted_names()


@pytest.mark.parametrize(("items", "times"), [(0, 0), (1, 0), (2, 1)], ids=["single", "batch of one", "batch"])
def test_buffered_a_single_entry_is_made_when_it_is_written_and_those_of_a_batch_at_once(
    rarely_flushed: None, open_writer: OpenWriter, folder: Path, items: int, times: int
) -> None:
    pseudonyms = Counting()
    journal = Journal(pseudonyms, folder, open_writer(), is_strict=False)
    if items:
        journal.decided_several(new_id(), Origin("zone"), [(item, decided()) for item in range(items)])
    else:
        journal.decided(new_id(), Origin("zone"), decided())
    assert pseudonyms.times == times
    assert bodies_of(folder) == []
    journal.close()
    assert len(bodies_of(folder)) == max(items, 1)
