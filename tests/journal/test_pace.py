"""How much was decided of late is counted, from signed blocks and from the index over answers."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert

from authz_service.ids import first_id_at
from authz_service.journal.loading import NewEntries, insert_entries
from authz_service.journal.pace import MINUTES, chain_heads, pace_until
from authz_service.journal.terms import searched_in
from authz_service.storage.database import writing
from authz_service.storage.schema import journal_chains, journal_checkpoints

NOW = datetime(2026, 11, 26, 12, 30, 30, tzinfo=UTC)


def a_chain(database: Engine, number: int, blocks: list[tuple[int, float, int]]) -> None:
    """A chain with blocks, each with its number, how many minutes ago it was closed, and its last entry."""
    with writing(database) as connection:
        last = blocks[-1][2] if blocks else 0
        connection.execute(
            insert(journal_chains).values(
                number=number, chain=f"C{number}", segment=1, bytes=0, sequence=last, head="0" * 64
            )
        )
        for block, minutes, entry in blocks:
            at = NOW - timedelta(minutes=minutes)
            values = {"chain": number, "block": block, "last": entry, "at": at, "signature": "", "payload": ""}
            connection.execute(insert(journal_checkpoints).values(values))


def denials(database: Engine, minutes: float, number: int, answer: str = "deny") -> None:
    entry_id = first_id_at(NOW - timedelta(minutes=minutes))
    with writing(database) as connection:
        body = f'{{"answer":"{answer}"}}'
        rows = [(entry_id, item, 1, item, "", body) for item in range(number)]
        insert_entries(connection, [NewEntries(rows, [searched_in(body)] * number)])


def test_nothing_is_an_hour_of_nothing(any_database: Engine) -> None:
    pace = pace_until(any_database, NOW)
    assert list(pace.entries) == list(pace.denials) == [0] * MINUTES
    assert pace.are_all_denials
    assert chain_heads(any_database, 5) == []


def test_entries_of_all_chains_are_counted_in_the_minute_of_their_block(any_database: Engine) -> None:
    a_chain(any_database, 1, [(1, 5, 10), (2, 5, 30), (3, 1, 31)])
    a_chain(any_database, 2, [(1, 5, 4)])
    entries = pace_until(any_database, NOW).entries
    assert {MINUTES - 1 - place: count for place, count in enumerate(entries) if count} == {5: 34, 1: 1}


def test_what_was_before_the_hour_is_not_counted(any_database: Engine) -> None:
    a_chain(any_database, 1, [(1, 300, 1000), (2, 0, 1007)])
    assert sum(pace_until(any_database, NOW).entries) == 7


def test_blocks_whose_beginning_is_gone_are_no_leap(any_database: Engine) -> None:
    a_chain(any_database, 1, [(70, 3, 50_000), (71, 3, 50_002)])
    assert sum(pace_until(any_database, NOW).entries) == 2


def test_a_busy_chain_is_told_within_half_a_minute_from_some_of_its_blocks(database: Engine) -> None:
    blocks = [(number, (5000 - number) / 60, number * 7) for number in range(1, 5001)]
    a_chain(database, 1, blocks)
    entries = pace_until(database, NOW).entries
    assert all(abs(count - 60 * 7) <= 20 * 7 for count in entries[1:-1])
    assert sum(entries[1:-1]) == pytest.approx(58 * 60 * 7, rel=0.01)


def test_denials_are_counted_by_minute_and_permits_are_not(database: Engine) -> None:
    a_chain(database, 1, [])
    denials(database, 10, 3)
    denials(database, 0, 2)
    denials(database, 61, 5)
    denials(database, 4, 4, "permit")
    counted = pace_until(database, NOW).denials
    assert {MINUTES - 1 - place: count for place, count in enumerate(counted) if count} == {10: 3, 0: 2}


def test_of_very_many_denials_the_last_are_counted_and_that_is_said(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authz_service.journal.pace._MOST_COUNTED", 4)
    a_chain(database, 1, [])
    denials(database, 10, 3)
    denials(database, 0, 2)
    pace = pace_until(database, NOW)
    assert not pace.are_all_denials
    # Those of a slice are counted together.
    assert (pace.denials[-1], sum(pace.denials)) == (2, 5)


def test_chains_are_told_with_the_one_signed_last_first(any_database: Engine) -> None:
    a_chain(any_database, 1, [(1, 50, 9)])
    a_chain(any_database, 2, [(1, 9, 4), (2, 1, 5)])
    a_chain(any_database, 3, [])
    heads = chain_heads(any_database, 2)
    assert [(head.chain, head.sequence) for head in heads] == [("C2", 5), ("C1", 9)]
    assert heads[0].signed_at == NOW - timedelta(minutes=1)
