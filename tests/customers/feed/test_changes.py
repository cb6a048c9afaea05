"""A line is one change, or everything that is wrong with it is told."""

import copy
import json
import random
from typing import Any

import pytest

from authz_service.customers.feed.changes import Change, Reader
from tests.customers.test_usual_lines import SMALL, WHOLE, changed, key

TRIES = 10_000


def read(line: str | bytes) -> Change | list[str]:
    found = Reader("f", "default", key).read(7, line if isinstance(line, bytes) else line.encode())
    return found if isinstance(found, Change) else [str(fault) for fault in found]


@pytest.mark.parametrize("source", [None, "crm", "billing-2.eu_west"])
@pytest.mark.parametrize("record", [*WHOLE, *SMALL])
def test_the_quick_way_reads_what_the_strict_way_reads(record: dict[str, Any], source: str | None) -> None:
    line = {"sequence": 5} | ({"source": source} if source else {}) | record
    # A space at the end of the line is not usual.
    quick, strict = read(json.dumps(line)), read(json.dumps(line) + " ")
    assert isinstance(quick, Change)
    assert isinstance(strict, Change)
    assert quick._replace(rows=filled(quick)) == strict._replace(rows=filled(strict))
    assert (quick.source, quick.sequence) == (source or "default", 5)
    assert quick.id in json.dumps(record, ensure_ascii=False)


def test_whatever_the_quick_way_takes_the_strict_way_takes_too() -> None:
    chance = random.Random(12)  # noqa: S311 - no secret is made of it
    taken = 0
    for _ in range(TRIES):
        inside = changed(copy.deepcopy(chance.choice([*WHOLE, *SMALL])), chance).rstrip(b"\r\n")
        envelope = chance.choice(
            [b'"sequence": 3, ', b'"sequence": 3, "source": "a", ', b'"sequence": 3, "sequence": 4, ']
        )
        line = inside.replace(b"{", b"{" + envelope, 1)
        quick = read(line)
        if isinstance(quick, Change):
            taken += 1
            strict = read(line + b" ")
            assert isinstance(strict, Change), line
            assert quick._replace(rows=filled(quick)) == strict._replace(rows=filled(strict)), line
    assert taken > TRIES // 20


def filled(change: Change) -> dict[str, Any] | None:
    return None if change.rows is None else {table: rows for table, rows in change.rows.items() if rows}


@pytest.mark.parametrize(("kind", "name"), [("customer", "123"), ("person", "mary.jones"), ("option", "a b")])
def test_what_is_gone_is_a_change_without_rows(kind: str, name: str) -> None:
    assert read(json.dumps({"sequence": 0, "delete": {kind: name}})) == Change(7, "default", 0, kind, name, None)


@pytest.mark.parametrize(
    ("line", "faults"),
    [
        ("[]", ["f:7: must be an object"]),
        ('{"sequence": 1,', ["f:7: is not JSON: expecting property name enclosed in double quotes (column 16)"]),
        ('{"sequence": 1, "sequence": 2, "delete": {"person": "a"}}', ["f:7: has an object with a repeated member"]),
        ("{}", ["f:7: sequence: is missing", "f:7: must have exactly one of person, option, customer, delete"]),
        (
            '{"sequence": 1.5, "delete": {"person": "a"}}',
            ["f:7: sequence: must be a whole number from 0 to 9223372036854775807"],
        ),
        (
            '{"sequence": true, "delete": {"person": "a"}}',
            ["f:7: sequence: must be a whole number from 0 to 9223372036854775807"],
        ),
        (
            '{"sequence": -1, "source": "", "person": {"id": "a", "name": "A"}, "more": 1}',
            [
                "f:7: more: unknown key; known are: sequence, source, person, option, customer, delete",
                "f:7: sequence: must be a whole number from 0 to 9223372036854775807",
                "f:7: source: must be 1 to 64 of A-Z, a-z, 0-9, `.`, `_` and `-`, and begin with a letter or a digit",
                "f:7: person.email: is missing",
            ],
        ),
        (
            '{"sequence": 1, "person": {}, "delete": {"person": "a"}}',
            ["f:7: must have exactly one of person, option, customer, delete"],
        ),
        ('{"sequence": 1, "delete": {"customer": "12a"}}', ["f:7: delete.customer: must be 1 to 20 digits"]),
        (
            '{"sequence": 1, "delete": {"customer": 12}}',
            ["f:7: delete.customer: must be a string, got a number; quote it"],
        ),
        (
            '{"sequence": 1, "delete": {"customer": "1", "person": "a"}}',
            ["f:7: delete: must be an object with exactly one key of person, option, customer"],
        ),
        (
            '{"sequence": 1, "delete": "1"}',
            ["f:7: delete: must be an object with exactly one key of person, option, customer"],
        ),
        (
            '{"sequence": 1, "customer": {"number": "1", "name": "A", "members": [{"person": "a", "role": "boss"}]}}',
            ["f:7: customer.members[0].role: must be one of administrator, user"],
        ),
    ],
)
def test_everything_that_is_wrong_is_told_at_its_place(line: str, faults: list[str]) -> None:
    assert read(line) == faults
