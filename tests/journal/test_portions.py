"""Which portion of what SQLite searches an entry belongs to."""

import pytest
from sqlalchemy import Engine, insert

from authz_service.journal.portions import Portions
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import journal_portions
from tests.journal.conftest import on_sqlite_alone

BEGUN = {number: f"{number:026}" if number else "" for number in range(7)}


@on_sqlite_alone
@pytest.mark.parametrize("number", BEGUN)
def test_an_id_belongs_to_the_last_portion_that_begins_before_it_however_many_came_since(
    any_database: Engine, number: int
) -> None:
    begun = [{"number": each, "first_id": first, "entries": 5} for each, first in BEGUN.items()]
    with writing(any_database) as connection:
        connection.execute(insert(journal_portions), begun)
    # One that has looked at the newest alone, and one that has had to look further.
    with reading(any_database) as connection:
        first, further = Portions(connection), Portions(connection)
        assert further.of("") == 0
        for portions in (first, further):
            assert portions.of(f"{number:026}") == number
            assert portions.of(f"{number:026}~") == number
