"""What the readers of files hand on: one object of a file at a time, and the faults in its writing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from authz_service.customers.model import Customer, Option, Person
from authz_service.customers.parsing import Finding
from authz_service.customers.rules import Location


class RecordKind(StrEnum):
    PERSON = "person"
    OPTION = "option"
    CUSTOMER = "customer"


MODEL_OF: Mapping[RecordKind, type[Person | Option | Customer]] = {
    RecordKind.PERSON: Person,
    RecordKind.OPTION: Option,
    RecordKind.CUSTOMER: Customer,
}


LIST_OF = {RecordKind.PERSON: "people", RecordKind.OPTION: "options", RecordKind.CUSTOMER: "customers"}


def record_path(kind: RecordKind, index: int | None) -> str:
    """Where a record is: `customers[3]`, or `customer` where the file has an object a line."""
    return kind if index is None else f"{LIST_OF[kind]}[{index}]"


@dataclass(slots=True)
class Record:
    """One object of a file, as it is written there and not checked yet.

    Attributes:
        kind: What it should be.
        index: Its place in its list, from 0; None where the file has an object a line.
        value: Of dict, list, str, int, float, bool, date and None. A number of a YAML file is always 0.
        lines: The line of each location, from 1; `()` is the object itself and always there.
        findings: What is wrong with its writing, such as a repeated key.
    """

    kind: RecordKind
    index: int | None
    value: object
    lines: dict[Location, int]
    findings: list[Finding] = field(default_factory=list)

    def line_of(self, location: Location) -> int:
        """The line of the location, or of the nearest around it that is in the file."""
        while location not in self.lines:
            location = location[:-1]
        return self.lines[location]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A place of a file that is no record, and why.

    Attributes:
        what: A sentence without the value at fault.
        line: From 1.
        path: Empty where it concerns the whole line or file.
    """

    what: str
    line: int
    path: str = ""
