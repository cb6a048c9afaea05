"""Puts lines of a chain into the database."""

import hashlib
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeAlias

import structlog
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from authz_service import strict_json
from authz_service.journal.chain import link
from authz_service.journal.checkpoint import SignedCheckpoint
from authz_service.journal.lines import SEQUENCE, KeptEntry, Line, NotALine, parse_line
from authz_service.journal.terms import NewTerms, Searched, searched_in
from authz_service.questions import Ruling
from authz_service.storage.schema import journal_checkpoints, journal_rulings

log = structlog.get_logger()

SINGLE = -1
"""The item of an entry that is none of a call of several."""

# Without the ids of years after 9773, as not every one of those can be a date.
_BEGINNING = rb'\{"id":"([0-6][0-9A-HJKMNP-TV-Z]{25})"(?:,"item":(0|[1-9]\d{0,8}))?+'
# Of the hash the pattern asks nothing, as it is compared with the right one.
# As a decision's are: members that are plain strings. What is one of these is JSON that every database takes.
_PLAIN = rb"[ !#-\[\]-~]*+"
_DECISION = (
    rb'%b,"kind":"(%b)"(?:,"(?:caller|request|trace)":"%b")*+,"subject":"(%b)","action":"(%b)","resource":"%b"'
    rb'(?:,"customer":"(%b)")?+(?:,"option":"%b")?+,"answer":"(%b)","revision":"(%b)","ruling":"%b"\}'
) % (_BEGINNING, *[_PLAIN] * 10)
_USUAL = re.compile(rb"entry (%b) (.{64}) (%b)\n" % (SEQUENCE, _DECISION))
_ANY = re.compile(_BEGINNING + rb"[,}]")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Position(NamedTuple):
    """How far a chain has been read.

    Attributes:
        number: Its number in the database.
        segment: The number of the segment.
        bytes: How much of it.
        sequence: The number of the last entry.
        head: Its hash, in hexadecimal.
    """

    number: int
    segment: int
    bytes: int
    sequence: int
    head: str


Row: TypeAlias = tuple[str, int, int, int, str, str]
"""An entry as the database has it: id, item, chain, sequence, hash and body."""


class NewEntries(NamedTuple):
    """Entries for the database, as plain tuples, as there is one for each decision.

    Attributes:
        rows: As it has them.
        searched: What each is searched by.
    """

    rows: list[Row]
    searched: list[Searched]

    @property
    def ids(self) -> list[str]:
        return [row[0] for row in self.rows]


_ON_SQLITE = """
    INSERT OR IGNORE INTO journal_entries (id, item, chain, sequence, hash, body)
    VALUES (?, ?, ?, ?, ?, ?)
"""
# A column is a text of lines, which no body has within: the driver takes far longer to write an array of bodies.
_ON_POSTGRESQL = """
    INSERT INTO journal_entries (id, item, chain, sequence, hash, body)
    SELECT id, item::int, chain::int, sequence::bigint, hash, body::json FROM unnest(
        string_to_array(%s, E'\\n'), string_to_array(%s, E'\\n'), string_to_array(%s, E'\\n'),
        string_to_array(%s, E'\\n'), string_to_array(%s, E'\\n'), string_to_array(%s, E'\\n')
    ) AS new (id, item, chain, sequence, hash, body)
    ON CONFLICT DO NOTHING
"""


class Read(NamedTuple):
    """What lines of a chain say.

    Attributes:
        entries: Those that a database takes.
        unusual: The bodies of those of them that are not as most decisions are.
        others: What else there is, in its order.
        sequence: The number of the last entry, whether a database takes it or not.
        head: Its hash, in hexadecimal.
    """

    entries: NewEntries
    unusual: Sequence[str]
    others: Sequence[Line]
    sequence: int
    head: str


def read_lines(data: bytes, file: Path, position: Position) -> Read:
    """Reads whole lines; what is wrong with them is logged.

    Args:
        data: The lines.
        file: The segment that they are of.
        position: What is before them.
    """
    chain, entries = position.number, NewEntries([], [])
    unusual: list[str] = []
    others: list[Line] = []
    sequence, kept, head = position.sequence, position.head, bytes.fromhex(position.head)
    at = 0
    while at < len(data):
        # One pattern for a whole line, as there is one for each decision.
        usual = _USUAL.match(data, at)
        if usual:
            spelled, hash_, body, entry_id, place, kind, subject, action, customer, answer, revision = usual.groups()
            linked = link(head, body)
            right = linked.hex()
            if right.encode() == hash_:
                at, sequence, head, kept = usual.end(), int(spelled), linked, right
                item = int(place) if place else SINGLE
                entries.rows.append((entry_id.decode(), item, chain, sequence, kept, body.decode()))
                entries.searched.append((subject, customer, (kind, action, answer, revision)))
                continue
        end = data.index(b"\n", at)
        line, at = _parsed(data[at:end], file), end + 1
        if not isinstance(line, KeptEntry):
            others += [line] if line else []
            continue
        sequence, kept, body = line
        head = link(head, body)
        if head.hex() != kept:
            log.error(
                "journal.entry_is_wrong",
                chain=file.parent.name,
                sequence=sequence,
                look="authz-service journal verify",
            )
            head = bytes.fromhex(kept)
        # What is wrong is loaded all the same, as long as a database takes it: it shows what has been done.
        any_ = _ANY.match(body) if _is_taken(body) else None
        if any_:
            entry_id, place = any_.groups()
            text = body.decode()
            unusual.append(text)
            entries.rows.append((entry_id.decode(), int(place) if place else SINGLE, chain, sequence, kept, text))
            entries.searched.append(searched_in(body))
    return Read(entries, unusual, others, sequence, kept)


def _parsed(line: bytes, file: Path) -> Line | None:
    with suppress(NotALine):
        return parse_line(line)
    log.error("journal.line_is_wrong", segment=str(file))
    return None


def _is_taken(body: bytes) -> bool:
    """Whether every database takes it, also where its hash is right: anybody can make one."""
    try:
        strict_json.loads(body)
    except (ValueError, RecursionError):
        return False
    return body.isascii() and not _NUL.search(body)


def _is_right(ruling: Ruling) -> bool:
    # Another one would keep the right one out for good.
    if hashlib.sha256(ruling.content).hexdigest() != ruling.digest:
        return False
    try:
        return ruling.content.isascii() and isinstance(json.loads(ruling.content), dict)
    except (ValueError, RecursionError):
        return False


def insert_entries(connection: Connection, of_chains: Sequence[NewEntries]) -> None:
    """Adds entries of several chains; those that are there already stay as they are."""
    of_chains = [new for new in of_chains if new.rows]
    if connection.dialect.name != "sqlite":
        for new in of_chains:
            columns = zip(*new.rows, strict=True)
            connection.exec_driver_sql(_ON_POSTGRESQL, tuple("\n".join(map(str, column)) for column in columns))
        return
    # All chains together, as they have entries of the same slices.
    terms = NewTerms()
    for new in of_chains:
        connection.exec_driver_sql(_ON_SQLITE, new.rows)
        terms.take(new.ids, new.searched)
    terms.write(connection)


def insert_rulings(connection: Connection, rulings: Sequence[Ruling]) -> None:
    values = []
    for ruling in rulings:
        if _is_right(ruling):
            values.append({"digest": ruling.digest, "content": ruling.content.decode()})
        else:
            log.error("journal.ruling_is_wrong", digest=ruling.digest, look="authz-service journal verify")
    if values:
        connection.execute(_inserting(connection, journal_rulings), values)


def insert_checkpoints(connection: Connection, chain: int, signed: Sequence[SignedCheckpoint]) -> None:
    values = []
    for each in signed:
        try:
            checkpoint = each.read()
        except ValueError:
            continue
        values.append(
            {
                "chain": chain,
                "block": checkpoint.block,
                "last": checkpoint.last,
                "at": datetime.fromisoformat(checkpoint.at),
                "signature": each.signature,
                "payload": each.payload.decode(),
            }
        )
    if values:
        connection.execute(_inserting(connection, journal_checkpoints), values)


def _inserting(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()
