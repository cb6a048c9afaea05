"""Imports files of customer data: all of them together or nothing, and every fault in them at once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, exists, func, select

from authz_service.customers import staging
from authz_service.customers.activation_code import FindKey
from authz_service.customers.cross_checks import cross_faults
from authz_service.customers.file_reading import read_files
from authz_service.customers.moving import lock_stored, move
from authz_service.customers.staging import staging_tables
from authz_service.errors import Fault, InvalidFile
from authz_service.storage import schema
from authz_service.storage.bulk import analyze, keys_made_afterwards
from authz_service.storage.database import begin_writing, errors_in_our_words

LISTED_FAULTS = 1_000
# So few that the rows are there before anybody would wait for them.
_FEW_ROWS = 20_000

_FILLED = [
    schema.people,
    schema.other_provider_numbers,
    schema.options,
    schema.customers,
    schema.members,
    schema.subscriptions,
]

# Of options, some may be there before anybody is.
_FILLED_ONLY = [table for table in _FILLED if table is not schema.options]

OnProgress = Callable[[int, int], None]
"""Is told how many bytes have been read, and of how many."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How many of each were in the files."""

    people: int
    options: int
    customers: int


def import_files(
    engine: Engine,
    files: Sequence[Path],
    find_key: FindKey,
    on_progress: OnProgress | None = None,
    record: "Callable[[Connection, Imported], None]" = lambda _connection, _imported: None,
) -> Imported:
    """Stores what is in the files, in one transaction, as putting each object would.

    Files may refer to each other in any order. Memory does not grow with them: they are read object by object
    into temporary tables, where the database looks for what is wrong between them. `record` writes down what has been
    stored, in the same transaction.

    Raises:
        InvalidFile: Every fault with file, line and path, sorted; of more than `LISTED_FAULTS` those met
            first, and at the end how many more there are. Nothing is stored.
        Conflict: Another write came in between.
        ConfigurationError: There is an activation code and no key to keep it under.
        DatabaseUnavailable: The database does not answer.
    """
    names = [str(file) for file in files]
    faults = _Faults(names)
    total_bytes = sum(file.stat().st_size for file in files if file.is_file())
    with errors_in_our_words(), engine.connect() as connection, staging_tables(connection) as stage:
        with connection.begin():
            for batch in read_files(files, find_key):
                stage.add(batch.rows)
                faults.add_all(batch.faults)
                if on_progress:
                    on_progress(batch.bytes_read, total_bytes)
            stage.prepare_for_questions()
        with begin_writing(connection):
            lock_stored(connection)
            faults.add_all(cross_faults(connection, names))
            faults.raise_if_any()
            if _is_first_load(connection):
                with keys_made_afterwards(connection, _FILLED_ONLY) as is_alone:
                    # Or somebody may add one of them meanwhile.
                    move(connection, into_empty=is_alone)
            else:
                move(connection)
            imported = Imported(
                people=_count(connection, staging.people),
                options=_count(connection, staging.options),
                customers=_count(connection, staging.customers),
            )
            record(connection, imported)
    analyze(engine, _FILLED)
    return imported


class _Faults:
    """Counts all and keeps a bounded number."""

    def __init__(self, files: Sequence[str]) -> None:
        self._order = {file: index for index, file in enumerate(files)}
        self._kept: list[Fault] = []
        self._number = 0

    def add_all(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            self._number += 1
            if len(self._kept) < LISTED_FAULTS:
                self._kept.append(fault)

    def raise_if_any(self) -> None:
        if not self._kept:
            return
        listed = sorted(self._kept, key=lambda fault: (self._order[fault.file], fault.line))
        more = self._number - len(listed)
        raise InvalidFile([*listed, Fault(f"and {more:,} more faults")] if more else listed)


def _is_first_load(connection: Connection) -> bool:
    """Whether much comes into a database that has nobody, so that nobody is asked about either; on PostgreSQL."""
    if connection.dialect.name != "postgresql":
        return False
    is_empty = not any(connection.scalar(select(exists(table))) for table in (schema.people, schema.customers))
    return is_empty and sum(_count(connection, table) for table in (staging.people, staging.customers)) > _FEW_ROWS


def _count(connection: Connection, table: Table) -> int:
    return connection.scalars(select(func.count()).select_from(table)).one()
