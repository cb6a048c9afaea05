"""Whatever is done to a journal behind its back is found, and named."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, Text, cast, delete, insert, literal, select, text, update

from authz_service.journal.chain import genesis, link
from authz_service.journal.folder import segments_of
from authz_service.journal.verify import Head
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import (
    journal_chains,
    journal_checkpoints,
    journal_entries,
    journal_rulings,
)
from tests.journal.conftest import on_sqlite_alone
from tests.kept import Kept

_BODY = cast(journal_entries.c.body, Text).label("body")
_BLOCKS = (4, 5, 6)
_ENTRIES = sum(_BLOCKS)


@pytest.fixture
def kept(any_database: Engine, tmp_path: Path) -> Kept:
    """One chain of three blocks, in files and in the database."""
    kept = Kept(any_database, tmp_path / "journal")
    kept.write(*_BLOCKS)
    assert kept.index() == _ENTRIES
    return kept


def rows(connection: Connection) -> dict[int, tuple[str, str]]:
    """By sequence number the id and the body of each entry."""
    query = select(journal_entries.c.sequence, journal_entries.c.id, _BODY)
    return {row.sequence: (row.id, row.body) for row in connection.execute(query)}


def change(kept: Kept, sequence: int, values: dict[str, object]) -> None:
    with writing(kept.database) as connection:
        done = connection.execute(update(journal_entries).where(journal_entries.c.sequence == sequence).values(values))
        assert done.rowcount == 1


def id_of(kept: Kept, sequence: int) -> str:
    with reading(kept.database) as connection:
        return rows(connection)[sequence][0]


def another_id(entry_id: str) -> str:
    # Not the last character: ids of one millisecond follow each other there, so that a neighbour may have it already.
    return entry_id[:18] + ("0" if entry_id[18] != "0" else "1") + entry_id[19:]


def test_a_journal_that_nobody_has_touched_is_right(kept: Kept) -> None:
    report = kept.verify()
    assert report.findings == []
    assert report.entries == _ENTRIES
    [chain] = report.chains
    assert [copy.closed.last for copy in chain.copies] == [_ENTRIES, _ENTRIES]


def test_so_are_many_chains_and_what_is_not_signed_or_loaded_yet(kept: Kept) -> None:
    writers = [kept.writer() for _ in range(3)]
    for writer in writers:
        writer.append([kept.decision()])
    kept.index()
    writers[0].append([kept.decision(), kept.decision()])
    report = kept.verify()
    assert report.findings == []
    assert len(report.chains) == 3
    assert report.entries == _ENTRIES + 5
    for writer in writers:
        writer.close()


# in the database


def test_a_byte_that_is_flipped_is_found_and_its_entry_named(kept: Kept) -> None:
    with reading(kept.database) as connection:
        entry_id, body = rows(connection)[6]
    flipped = body.replace('"answer":"permit"', '"answer":"pernit"').replace('"answer":"deny"', '"answer":"dexy"')
    assert flipped != body
    change(kept, 6, {"body": _raw(kept, flipped)})
    first = kept.verify().findings[0]
    assert (first.entry, first.sequence) == (entry_id, 6)
    assert first.what == "has been changed, or is not where it was: its hash is another"


@pytest.mark.parametrize("sequence", [2, 4, 5, 9, 15])
def test_an_entry_that_is_deleted_is_named_by_its_number(kept: Kept, sequence: int) -> None:
    with writing(kept.database) as connection:
        connection.execute(delete(journal_entries).where(journal_entries.c.sequence == sequence))
    assert f"entry {sequence} is missing" in kept.verify().findings[0].what


def test_the_first_entry_that_is_deleted_from_both_copies_is_named(kept: Kept) -> None:
    with writing(kept.database) as connection:
        connection.execute(delete(journal_entries).where(journal_entries.c.sequence <= 4))
    [segment] = segments_of(next(kept.folder.iterdir()))
    segment.unlink()
    assert "entries 1 to 4 are missing at the beginning, and no pruning has taken them" in kept.findings()[0]


def test_an_entry_that_is_inserted_is_found_and_named(kept: Kept) -> None:
    with reading(kept.database) as connection:
        [row] = connection.execute(select(journal_entries).where(journal_entries.c.sequence == 7)).mappings()
        body = rows(connection)[7][1]
    other = another_id(row["id"])
    values = {**row, "id": other, "body": _raw(kept, body.replace(row["id"], other))}
    with writing(kept.database) as connection:
        connection.execute(insert(journal_entries).values(values))
    findings = kept.verify().findings
    assert {finding.sequence for finding in findings if finding.entry} == {7}
    assert "is a second one with that number: one has been inserted" in {finding.what for finding in findings}


def test_an_entry_that_is_added_at_the_end_with_a_right_hash_is_found(kept: Kept) -> None:
    with reading(kept.database) as connection:
        query = select(journal_entries).where(journal_entries.c.sequence == _ENTRIES)
        [row] = connection.execute(query).mappings()
        body = rows(connection)[_ENTRIES][1]
    other = another_id(row["id"])
    forged = body.replace(row["id"], other)
    hash_ = link(bytes.fromhex(row["hash"]), forged.encode()).hex()
    values = {**row, "id": other, "body": _raw(kept, forged), "sequence": _ENTRIES + 1, "hash": hash_}
    with writing(kept.database) as connection:
        connection.execute(insert(journal_entries).values(values))
    said = "\n".join(kept.findings())
    assert f"the files end with entry {_ENTRIES}, and the database has entry {_ENTRIES + 1}" in said


@pytest.mark.parametrize(("one", "other"), [(6, 7), (1, 2), (3, 12)])
def test_two_entries_that_are_swapped_are_found_and_the_first_named(kept: Kept, one: int, other: int) -> None:
    with reading(kept.database) as connection:
        listed = rows(connection)
        hashes = dict(connection.execute(select(journal_entries.c.sequence, journal_entries.c.hash)).all())
    for here, there in ((one, other), (other, one)):
        change_to = {"body": _raw(kept, listed[there][1]), "hash": hashes[there]}
        with writing(kept.database) as connection:
            named = journal_entries.c.id == listed[here][0]
            connection.execute(update(journal_entries).where(named).values(change_to))
    findings = kept.verify().findings
    assert findings[0].sequence == one
    assert findings[0].what == "is filed under another id than it says"


def test_entries_that_change_places_whole_are_found(kept: Kept) -> None:
    for sequence, place in ((6, 1000), (7, 6), (1000, 7)):
        change(kept, sequence, {"sequence": place})
    first = kept.verify().findings[0]
    assert (first.sequence, first.entry) == (6, id_of(kept, 6))


def test_an_entry_that_is_filed_under_another_id_is_found(kept: Kept) -> None:
    change(kept, 8, {"id": another_id(id_of(kept, 8))})
    assert kept.verify().findings[0].what == "is filed under another id than it says"


@on_sqlite_alone
@pytest.mark.parametrize(
    "edit",
    [
        "DELETE FROM journal_terms WHERE rowid = :number",
        "UPDATE journal_terms SET terms = substr(terms, 10) WHERE rowid = :number",
        "UPDATE journal_terms SET slice = '0' WHERE rowid = :number",
    ],
)
def test_an_entry_that_no_search_finds_is_found(kept: Kept, edit: str) -> None:
    with writing(kept.database) as connection:
        number = connection.scalar(text("SELECT rowid FROM journal_terms ORDER BY rowid LIMIT 1"))
        of_slice = connection.scalar(text("SELECT slice FROM journal_terms WHERE rowid = :number"), {"number": number})
        ids = [entry_id for entry_id, _ in rows(connection).values() if entry_id.startswith(of_slice)]
        connection.execute(text(edit), {"number": number})
    findings = kept.verify().findings
    assert findings
    assert {finding.entry for finding in findings} <= set(ids)
    assert {finding.what for finding in findings} == {
        "has not all of its terms in the index: a search may not find it until `journal reindex`"
    }


@on_sqlite_alone
@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE journal_terms_content SET c3 = c3 || ' 0x0'",
        "UPDATE journal_terms_data SET block = zeroblob(9) WHERE id > 10",
        "DELETE FROM journal_terms_data WHERE id > 10",
    ],
)
def test_an_index_that_has_not_what_it_was_given_is_found(kept: Kept, edit: str) -> None:
    with writing(kept.database) as connection:
        assert connection.execute(text(edit)).rowcount > 0
    kept.database.dispose()
    [finding] = kept.verify().findings
    assert str(finding) == (
        "database, journal_terms: the index does not have the terms that it was given: a search may not find everything"
        " until `journal reindex`"
    )


def test_a_change_with_every_hash_after_it_made_anew_is_found_by_the_signature_and_named_by_the_files(
    kept: Kept,
) -> None:
    with writing(kept.database) as connection:
        listed = rows(connection)
        [chain] = connection.scalars(select(journal_chains.c.chain))
        head = genesis(chain)
        for sequence, (_, body) in sorted(listed.items()):
            written = body.replace("~", "-", 1) if sequence == 7 else body
            head = link(head, written.encode())
            values = {"body": _raw(kept, written), "hash": head.hex()}
            connection.execute(update(journal_entries).where(journal_entries.c.sequence == sequence).values(values))
    assert any("block 2 (entries 5 to 9) is not what was signed" in finding.what for finding in kept.verify().findings)
    # Nor does it help to give verifying something else to find there.
    with writing(kept.database) as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("DELETE FROM journal_terms"))
    findings = kept.verify().findings
    assert any("block 2 (entries 5 to 9) is not what was signed" in finding.what for finding in findings)
    [named] = [finding for finding in findings if "otherwise" in finding.what]
    assert (named.sequence, named.entry) == (7, listed[7][0])


def test_an_end_that_is_cut_off_both_copies_is_found_by_what_was_noted(kept: Kept) -> None:
    [chain] = kept.verify().chains
    noted = chain.head
    assert noted.sequence == _ENTRIES
    with writing(kept.database) as connection:
        connection.execute(delete(journal_entries).where(journal_entries.c.sequence > 9))
        connection.execute(delete(journal_checkpoints).where(journal_checkpoints.c.last > 9))
    [segment] = segments_of(kept.folder / chain.name)
    lines = segment.read_bytes().splitlines(keepends=True)
    end = next(n for n, line in enumerate(lines) if line.startswith(b"entry 10 "))
    segment.write_bytes(b"".join(lines[:end]))
    assert kept.findings() == []
    [finding] = kept.findings(noted)
    assert finding == f"{chain.name}: entry {_ENTRIES}: it was there when it was noted, and is no more"
    assert kept.findings(Head(chain.name, 9, "0" * 64)) == [
        f"{chain.name}: entry 9: it had another hash when it was noted"
    ]


def test_what_was_noted_and_is_there_is_right(kept: Kept) -> None:
    [chain] = kept.verify().chains
    kept.write(2)
    assert kept.findings(chain.head) == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"signature": "00" * 64}, "block 2 (entries 5 to 9) has a signature that is not right"),
        ({"payload": "{}"}, "is no checkpoint"),
        ({"payload": "not JSON"}, ""),
    ],
)
def test_a_checkpoint_that_is_changed_is_found(kept: Kept, values: dict[str, str], said: str) -> None:
    with writing(kept.database) as connection:
        connection.execute(update(journal_checkpoints).where(journal_checkpoints.c.block == 2).values(values))
    assert said in kept.findings()[0]


def test_a_checkpoint_that_is_removed_is_found(kept: Kept) -> None:
    with writing(kept.database) as connection:
        connection.execute(delete(journal_checkpoints).where(journal_checkpoints.c.block == 2))
    assert "block 3 (entries 10 to 15) does not follow block 1: one is missing or changed" in kept.findings()[0]


def test_a_block_signed_by_somebody_else_is_found(kept: Kept) -> None:
    stranger = Kept(kept.database, kept.folder, key=Ed25519PrivateKey.generate())
    stranger.write(2)
    kept.index()
    assert "which is not known here" in kept.findings()[0]


def test_a_ruling_that_is_changed_or_removed_is_found(kept: Kept) -> None:
    with reading(kept.database) as connection:
        digests = list(connection.scalars(select(journal_rulings.c.digest)))
    of_ruling = journal_rulings.c.digest == digests[0]
    with writing(kept.database) as connection:
        connection.execute(update(journal_rulings).where(of_ruling).values(content='{"allow":true}'))
    assert f"the ruling {digests[0]} has been changed" in kept.findings()[0]
    with writing(kept.database) as connection:
        connection.execute(delete(journal_rulings).where(of_ruling))
    assert f"refers to the ruling {digests[0]}, which is missing" in kept.findings()[0]


# in the files


def test_whichever_byte_of_the_files_is_flipped_is_found(kept: Kept) -> None:
    [segment] = segments_of(next(kept.folder.iterdir()))
    content = segment.read_bytes()
    with_other_case = [n for n, byte in enumerate(content) if chr(byte).isalpha()]
    unfound = []
    for mask, places in ((1, range(0, len(content), 23)), (0x20, with_other_case[::61])):
        for place in places:
            segment.write_bytes(content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :])
            if not kept.findings():
                unfound.append((place, content[max(place - 20, 0) : place + 20]))
    assert unfound == []
    segment.write_bytes(content)
    assert kept.findings() == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda lines: [line for line in lines if not line.startswith(b"entry 6 ")], "entry 6 is missing"),
        (lambda lines: [*lines[:-1], lines[-1] + b"garbage\n"], "is no line of a journal"),
        (lambda lines: lines[:-4], "the end was removed"),
        (lambda lines: [lines[0], *lines[2:]], "which is missing"),
        (lambda lines: [line for line in lines if not line.startswith(b"checkpoint")], "checkpoints were removed"),
    ],
)
def test_a_file_that_is_edited_is_found(kept: Kept, spoil: Callable[[list[bytes]], list[bytes]], said: str) -> None:
    [segment] = segments_of(next(kept.folder.iterdir()))
    segment.write_bytes(b"".join(spoil(segment.read_bytes().splitlines(keepends=True))))
    assert said in " ".join(kept.findings())


def test_a_finding_in_a_file_says_at_which_line(kept: Kept) -> None:
    [segment] = segments_of(next(kept.folder.iterdir()))
    lines = segment.read_bytes().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if line.startswith(b"entry 6 "))
    lines[at] = lines[at].replace(b'"kind":"decision"', b'"kind":"decisiom"')
    segment.write_bytes(b"".join(lines))
    assert kept.findings()[0] == (
        f"{segment.parent.name}/{segment.name}:{at + 1}: entry 6 ({id_of(kept, 6)}): "
        "has been changed, or is not where it was: its hash is another"
    )


def _raw(kept: Kept, body: str) -> object:
    """A body as the database is to have it, to the character."""
    return body if kept.database.dialect.name == "sqlite" else cast(literal(body, Text), journal_entries.c.body.type)


def test_digests_are_those_of_sha_256(kept: Kept) -> None:
    with reading(kept.database) as connection:
        for row in connection.execute(select(journal_rulings)):
            assert hashlib.sha256(row.content.encode()).hexdigest() == row.digest
