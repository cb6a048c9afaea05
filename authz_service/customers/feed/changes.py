"""A line of a feed, and the change that it tells."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from authz_service import strict_json
from authz_service.customers.activation_code import FindKey
from authz_service.customers.model import CustomerNumber, Id
from authz_service.customers.parsing import Finding, check, findings_of, path
from authz_service.customers.record import MODEL_OF, Record, RecordKind
from authz_service.customers.staged_rows import staged_rows
from authz_service.customers.staging import CUSTOMERS, Rows, customers
from authz_service.customers.usual_lines import usual_members, usual_record
from authz_service.errors import Fault

SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
SOURCE_SENTENCE = "must be 1 to 64 of A-Z, a-z, 0-9, `.`, `_` and `-`, and begin with a letter or a digit"

_HIGHEST_SEQUENCE = 2**63 - 1
_DELETE = "delete"
_KINDS = tuple(kind.value for kind in RecordKind)
_KEYS = {"sequence", "source", _DELETE, *_KINDS}
_STRICT = ConfigDict(strict=True)
_NAMED_BY: Mapping[str, str] = {"person": "id", "option": "id", "customer": "number"}
_NAME: Mapping[str, TypeAdapter[str]] = {
    kind: TypeAdapter(CustomerNumber if kind == RecordKind.CUSTOMER else Id, config=_STRICT) for kind in _KINDS
}
# A staged row has no `place` yet.
_CODE = customers.c.keys().index("activation_digest") - 1
# Of a line in the usual form: that of the member `sequence`, and that of `source` with its value.
_QUOTES_OF_SEQUENCE, _QUOTES_OF_SOURCE = 2, 4

Key = tuple[str, str]
"""Kind and id of an object."""


class Change(NamedTuple):
    """What has become of one object.

    Attributes:
        line: The number of its line.
        source: Whose sequence it is in.
        sequence: Where in it: the higher, the newer.
        kind: A person, an option or a customer.
        id: The id, or the number of a customer.
        rows: To stage; None where the object is gone.
    """

    line: int
    source: str
    sequence: int
    kind: str
    id: str
    rows: Rows | None

    @property
    def key(self) -> Key:
        return self.kind, self.id

    @property
    def code(self) -> str | None:
        """The digest of the activation code that it issues."""
        if self.kind != RecordKind.CUSTOMER or self.rows is None:
            return None
        [row] = self.rows[CUSTOMERS]
        return cast("str | None", row[_CODE])

    def with_code(self, code: str | None) -> "Change":
        """The same change of a customer, with another code."""
        [row] = (self.rows or {})[CUSTOMERS]
        return self._replace(rows={**(self.rows or {}), CUSTOMERS: [(*row[:_CODE], code, *row[_CODE + 1 :])]})


class Reader:
    """Reads the lines of one input.

    Args:
        file: Its name, in faults.
        source: Whose sequence a line is in that names none.
        find_key: For activation codes.
    """

    def __init__(self, file: str, source: str, find_key: FindKey) -> None:
        self._file = file
        self._source = source
        self._find_key = find_key

    def read(self, line: int, content: bytes) -> Change | list[Fault]:
        """The change, or everything that is wrong with the line by itself.

        Raises:
            ConfigurationError: There is an activation code and no key to keep it under.
        """
        return self._usual(line, content) or self._strictly(line, content)

    def _usual(self, line: int, content: bytes) -> Change | None:
        members = usual_members(content)
        if members is None:
            return None
        sequence, source = members.pop("sequence", None), members.pop("source", None)
        if not _is_sequence(sequence) or len(members) != 1:
            return None
        quotes = content.count(b'"') - _QUOTES_OF_SEQUENCE
        if source is not None:
            if not _is_source(source):
                return None
            quotes -= _QUOTES_OF_SOURCE
        [(kind, record)] = members.items()
        rows = usual_record(0, line, kind, record, quotes, self._find_key)
        if rows is None:
            return None
        return Change(line, source or self._source, sequence, kind, record[_NAMED_BY[kind]], rows)

    def _strictly(self, line: int, content: bytes) -> Change | list[Fault]:
        try:
            value = strict_json.loads(content)
        except strict_json.NotJson as error:
            place = f" (column {error.column})" if error.column else ""
            return [Fault(f"{error.what}{place}", file=self._file, line=line)]
        if not isinstance(value, dict):
            return [Fault("must be an object", file=self._file, line=line)]
        findings = list(_findings_of_envelope(value))
        told = [key for key in (*_KINDS, _DELETE) if key in value]
        rows: Rows | None = None
        kind = name = ""
        if len(told) == 1 and told[0] == _DELETE:
            kind, name = _deleted(value[_DELETE], findings)
        elif len(told) == 1:
            [kind] = told
            record = Record(RecordKind(kind), None, value[kind], {(): line})
            checked = check(MODEL_OF[record.kind], record.value)
            if isinstance(checked, list):
                findings += (Finding((kind, *finding.location), finding.what) for finding in checked)
            elif not findings:
                rows = staged_rows(0, record, checked, self._find_key)
                name = getattr(checked, _NAMED_BY[kind])
        if findings:
            return [Fault(finding.what, path(finding.location), self._file, line) for finding in findings]
        return Change(line, value.get("source", self._source), value["sequence"], kind, name, rows)


def _is_sequence(value: object) -> bool:
    return type(value) is int and 0 <= value <= _HIGHEST_SEQUENCE


def _is_source(value: object) -> bool:
    return type(value) is str and SOURCE.fullmatch(value) is not None


def _findings_of_envelope(value: dict[str, Any]) -> Iterator[Finding]:
    known = ", ".join(("sequence", "source", *_KINDS, _DELETE))
    yield from (Finding((key,), f"unknown key; known are: {known}") for key in value if key not in _KEYS)
    if "sequence" not in value:
        yield Finding(("sequence",), "is missing")
    elif not _is_sequence(value["sequence"]):
        yield Finding(("sequence",), f"must be a whole number from 0 to {_HIGHEST_SEQUENCE}")
    if "source" in value and not _is_source(value["source"]):
        yield Finding(("source",), SOURCE_SENTENCE)
    if sum(key in value for key in (*_KINDS, _DELETE)) != 1:
        yield Finding((), f"must have exactly one of {', '.join((*_KINDS, _DELETE))}")


def _deleted(value: object, findings: list[Finding]) -> tuple[str, str]:
    location = (_DELETE,)
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in _KINDS:
        findings.append(Finding(location, f"must be an object with exactly one key of {', '.join(_KINDS)}"))
        return "", ""
    [(kind, name)] = value.items()
    try:
        return kind, _NAME[kind].validate_python(name)
    except ValidationError as error:
        findings += (Finding((*location, kind), finding.what) for finding in findings_of(error, BaseModel))
        return "", ""
