import datetime as dt
import io
from typing import Any

import pytest
import yaml

from authz_service.customers import yaml_file
from authz_service.customers.record import Record, RecordKind, Unreadable
from authz_service.customers.yaml_file import read_yaml

UNKNOWN_KEY = "unknown key; known are: people, options, customers"


def read(content: str | bytes) -> list[Record | Unreadable]:
    return list(read_yaml(io.BytesIO(content.encode() if isinstance(content, str) else content)))


def read_one(content: str) -> Record:
    [record] = read(content)
    assert isinstance(record, Record)
    return record


def findings(content: str) -> list[tuple[tuple[str | int, ...], str]]:
    return [(finding.location, finding.what) for finding in read_one(content).findings]


@pytest.fixture(params=["libyaml", "pure Python"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML comes with and without libyaml."""
    if request.param == "pure Python":
        monkeypatch.setattr(yaml_file, "_LOADER", yaml.SafeLoader)


# records


@pytest.mark.parametrize("content", ["", "# nothing here\n", "\ufeff", "people: []\n"])
def test_a_file_may_hold_nothing(content: str) -> None:
    assert read(content) == []


def test_records_come_in_the_order_of_the_file_with_kind_and_index() -> None:
    records = read("options: [{id: o}]\npeople:\n  - {id: a}\n  - {id: b}\ncustomers: [{number: '1'}]\n")
    assert [(r.kind, r.index, r.value) for r in records if isinstance(r, Record)] == [
        (RecordKind.OPTION, 0, {"id": "o"}),
        (RecordKind.PERSON, 0, {"id": "a"}),
        (RecordKind.PERSON, 1, {"id": "b"}),
        (RecordKind.CUSTOMER, 0, {"number": "1"}),
    ]


def test_every_place_knows_its_line() -> None:
    record = read_one("customers:\n  - number: '1'\n    members:\n      - person: ann\n        role: user\n")
    assert record.line_of(()) == 2
    assert record.line_of(("number",)) == 2
    assert record.line_of(("members", 0, "role")) == 5
    assert record.line_of(("members", 0, "name")) == 4, "what is missing is where it should be"


def test_a_byte_order_mark_is_skipped() -> None:
    assert read_one("\ufeffpeople: [{id: a}]").value == {"id": "a"}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("ann", "ann"),
        ("'0123'", "0123"),
        ('"no"', "no"),
        ("|-\n    1\n", "1"),
        ("ann smith", "ann smith"),
        ("1a", "1a"),
        ("=", "="),
        ("2026-11-02", dt.date(2026, 11, 2)),
        ("no", False),
        ("~", None),
        ("", None),
        # whatever some reader takes for a number, before it is guessed which
        *[
            (number, 0)
            for number in (
                "1",
                "0123456",
                "0129",
                "1e3",
                "1_0",
                "0x1F",
                "1:30",
                "+32470000001",
                "5.00",
                ".5",
                ".inf",
            )
        ],
    ],
)
def test_only_what_is_surely_a_string_is_one(written: str, value: object) -> None:
    read_value: Any = read_one(f"people:\n- id: {written}\n").value
    assert read_value["id"] == value
    assert type(read_value["id"]) is type(value)


@pytest.mark.parametrize("written", ["2026-13-45", "2026-11-02 10:00:00", "2026-11-02T10:00:00Z"])
def test_a_time_or_an_impossible_date_is_neither_string_nor_date(written: str) -> None:
    value: Any = read_one(f"people: [{{id: {written}}}]").value
    assert type(value["id"]) is dt.datetime


# what is refused and read on


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("people: [{id: a, id: b}]", [(("id",), "is there already")]),
        ("people: [{id: &x a}]", [(("id",), "must not have an anchor (&)")]),
        ("people: [{id: *x}]", [(("id",), "must not be an alias (*); write the value out")]),
        ("people: [{<<: {id: a}}]", [((), "must not merge (<<); write the members out")]),
        ("people: [{id: !!str 1}]", [(("id",), "must not have a tag (!); quote what is to be a string")]),
        ("people: [!person {}]", [((), "must not have a tag (!); quote what is to be a string")]),
        ("people: [{no: a}]", [((), "has a key that is not a string; quote it")]),
        ("people: [{1: {a: b}}]", [((), "has a key that is not a string; quote it")]),
        ("people: [{? [a] : b}]", [((), "has a key that is not a string")]),
    ],
)
def test_what_yaml_allows_and_we_do_not_is_found(content: str, expected: list[object]) -> None:
    assert findings(content) == expected


def test_of_a_repeated_key_the_first_value_counts_and_the_second_line_is_named() -> None:
    record = read_one("people:\n  - id: a\n    name: b\n    id: c\n")
    assert record.value == {"id": "a", "name": "b"}
    assert record.line_of(("id",)) == 4


def test_what_is_no_list_of_records_is_named_and_the_rest_read() -> None:
    assert read("people: {}\nguests: [{a: [b]}]\noptions: [{id: o}]\noptions: 1\n") == [
        Unreadable("must be a list", 1, "people"),
        Unreadable(UNKNOWN_KEY, 2, "guests"),
        Record(RecordKind.OPTION, 0, {"id": "o"}, {(): 3, ("id",): 3}),
        Unreadable("is there already", 4, "options"),
        Unreadable("must be a list", 4, "options"),
    ]


def test_a_thousand_million_laughs_are_no_strain() -> None:
    content = "people:\n- a: &a [x, x]\n" + "".join(
        f"- {second}: &{second} [*{first}, *{first}, *{first}]\n"
        for first, second in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert all(record.findings for record in read(content) if isinstance(record, Record))


# what ends the reading


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[]", Unreadable("must have the keys people, options, customers", 1)),
        ("ann", Unreadable("must have the keys people, options, customers", 1)),
        (
            "people: []\n---\npeople: []\n",
            Unreadable("a second document starts here; put it in a file of its own", 2),
        ),
        ("people:\n- " + "[" * 65, Unreadable("is nested more than 64 levels deep", 2, "people[0]")),
        ("people:\n- " + "[" * 100_000, Unreadable("is nested more than 64 levels deep", 2, "people[0]")),
        (b"# a\n# \xff\n", Unreadable("is not UTF-8, or has a control character", 2)),
        (b"# a\n# \x07\n", Unreadable("is not UTF-8, or has a control character", 2)),
        ("people: []".encode("utf-16"), Unreadable("is not UTF-8", 1)),
    ],
)
def test_what_ends_the_reading_is_named_with_its_line(content: str | bytes, expected: Unreadable) -> None:
    assert read(content) == [expected]


def test_broken_yaml_is_named_after_what_could_be_read() -> None:
    record, broken = read("people:\n  - {id: a}\n  - {id: b\noptions: []\n")
    assert isinstance(record, Record)
    assert isinstance(broken, Unreadable)
    assert broken.what.startswith("is not YAML: ")
    assert broken.line in {3, 4}
