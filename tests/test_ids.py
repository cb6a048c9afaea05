import re
import time

import pytest

from authz_service.ids import new_id

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
