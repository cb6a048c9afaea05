"""Chooses what of a batch of changes is applied."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from authz_service.customers.feed.changes import Change, Key
from authz_service.customers.record import RecordKind


class Newest(NamedTuple):
    """The newest change of an object that was taken before.

    Attributes:
        source: Whose sequence it is in.
        sequence: Where in it.
        code_sequence: Where the newest change is that issued an activation code or deleted the customer; else -1.
    """

    source: str
    sequence: int
    code_sequence: int


class Code(NamedTuple):
    """The newest that is said of the activation code of a customer: a digest, or None as the customer went."""

    sequence: int
    digest: str | None


def codes_of(changes: Iterable[Change], newest: Mapping[Key, Newest]) -> dict[Key, Code]:
    """What the changes say of each code that is not known yet.

    A customer without a code keeps what there is, so that this may be in an older change than the rest.
    """
    codes: dict[Key, Code] = {}
    for change in changes:
        if change.kind == RecordKind.CUSTOMER and (change.rows is None or change.code is not None):
            before = newest[change.key].code_sequence if change.key in newest else -1
            known = codes[change.key].sequence if change.key in codes else before
            if change.sequence > known:
                codes[change.key] = Code(change.sequence, change.code)
    return codes


class Chosen(NamedTuple):
    """What of a batch is applied.

    Attributes:
        newest: Of each object, in the order of lines.
        gone: The objects that were deleted by the newest change or by one before it.
        leaving: People who came and went, as they were.
        code_sequences: Where the code of a customer among the newest was issued or went.
        codes: What else is issued or gone, of customers that stay as they are or come without a code.
    """

    newest: list[Change]
    gone: set[Key]
    leaving: list[Change]
    code_sequences: dict[Key, int]
    codes: dict[Key, Code]


def choose(changes: Iterable[Change], codes: Mapping[Key, Code]) -> Chosen:
    """The newest of each object among the changes, each of which is newer than what was taken of it before."""
    of_object: defaultdict[Key, list[Change]] = defaultdict(list)
    for change in sorted(changes, key=lambda change: (change.sequence, -change.line)):
        of_object[change.key].append(change)
    newest = sorted((of_one[-1] for of_one in of_object.values()), key=lambda change: change.line)
    gone = {key for key, of_one in of_object.items() if any(change.rows is None for change in of_one)}
    came_and_went = (
        [change for change in of_one if change.rows is not None]
        for (kind, _), of_one in of_object.items()
        if kind == RecordKind.PERSON and of_one[-1].rows is None
    )
    issued = {key: code.digest for key, code in codes.items()}
    with_codes = [
        change
        if change.kind != RecordKind.CUSTOMER or change.rows is None
        else change.with_code(issued.get(change.key))
        for change in newest
    ]
    return Chosen(
        with_codes,
        gone,
        [came[-1] for came in came_and_went if came],
        {key: codes[key].sequence for key in of_object if key in codes},
        {key: code for key, code in codes.items() if key not in of_object or (code.digest is None and key not in gone)},
    )
