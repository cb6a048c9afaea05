"""Puts lines of a chain into the database."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from authz_service import strict_json
from authz_service.journal.chain import link
from authz_service.journal.checkpoint import SignedCheckpoint
from authz_service.journal.lines import KeptEntry
from authz_service.journal.portions import Portions
from authz_service.questions import Ruling
from authz_service.storage.schema import journal_checkpoints, journal_rulings

log = structlog.get_logger()

SINGLE = -1
"""The item of an entry that is none of a call of several."""

# Without the ids of years after 9773, as not every one of those can be a date.
_BEGINNING = rb'\{"id":"([0-6][0-9A-HJKMNP-TV-Z]{25})"(?:,"item":(0|[1-9]\d{0,8}))?+'
# As a decision's are: members that are plain strings. What is one of these is JSON that every database takes.
_USUAL = re.compile(_BEGINNING + rb'(?:,"[a-z_]++":"[ !#-\[\]-~]*+")*+\}')
_ANY = re.compile(_BEGINNING + rb"[,}]")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Row(NamedTuple):
    """An entry as the database has it."""

    id: str
    item: int
    chain: int
    sequence: int
    hash: str
    body: str


# The columns are the members of `Row`, in their order.
_ON_SQLITE = """
    INSERT OR IGNORE INTO journal_entries (id, item, chain, sequence, hash, body, portion)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_ON_POSTGRESQL = """
    INSERT INTO journal_entries (id, item, chain, sequence, hash, body)
    SELECT * FROM unnest(%s::text[], %s::int[], %s::int[], %s::bigint[], %s::text[], %s::json[])
    ON CONFLICT DO NOTHING
"""


def rows_of(entries: Sequence[KeptEntry], chain: str, number: int, before: str) -> Iterator[Row]:
    """The rows of entries, where a database takes them; what is wrong with their hashes is logged.

    Args:
        entries: Some of a chain, in order.
        chain: Its name.
        number: Its number in the database.
        before: The hash of the entry before them.
    """
    head = bytes.fromhex(before)
    for entry in entries:
        head = link(head, entry.body)
        if head.hex() != entry.hash:
            log.error(
                "journal.entry_is_wrong", chain=chain, sequence=entry.sequence, look="authz-service journal verify"
            )
            head = bytes.fromhex(entry.hash)
        usual = _USUAL.fullmatch(entry.body)
        beginning = usual or _ANY.match(entry.body)
        # What is wrong is loaded all the same, as long as a database takes it: it shows what has been done.
        if beginning and (usual or _is_taken(entry.body)):
            item = int(beginning[2]) if beginning[2] else SINGLE
            yield Row(beginning[1].decode(), item, number, entry.sequence, entry.hash, entry.body.decode())


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


def insert_rows(connection: Connection, rows: Sequence[Row]) -> None:
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        in_order = sorted(rows)
        portions = Portions(connection).take([row.id for row in in_order])
        values = [(*row, portion) for row, portion in zip(in_order, portions, strict=True)]
        connection.exec_driver_sql(_ON_SQLITE, values)
    else:
        connection.exec_driver_sql(_ON_POSTGRESQL, tuple(list(column) for column in zip(*rows, strict=True)))


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
