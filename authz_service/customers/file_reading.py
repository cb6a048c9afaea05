"""Reads files of customer data batch by batch: the rows to stage, and the faults."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias

from authz_service.customers.activation_code import FindKey
from authz_service.customers.ndjson_file import read_lines, record_of
from authz_service.customers.parsing import Finding, check, path
from authz_service.customers.record import MODEL_OF, Record, Unreadable, record_path
from authz_service.customers.staged_rows import staged_rows
from authz_service.customers.staging import Row, Rows
from authz_service.customers.usual_lines import usual_rows
from authz_service.customers.yaml_file import read_yaml
from authz_service.errors import Fault

_BYTES_IN_A_BATCH = 256 * 1024


@dataclass(slots=True)
class Batch:
    """What has been read since the batch before, which was of the same file or a whole one.

    Attributes:
        rows: To stage.
        faults: In the order of reading.
        bytes_read: Of all files, up to here.
    """

    rows: defaultdict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    faults: list[Fault] = field(default_factory=list)
    bytes_read: int = 0

    def add_rows(self, rows: Rows) -> None:
        for table, of_table in rows.items():
            self.rows[table] += of_table


def read_files(files: Sequence[Path], find_key: FindKey) -> Iterator[Batch]:
    """All batches of the files, in their order.

    Raises:
        ConfigurationError: There is an activation code and no key to keep it under.
    """
    bytes_before = 0
    for index, file in enumerate(files):
        bytes_of_file = 0
        for batch in _read_file(index, file, find_key):
            bytes_of_file = batch.bytes_read
            batch.bytes_read += bytes_before
            yield batch
        bytes_before += bytes_of_file


def _read_file(index: int, file: Path, find_key: FindKey) -> Iterator[Batch]:
    batch = Batch()
    items_of = _READERS.get(file.suffix.lower())
    if items_of is None:
        batch.faults.append(Fault(f"must be named {', '.join(f'*{suffix}' for suffix in _READERS)}", file=str(file)))
        yield batch
        return
    try:
        with file.open("rb") as stream:
            end = _BYTES_IN_A_BATCH
            for item in items_of(stream, index, find_key):
                if isinstance(item, dict):
                    batch.add_rows(item)
                elif isinstance(item, Unreadable):
                    batch.faults.append(Fault(item.what, item.path, str(file), item.line))
                else:
                    _judge(item, index, str(file), find_key, batch)
                if (bytes_read := stream.tell()) >= end:
                    batch.bytes_read = bytes_read
                    yield batch
                    batch, end = Batch(), bytes_read + _BYTES_IN_A_BATCH
            batch.bytes_read = stream.tell()
    except OSError as error:
        batch.faults.append(Fault(f"cannot be read: {error.strerror}", file=str(file)))
    yield batch


_Item: TypeAlias = Rows | Record | Unreadable


def _items_of_ndjson(stream: BinaryIO, file: int, find_key: FindKey) -> Iterator[_Item]:
    for line in read_lines(stream):
        if isinstance(line, Unreadable):
            yield line
        else:
            yield usual_rows(file, *line, find_key) or record_of(*line)


def _items_of_yaml(stream: BinaryIO, _file: int, _find_key: FindKey) -> Iterator[_Item]:
    return read_yaml(stream)


_READERS: Mapping[str, Callable[[BinaryIO, int, FindKey], Iterator[_Item]]] = {
    ".ndjson": _items_of_ndjson,
    ".yaml": _items_of_yaml,
    ".yml": _items_of_yaml,
}


def _judge(record: Record, index: int, file: str, find_key: FindKey, batch: Batch) -> None:
    checked = check(MODEL_OF[record.kind], record.value)
    findings = _findings(record, checked if isinstance(checked, list) else [])
    prefix = record_path(record.kind, record.index)
    for finding in findings:
        line = record.line_of(finding.location)
        batch.faults.append(Fault(finding.what, path(finding.location, prefix), file, line))
    batch.add_rows(staged_rows(index, record, None if findings or isinstance(checked, list) else checked, find_key))


def _findings(record: Record, of_model: list[Finding]) -> list[Finding]:
    # What could not be read is not blamed a second time for what it then lacks.
    unread = {finding.location for finding in record.findings}
    return record.findings + [finding for finding in of_model if finding.location not in unread]
