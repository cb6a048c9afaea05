"""Imports files of customer data: all of them together or nothing, and every fault in them at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, func, select

from authz_service.customers import staging
from authz_service.customers.activation_code import FindKey
from authz_service.customers.cross_checks import cross_faults
from authz_service.customers.moving import move
from authz_service.customers.ndjson_file import read_ndjson
from authz_service.customers.parsing import Finding, check, path
from authz_service.customers.record import MODEL_OF, Record, Unreadable, record_path
from authz_service.customers.staged_rows import Stage
from authz_service.customers.staging import staging_tables
from authz_service.customers.yaml_file import read_yaml
from authz_service.errors import Fault, InvalidFile
from authz_service.storage.database import begin_writing, errors_in_our_words

LISTED_FAULTS = 1_000

_READERS = {".ndjson": read_ndjson, ".yaml": read_yaml, ".yml": read_yaml}

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
    with errors_in_our_words(), engine.connect() as connection, staging_tables(connection):
        with connection.begin():
            progress = _Progress(files, on_progress)
            stage = Stage(connection, find_key)
            for index, file in enumerate(files):
                _read(file, index, stage, faults, progress)
            stage.flush()
        with begin_writing(connection):
            for fault in cross_faults(connection, names):
                faults.add(fault)
            faults.raise_if_any()
            move(connection)
            imported = Imported(
                people=_count(connection, staging.people),
                options=_count(connection, staging.options),
                customers=_count(connection, staging.customers),
            )
            record(connection, imported)
            return imported


class _Faults:
    """Counts all and keeps a bounded number."""

    def __init__(self, files: Sequence[str]) -> None:
        self._order = {file: index for index, file in enumerate(files)}
        self._kept: list[Fault] = []
        self._number = 0

    def add(self, fault: Fault) -> None:
        self._number += 1
        if len(self._kept) < LISTED_FAULTS:
            self._kept.append(fault)

    def raise_if_any(self) -> None:
        if not self._kept:
            return
        listed = sorted(self._kept, key=lambda fault: (self._order[fault.file], fault.line))
        more = self._number - len(listed)
        raise InvalidFile([*listed, Fault(f"and {more:,} more faults")] if more else listed)


class _Progress:
    def __init__(self, files: Sequence[Path], on_progress: OnProgress | None) -> None:
        self._total = sum(file.stat().st_size for file in files if file.is_file())
        self._before = 0
        self._on_progress = on_progress

    def at(self, bytes_of_this_file: int) -> None:
        if self._on_progress:
            self._on_progress(self._before + bytes_of_this_file, self._total)

    def end_of_file(self, bytes_of_this_file: int) -> None:
        self.at(bytes_of_this_file)
        self._before += bytes_of_this_file


def _read(file: Path, index: int, stage: Stage, faults: _Faults, progress: _Progress) -> None:
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        faults.add(Fault(f"must be named {', '.join(f'*{suffix}' for suffix in _READERS)}", file=str(file)))
        return
    try:
        with file.open("rb") as stream:
            for record in reader(stream):
                _take(record, index, str(file), stage, faults)
                if stage.flush_if_full():
                    progress.at(stream.tell())
            progress.end_of_file(stream.tell())
    except OSError as error:
        faults.add(Fault(f"cannot be read: {error.strerror}", file=str(file)))


def _take(record: Record | Unreadable, file_index: int, file: str, stage: Stage, faults: _Faults) -> None:
    if isinstance(record, Unreadable):
        faults.add(Fault(record.what, record.path, file, record.line))
        return
    checked = check(MODEL_OF[record.kind], record.value)
    findings = _findings(record, checked if isinstance(checked, list) else [])
    prefix = record_path(record.kind, record.index)
    for finding in findings:
        line = record.line_of(finding.location)
        faults.add(Fault(finding.what, path(finding.location, prefix), file, line))
    stage.add(file_index, record, None if findings or isinstance(checked, list) else checked)


def _findings(record: Record, of_model: list[Finding]) -> list[Finding]:
    # What could not be read is not blamed a second time for what it then lacks.
    unread = {finding.location for finding in record.findings}
    return record.findings + [finding for finding in of_model if finding.location not in unread]


def _count(connection: Connection, table: Table) -> int:
    return connection.scalars(select(func.count()).select_from(table)).one()
