import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authz_service.ids import first_id_at, new_id, time_of

ULID = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"


def test_an_id_is_a_ulid() -> None:
    assert all(re.fullmatch(ULID, new_id()) for _ in range(1000))


def test_no_two_ids_are_the_same() -> None:
    assert len({new_id() for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize(
    ("milliseconds", "prefix"),
    [(0, "0000000000"), (1, "0000000001"), (1_469_918_176_385, "01ARYZ6S41"), (2**48 - 1, "7ZZZZZZZZZ")],
)
def test_its_first_ten_characters_are_the_time(monkeypatch: pytest.MonkeyPatch, milliseconds: int, prefix: str) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: milliseconds * 1_000_000 + 999_999)
    assert new_id()[:10] == prefix


def test_ids_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.time_ns()
    made = []
    for later in range(0, 3_000_000_000, 7_000_000):
        monkeypatch.setattr(time, "time_ns", lambda later=later: start + later)
        made.append(new_id())
    assert made == sorted(made)


def test_ids_of_one_process_are_in_their_order_also_within_a_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_469_918_176_385_000_000)
    made = [new_id() for _ in range(1000)]
    assert made == sorted(set(made))
    assert {each[:10] for each in made} == {"01ARYZ6S41"}


def test_threads_that_make_ids_at_once_make_none_twice() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = [each for some in threads.map(lambda _: [new_id() for _ in range(2000)], range(8)) for each in some]
    assert len(set(made)) == 16_000


def test_a_child_of_the_process_makes_ids_of_its_own() -> None:
    script = """
import os
from authz_service.ids import new_id
new_id()
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, new_id()[10:].encode())
    os._exit(0)
os.wait()
print(os.read(read, 100).decode() != new_id()[10:])
"""
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"True\n"


# from moments to ids and back

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TO_THE_END_OF_DATES = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)

milliseconds = st.integers(0, _TO_THE_END_OF_DATES)


@given(milliseconds)
@example(0)
@example(_TO_THE_END_OF_DATES)
@example(2_147_483_648_002)
def test_the_first_id_of_a_millisecond_is_of_that_millisecond(since: int) -> None:
    moment = _EPOCH + timedelta(milliseconds=since)
    made = first_id_at(moment)
    assert re.fullmatch(ULID, made)
    assert made.endswith("0" * 16)
    assert time_of(made) == moment
    assert time_of(made[:10] + "Z" * 16) == moment


@given(milliseconds.filter(bool), st.integers(0, 999))
@example(2_147_483_648_002, 0)
@example(2_147_483_648_002, 999)
def test_ids_of_earlier_milliseconds_are_less_than_it_and_all_others_are_not(since: int, microseconds: int) -> None:
    moment = _EPOCH + timedelta(milliseconds=since, microseconds=microseconds)
    first = first_id_at(moment)
    assert first_id_at(_EPOCH + timedelta(milliseconds=since - 1))[:10] + "Z" * 16 < first
    assert first <= first_id_at(_EPOCH + timedelta(milliseconds=since))


def test_an_id_is_not_less_than_the_first_of_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for later in range(0, 2_000_000_000, 1_000_003):
        nanoseconds = 2_147_483_648 * 10**9 + later
        monkeypatch.setattr(time, "time_ns", lambda nanoseconds=nanoseconds: nanoseconds)
        made = new_id()
        assert time_of(made) == _EPOCH + timedelta(milliseconds=nanoseconds // 1_000_000)
        assert first_id_at(time_of(made)) <= made < first_id_at(time_of(made) + timedelta(milliseconds=1))


@pytest.mark.parametrize("moment", [_EPOCH - timedelta(milliseconds=1), datetime.min.replace(tzinfo=UTC)])
def test_of_a_moment_before_all_ids_it_is_the_least_of_all(moment: datetime) -> None:
    assert first_id_at(moment) == "0" * 26


def test_a_moment_of_another_time_zone_is_the_same_moment() -> None:
    moment = datetime(2026, 11, 23, 22, 0, 0, 123_000, UTC)
    assert first_id_at(moment.astimezone(timezone(timedelta(hours=5, minutes=45)))) == first_id_at(moment)


def test_the_time_of_an_id_is_in_utc() -> None:
    assert time_of("01ARYZ6S41TSV4RRFFQ69G5FAV") == datetime(2016, 7, 30, 22, 36, 16, 385_000, UTC)
    assert time_of(new_id()).tzinfo is UTC
