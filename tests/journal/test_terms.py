"""By which terms SQLite finds entries."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from authz_service.ids import new_id
from authz_service.journal.chain import genesis, link
from authz_service.journal.entries import Entries, Origin, noted
from authz_service.journal.lines import entry_line
from authz_service.journal.loading import Position, read_lines
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.journal.terms import KnownTerms, NewTerms, searched_in, slices_with, terms_of, wanted_terms
from authz_service.questions import Names
from authz_service.storage.database import writing
from authz_service.words import EntryKind
from tests.journal.conftest import a_decision


@pytest.fixture
def connection(database: Engine) -> Iterator[Connection]:
    with writing(database) as connection:
        yield connection


def an_id(beginning: str, number: int = 0) -> str:
    return beginning + f"{number:016}"


def added(connection: Connection, *entries: tuple[str, dict[str, str]]) -> None:
    searched = [searched_in(json.dumps(said)) for _, said in entries]
    terms = NewTerms()
    terms.take([entry_id for entry_id, _ in entries], searched)
    terms.write(connection)


def found(
    connection: Connection, first_id: str = "", last_id: str = "", *, newer: bool = False, **wanted: list[str]
) -> list[str]:
    slices = slices_with(connection, wanted_terms(wanted), first_id, last_id, newer=newer)
    return [each.beginning for each in slices]


A, B, C = "0000000001", "0000000002", "000000000Z"


def test_slices_are_found_by_each_member_and_in_their_order(connection: Connection) -> None:
    added(connection, (an_id(B), {"subject": "ann"}), (an_id(A), {"subject": "ann"}), (an_id(C), {"customer": "ann"}))
    assert found(connection, subject=["ann"]) == [B, A]
    assert found(connection, subject=["ann"], newer=True) == [A, B]
    assert found(connection, customer=["ann"]) == [C]
    assert found(connection, customer=["bob"], subject=["ann"]) == []
    assert found(connection, subject=["bob", "ann"]) == [B, A]


def test_from_the_slice_of_one_id_to_that_of_another(connection: Connection) -> None:
    added(connection, *((an_id(each), {"answer": "deny"}) for each in (A, B, C)))
    assert found(connection, an_id(B, 7), answer=["deny"]) == [C, B]
    assert found(connection, "", an_id(B, 7), answer=["deny"]) == [B, A]
    assert found(connection, an_id(B), an_id(B), answer=["deny"]) == [B]


def test_an_action_with_an_answer_is_found_where_an_entry_has_both(connection: Connection) -> None:
    added(
        connection,
        (an_id(A), {"action": "see", "answer": "deny"}),
        (an_id(A, 1), {"action": "pay", "answer": "permit"}),
        (an_id(B), {"action": "pay", "answer": "deny"}),
    )
    assert found(connection, action=["pay"], answer=["deny"]) == [B]


def test_what_comes_later_into_a_slice_is_found_beside_what_was_there(connection: Connection) -> None:
    added(connection, (an_id(A), {"subject": "ann", "answer": "deny"}))
    added(connection, (an_id(A, 1), {"subject": "bob", "answer": "deny"}), (an_id(A, 2), {"answer": "permit"}))
    for name in ("ann", "bob"):
        [each] = slices_with(connection, wanted_terms({"subject": [name]}), "", "", newer=False)
        assert each == (A, 3, 2)
    [count] = connection.execute(text("SELECT count(*) FROM journal_terms")).scalars()
    assert count == 1


@pytest.mark.parametrize("body", ["", "[]", "{", "7", '{"subject":7,"answer":null,"kind":["decision"]}', "[" * 9999])
def test_what_is_no_entry_is_found_by_nothing(body: str) -> None:
    assert terms_of(searched_in(body)) == set()


@pytest.mark.parametrize("name", ["O'Neil OR 1", '"', "é", "\ud800", "AND", "0x1 OR 0x2", "", "*", "-"])
def test_a_name_of_any_characters_is_found_and_no_other(connection: Connection, name: str) -> None:
    added(connection, (an_id(A), {"subject": name}), (an_id(B), {"subject": f"{name}x"}))
    assert found(connection, subject=[name]) == [A]


@pytest.mark.parametrize("kind", [EntryKind.DECISION, EntryKind.TRIAL])
@pytest.mark.parametrize("about", [(), (("customer", "1"),), (("customer", "1"), ("option", "abroad"))])
@pytest.mark.parametrize("item", [None, 3])
@pytest.mark.parametrize("request_id", [None, "a request"])
@pytest.mark.parametrize("are_plain", [False, True])
def test_a_decision_is_read_as_one_and_searched_by_the_same_as_any_other_entry(
    kind: EntryKind, about: Names, item: int | None, request_id: str | None, *, are_plain: bool
) -> None:
    entries = Entries(Pseudonyms(b"key", are_plain=are_plain))
    decided = a_decision("ann", "1", about=about)
    [entry] = entries.decisions([noted(new_id(), Origin("caller", request_id), item, decided)], kind)
    before = genesis("chain")
    line = entry_line(1, link(before, entry.body), entry.body)
    read = read_lines(line, Path("chain", "1"), Position(1, 1, 0, 0, before.hex()))
    [searched] = read.entries.searched
    assert (read.unusual, searched) == ([], searched_in(entry.body))
    name = Pseudonyms(b"key", are_plain=are_plain).of("customer", "1").encode()
    assert searched[1] == (name if about else None)


def test_an_entry_is_known_where_its_slice_has_its_terms(connection: Connection) -> None:
    entry_id, body = new_id(), '{"subject":"ann","answer":"deny"}'
    added(connection, (entry_id, json.loads(body)))
    known = KnownTerms(connection)
    terms = terms_of(searched_in(body))
    assert known.of(entry_id) == terms
    assert not terms_of(searched_in(body.replace("ann", "bob"))) <= terms
    assert known.of(an_id(A)) == known.of("none of ours") == set()
