"""Whatever is taken as usual, the model takes too, and stages the same rows."""

import copy
import datetime as dt
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from authz_service.customers.ndjson_file import record_of
from authz_service.customers.parsing import check
from authz_service.customers.record import MODEL_OF, Record, RecordKind
from authz_service.customers.staged_rows import staged_rows
from authz_service.customers.staging import Rows
from authz_service.customers.usual_lines import usual_rows
from tests.conftest import HOUSEHOLDS


def households() -> Iterator[dict[str, Any]]:
    """Each person and customer of the example data, as a line of NDJSON has it."""
    for file in sorted(HOUSEHOLDS.glob("*.yaml")):
        content = yaml.safe_load(file.read_text())
        yield from ({"person": person} for person in content.get("people", []))
        yield from ({"customer": customer} for customer in content.get("customers", []))


WHOLE = [json.loads(json.dumps(record, default=dt.date.isoformat)) for record in households()]
[SMITHS] = [record for record in WHOLE if record.get("customer", {}).get("number") == "123456789"]
SMALL: list[dict[str, Any]] = [
    {"person": {"id": "a", "name": "b", "email": "a@b"}},
    {"customer": {"number": "1", "name": "b"}},
    {"customer": {"number": "1", "name": "b", "kind": "business", "members": [], "subscriptions": []}},
]
ODD: list[object] = [
    *[None, True, False, 0, 1, 1.5, -0.0, 10**400, [], {}, [[]], ["x"], {"x": "y"}],
    *[
        "",
        " ",
        "x",
        "x" * 200,
        "x" * 201,
        "a\0b",
        "a\x7fb",
        "a\u200bb",
        "a\u00a0b",
        "\u2028",
        "\ud800",
        "ünï",
        'a"b',
        "a\\b",
    ],
    *["+32470000001", "+3247", "32470000001", "+0470", "1" * 20, "1" * 21, "\u0661\u0662", "\N{GRINNING FACE}"],
    *["a@b", "a@b@c", "a b@c", "a@" + "b" * 252, "a@" + "b" * 253],
    *["user", "administrator", "User", "mobile", "tv", "business", "en", "EN", "philip.smith", "mary.jones"],
    *["2026-11-02", "2026-02-30", "2026-1-2"],
    {"person": "mary.jones", "role": "administrator"},
    [{"id": "internet-1001", "kind": "tv"}],
]
KEYS = ["id", "kind", "number", "holder", "plan", "paid_by", "person", "role", "name", "email", "activation", "other"]
TRIES = 30_000


@pytest.mark.parametrize("whole", [*WHOLE, *SMALL])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_what_is_right_and_usual_is_taken(whole: dict[str, Any], end: str) -> None:
    line = (json.dumps(whole, ensure_ascii=False) + end).encode()
    taken = usual_rows(3, 7, line, key)
    assert taken is not None
    assert filled(taken) == by_the_model(line)


def test_whatever_is_taken_the_model_takes_with_the_same_rows() -> None:
    chance = random.Random(11)  # noqa: S311 - no secret is made of it
    taken = 0
    for _ in range(TRIES):
        line = changed(chance.choice([*WHOLE, *SMALL]), chance)
        rows = usual_rows(3, 7, line, key)
        if rows is not None:
            taken += 1
            assert filled(rows) == by_the_model(line), line
    # Both happen often, or the test says nothing.
    assert TRIES // 20 < taken < TRIES // 2


@pytest.mark.parametrize("member", ["id", "name", "person"])
def test_a_repeated_member_is_not_taken(member: str) -> None:
    line = json.dumps({"person": {"id": "ann.other", "name": "Ann", "email": "ann@example.org"}}).encode()
    again = line.replace(f'"{member}":'.encode(), f'"{member}": "ann.other", "{member}":'.encode(), 1)
    assert again != line
    assert usual_rows(3, 7, again, key) is None


def key() -> bytes:
    return b"k" * 32


def by_the_model(line: bytes) -> Rows:
    record = record_of(7, line)
    assert isinstance(record, Record)
    assert record.findings == []
    checked = check(MODEL_OF[record.kind], record.value)
    assert not isinstance(checked, list)
    return filled(staged_rows(3, record, checked, key))


def filled(rows: Rows) -> Rows:
    return {table: of_table for table, of_table in rows.items() if of_table}


def changed(whole: dict[str, Any], chance: random.Random) -> bytes:
    """The line of a record with some things in it other than they should be, or only unusual."""
    value = copy.deepcopy(whole)
    for _ in range(chance.randrange(3)):
        _change(value, chance)
    text = json.dumps(value, ensure_ascii=chance.random() < 0.1, default=str)
    if chance.random() < 0.1:
        name = chance.choice(KEYS)
        text = text.replace(
            f'"{name}": ', f'"{name}": {chance.choice(["1", "null", "[]", chr(34) * 2])}, "{name}": ', 1
        )
    if chance.random() < 0.05:
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice('{}[],:" \t0') + text[at + chance.randrange(2) :]
    return text.encode("utf-8", "surrogatepass") + chance.choice([b"", b"\n", b"\r\n", b" \n", b"\n\n"])


def _change(value: dict[str, Any], chance: random.Random) -> None:
    inside: Any = value
    while True:
        places = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        if not places:
            break
        place = chance.choice(places)
        if not isinstance(inside[place], (dict, list)) or chance.random() < 0.2:
            break
        inside = inside[place]
    if isinstance(inside, list):
        inside.insert(chance.randrange(len(inside) + 1), copy.deepcopy(chance.choice([*ODD, *inside])))
        return
    match chance.randrange(4):
        case 0:
            inside.pop(place, None) if inside else None
        case 1:
            inside[chance.choice(KEYS)] = copy.deepcopy(chance.choice(ODD))
        case _:
            inside[chance.choice(list(inside) or KEYS)] = copy.deepcopy(chance.choice(ODD))


@pytest.mark.parametrize(
    "change",
    [
        lambda customer: customer["members"].append(customer["members"][1]),
        lambda customer: customer["members"][1].update(role="administrator"),
        lambda customer: customer["subscriptions"][1].update(id=customer["subscriptions"][0]["id"]),
        lambda customer: mobiles(customer)[1].update(number=mobiles(customer)[0]["number"]),
        lambda customer: mobiles(customer)[1].update(holder="nobody"),
        lambda customer: customer["subscriptions"][0].update(holder="mary.jones"),
        lambda customer: customer.update(other="x"),
        lambda customer: customer.update(name=1),
    ],
)
def test_what_the_model_refuses_is_not_taken(change: Callable[[dict[str, Any]], object]) -> None:
    record = copy.deepcopy(SMITHS)
    change(record["customer"])
    line = json.dumps(record, ensure_ascii=False).encode()
    assert isinstance(check(MODEL_OF[RecordKind.CUSTOMER], record["customer"]), list)
    assert usual_rows(3, 7, line, key) is None


def mobiles(customer: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in customer["subscriptions"] if each["kind"] == "mobile"]


def test_the_date_of_an_activation_is_part_of_its_digest() -> None:
    other = copy.deepcopy(SMITHS)
    other["customer"]["activation"]["date"] = dt.date(2026, 11, 3).isoformat()
    first, second = (usual_rows(3, 7, json.dumps(one, ensure_ascii=False).encode(), key) for one in (SMITHS, other))
    assert first is not None
    assert second is not None
    assert first["staged_customers"] != second["staged_customers"]
