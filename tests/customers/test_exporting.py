import io
import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from authz_service.customers import exporting
from authz_service.customers.activation_code import FindKey
from authz_service.customers.exporting import FileFormat, export
from authz_service.customers.importing import import_files
from authz_service.storage.database import connect, writing
from authz_service.words import CustomerKind, PaidBy, Plan, Role, SubscriptionKind

SMITHS_IN_YAML = """\
people:
  - {id: ann.other, name: Ann Other, email: ann@example.org, other_provider_numbers: ["+32480000009"]}
  - {id: mary.jones, name: Mary Jones, email: mary@example.org}
  - {id: philip.smith, name: Philip Smith, email: philip.smith@example.org}
options:
  - {id: extra-data-5gb, name: Extra data 5 GB, for: mobile, price: "5.00"}
  - {id: voicemail-to-text, name: Voicemail to text, for: mobile, price: "0.00"}
customers:
  - number: "123456789"
    name: Smith family
    members:
      - {person: philip.smith, role: administrator}
      - {person: mary.jones, role: user}
    subscriptions:
      - {id: internet-1001, kind: internet}
      - {id: mobile-2001, kind: mobile, number: "+32470000001", holder: philip.smith}
      - {id: mobile-2002, kind: mobile, number: "+32470000002", holder: mary.jones, plan: pay_and_go}
      - {id: mobile-2003, kind: mobile, number: "+32470000003", holder: mary.jones, paid_by: employer}
"""

formats = pytest.mark.parametrize("file_format", list(FileFormat))


def exported(engine: Engine, file_format: FileFormat) -> bytes:
    stream = io.BytesIO()
    export(engine, stream, file_format)
    return stream.getvalue()


def test_yaml_looks_as_a_person_would_write_it(smiths: Engine) -> None:
    assert exported(smiths, FileFormat.YAML).decode() == SMITHS_IN_YAML


def test_ndjson_has_an_object_a_line(smiths: Engine) -> None:
    lines = exported(smiths, FileFormat.NDJSON).decode().splitlines()
    assert len(lines) == 6
    assert lines[3] == (
        '{"option": {"id": "extra-data-5gb", "name": "Extra data 5 GB", "for": "mobile", "price": "5.00"}}'
    )


@formats
def test_an_activation_code_is_never_exported(smiths: Engine, file_format: FileFormat) -> None:
    assert b"activation" not in exported(smiths, file_format)


@formats
def test_an_empty_database_is_an_empty_file(engine: Engine, file_format: FileFormat) -> None:
    assert exported(engine, file_format) == b""


@formats
def test_what_was_exported_is_imported_and_exported_the_same(
    smiths: Engine, second_engine: Engine, find_key: FindKey, tmp_path: Path, file_format: FileFormat
) -> None:
    path = tmp_path / f"out.{file_format}"
    path.write_bytes(exported(smiths, file_format))
    import_files(second_engine, [path], find_key)
    assert exported(second_engine, file_format) == path.read_bytes()


@formats
def test_pages_leave_nothing_out_and_nothing_twice(
    smiths: Engine, file_format: FileFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = exported(smiths, file_format)
    monkeypatch.setattr(exporting, "_ROWS_IN_A_PAGE", 1)
    assert exported(smiths, file_format) == whole


def test_an_export_shows_one_moment(smiths: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "_ROWS_IN_A_PAGE", 1)

    def write_too(_done: int, _total: int) -> None:
        with writing(smiths) as connection:
            connection.execute(text("UPDATE customers SET name = 'changed'"))

    stream = io.BytesIO()
    export(smiths, stream, FileFormat.YAML, write_too)
    assert stream.getvalue().decode() == SMITHS_IN_YAML


def test_progress_counts_objects(smiths: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "_ROWS_IN_A_PAGE", 2)
    reports: list[tuple[int, int]] = []
    export(smiths, io.BytesIO(), FileFormat.NDJSON, lambda done, total: reports.append((done, total)))
    assert reports == [(2, 6), (3, 6), (5, 6), (6, 6)]


# any households whatever

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12) | st.sampled_from(
    ["no", "1", "0123", "1e3", "~", "2026-11-02", "a: b", "{x}", "- y"]
)
mobile_numbers = st.from_regex(r"\+[1-9][0-9]{1,14}", fullmatch=True)
customer_numbers = st.from_regex(r"[0-9]{1,20}", fullmatch=True)


@st.composite
def records(draw: st.DrawFn) -> list[dict[str, Any]]:
    """People, options and households that fit together, as the lines of an NDJSON file."""
    persons = draw(st.lists(words, unique=True, max_size=5))
    people: list[dict[str, Any]] = [{"id": person, "name": draw(words), "email": "a@b"} for person in persons]
    for person, number in zip(people, draw(st.lists(mobile_numbers, unique=True, max_size=2)), strict=False):
        person["other_provider_numbers"] = [number]
    options = [
        {"id": option, "name": draw(words), "for": draw(st.sampled_from(SubscriptionKind)), "price": "1.20"}
        for option in draw(st.lists(words, unique=True, max_size=2))
    ]
    ids = iter(draw(st.lists(words, unique=True, min_size=6, max_size=6)))
    numbers = iter(draw(st.lists(mobile_numbers, unique=True, min_size=6, max_size=6)))
    customers = []
    for customer_number in draw(st.lists(customer_numbers, unique=True, max_size=3)):
        customer = draw(_empty_customers(customer_number, persons))
        holders = [member["person"] for member in customer["members"]]
        for _ in range(draw(st.integers(0, 2))):
            subscription = {"id": next(ids), "kind": draw(st.sampled_from(SubscriptionKind))}
            if subscription["kind"] == SubscriptionKind.MOBILE:
                if not holders:
                    continue
                subscription |= {
                    "number": next(numbers),
                    "holder": draw(st.sampled_from(holders)),
                    "plan": draw(st.sampled_from(Plan)),
                    "paid_by": draw(st.sampled_from(PaidBy)),
                }
            customer["subscriptions"].append(subscription)
        customers.append(customer)
    return [
        {kind: listed}
        for kind, all_listed in (("person", people), ("option", options), ("customer", customers))
        for listed in all_listed
    ]


@st.composite
def _empty_customers(draw: st.DrawFn, number: str, persons: list[str]) -> dict[str, Any]:
    kind = draw(st.sampled_from(CustomerKind))
    linked = draw(st.lists(st.sampled_from(persons), unique=True)) if persons else []
    members = [{"person": person, "role": draw(st.sampled_from(Role))} for person in linked]
    if kind is CustomerKind.RESIDENTIAL:
        members[1:] = [member | {"role": Role.USER} for member in members[1:]]
    return {"number": number, "name": draw(words), "kind": kind, "members": members, "subscriptions": []}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=records())
def test_whatever_is_imported_survives_export_and_import(
    migrated: Path, find_key: FindKey, records: list[dict[str, Any]]
) -> None:
    with TemporaryDirectory() as folder:
        given_file = Path(folder) / "given.ndjson"
        given_file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
        exports = []
        files = [given_file, Path(folder) / "out.yaml", Path(folder) / "out.ndjson"]
        for number, file in enumerate(files):
            database = Path(folder) / f"{number}.db"
            shutil.copy(migrated, database)
            engine = connect(f"sqlite:///{database}")
            imported = import_files(engine, [file], find_key)
            assert imported.people + imported.options + imported.customers == len(records)
            for file_format, out in zip(FileFormat, files[1:], strict=True):
                out.write_bytes(exported(engine, file_format))
            engine.dispose()
            exports.append([out.read_bytes() for out in files[1:]])
        assert exports[0] == exports[1] == exports[2]
