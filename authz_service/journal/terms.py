"""What SQLite finds entries by: for each slice of time, the terms that its entries can be searched by.

One row of a full-text index for the entries of 32 ms costs far less to write than a row of each of several indexes for
every entry. A search asks for the slices that have all of its terms, and reads what is in those: a term is a checksum,
so that others may share it, and what fits is what the entries themselves say. PostgreSQL has indexes instead.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, groupby, product, repeat
from sqlite3 import DatabaseError as SQLiteDatabaseError
from typing import Any, NamedTuple, TypeAlias
from zlib import crc32

from sqlalchemy import Connection, Row, func, select, text
from sqlalchemy.exc import DatabaseError

from authz_service.ids import LENGTH, number_of
from authz_service.storage.schema import journal_entries

Said: TypeAlias = tuple[bytes | None, bytes | None, bytes | None, bytes | None]
"""Kind, action, answer and revision of an entry: many entries say the same."""

Searched: TypeAlias = tuple[bytes | None, bytes | None, Said]
"""What an entry is searched by: subject, customer, and what it says besides."""

# So many characters of an id are of the same 32 ms.
_SLICE_CHARACTERS = 9
_LAST = 2**63 - 1
_REMOVED_AT_ONCE = 500
_TELL_EVERY = 10_000
# What the checksum of each begins with, so that the same text as another member is another term.
_SUBJECT, _CUSTOMER, _KIND, _ACTION, _ANSWER, _REVISION, _ACTION_WITH_ANSWER = range(1, 8)
_SEEDS = {
    "subject": _SUBJECT,
    "customer": _CUSTOMER,
    "kind": _KIND,
    "action": _ACTION,
    "answer": _ANSWER,
    "revision": _REVISION,
}
_DENY = b"deny"

_NEWEST_FIRST = text(
    "SELECT slice, entries, denied FROM journal_terms WHERE journal_terms MATCH :terms"
    " AND rowid BETWEEN :first AND :last ORDER BY rowid DESC"
)
_OLDEST_FIRST = text(
    "SELECT slice, entries, denied FROM journal_terms WHERE journal_terms MATCH :terms"
    " AND rowid BETWEEN :first AND :last ORDER BY rowid"
)
_KNOWN = text(
    "SELECT rowid, entries, denied, terms FROM journal_terms WHERE rowid IN (SELECT value FROM json_each(:numbers))"
)
_OF_SLICE = text("SELECT slice, terms FROM journal_terms WHERE rowid = :number")
_REMOVE = text("DELETE FROM journal_terms WHERE rowid = :number")
_ADD = text(
    "INSERT INTO journal_terms (rowid, slice, entries, denied, terms)"
    " VALUES (:number, :slice, :entries, :denied, :terms)"
)
_REMOVE_SOME_BEFORE = text(
    "DELETE FROM journal_terms WHERE rowid IN (SELECT rowid FROM journal_terms WHERE rowid < :number LIMIT :most)"
)
_GIVEN = text("SELECT rowid, terms FROM journal_terms")
_FOUND = text(
    "SELECT journal_terms.rowid, term FROM journal_terms_known CROSS JOIN journal_terms WHERE journal_terms MATCH term"
)


def beginning_of(entry_id: str) -> str:
    """How all ids of the slice of an id begin."""
    return entry_id[:_SLICE_CHARACTERS]


class Slice(NamedTuple):
    """The entries of the same 32 ms.

    Attributes:
        beginning: How their ids begin.
        entries: How many they are.
        denied: How many of them say that something is denied.
    """

    beginning: str
    entries: int
    denied: int

    @property
    def first_id(self) -> str:
        """The least id that belongs to it."""
        return self.beginning.ljust(LENGTH, "0")

    @property
    def last_id(self) -> str:
        """The greatest."""
        return self.beginning.ljust(LENGTH, "Z")


def searched_in(body: bytes | str) -> Searched:
    """What an entry of whatever form is searched by; nothing, where it is none."""
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        members = None
    return searched_by(members if isinstance(members, dict) else {})


def searched_by(members: Mapping[str, object]) -> Searched:
    """The same of its members."""
    subject, customer, *said = [_as_bytes(members.get(name)) for name in _SEEDS]
    kind, action, answer, revision = said
    return subject, customer, (kind, action, answer, revision)


class NewTerms:
    """What slices get of new entries, before it is written."""

    def __init__(self) -> None:
        self._slices: dict[str, _OfSlice] = {}

    def take(self, ids: Sequence[str], searched: Sequence[Searched]) -> None:
        """Takes entries: their ids, and what each is searched by."""
        start = 0
        for beginning, run in groupby(map(beginning_of, ids)):
            end = start + len(list(run))
            self._slices.setdefault(beginning, _OfSlice()).take(searched[start:end])
            start = end

    def write(self, connection: Connection, *, are_all: bool = False) -> None:
        """Has the entries found.

        Args:
            connection: Of SQLite, in a transaction that writes.
            are_all: Whether these are all entries of their slices, so that what slices have is none of it.
        """
        slices = {_number(beginning): (beginning, new) for beginning, new in self._slices.items()}
        known = connection.execute(_KNOWN, {"numbers": json.dumps(list(slices))}).all()
        for row in () if are_all else known:
            slices[row.rowid][1].add(row)
        if known:
            connection.execute(_REMOVE, [{"number": row.rowid} for row in known])
        if slices:
            connection.execute(_ADD, [new.values(number, beginning) for number, (beginning, new) in slices.items()])


class _OfSlice:
    """What a slice gets."""

    def __init__(self) -> None:
        self.subjects: set[bytes | None] = set()
        self.customers: set[bytes | None] = set()
        self.said: Counter[Said] = Counter()
        self._known: list[Row[Any]] = []

    def take(self, searched: Sequence[Searched]) -> None:
        """Takes what entries are searched by."""
        # A column at a time, as there is an entry for each decision.
        subjects, customers, said = zip(*searched, strict=True)
        self.subjects.update(subjects)
        self.customers.update(customers)
        self.said.update(said)

    def add(self, known: Row[Any]) -> None:
        """Adds what the slice had."""
        self._known.append(known)

    def values(self, number: int, beginning: str) -> dict[str, object]:
        """Its row."""
        denied = sum(count for (_, _, answer, _), count in self.said.items() if answer == _DENY)
        return {
            "number": number,
            "slice": beginning,
            "entries": self.said.total() + sum(row.entries for row in self._known),
            "denied": denied + sum(row.denied for row in self._known),
            "terms": " ".join(self.terms().union(*(row.terms.split() for row in self._known))),
        }

    def terms(self) -> set[str]:
        subjects = (name for name in self.subjects if name is not None)
        customers = (name for name in self.customers if name is not None)
        of_names = chain(map(crc32, subjects, repeat(_SUBJECT)), map(crc32, customers, repeat(_CUSTOMER)))
        return set(map(hex, of_names)).union(*map(_terms_of_said, self.said))


def terms_of(searched: Searched) -> set[str]:
    """The terms that an entry is found by."""
    subject, customer, said = searched
    names = ((subject, _SUBJECT), (customer, _CUSTOMER))
    return {hex(crc32(name, seed)) for name, seed in names if name is not None} | _terms_of_said(said)


def wanted_terms(members: Mapping[str, Sequence[str]]) -> str:
    """Asks for slices that have, of each of these members, one of these values."""
    has_both = {"action", "answer"} <= members.keys()
    of_members = [
        [crc32(_bytes_of(value), _SEEDS[member]) for value in values]
        for member, values in members.items()
        if not (has_both and member in {"action", "answer"})
    ]
    if has_both:
        # Of the same entry, as most slices have either.
        both = product(map(_bytes_of, members["action"]), map(_bytes_of, members["answer"]))
        of_members.append([_sum_of_both(action, answer) for action, answer in both])
    return " AND ".join(f"({' OR '.join(map(hex, sums))})" for sums in of_members)


def slices_with(connection: Connection, terms: str, first_id: str, last_id: str, *, newer: bool) -> Iterator[Slice]:
    """The slices that have these terms, in their order, from that of the first id to that of the last.

    Args:
        connection: Of SQLite.
        terms: As `wanted_terms` asks for them.
        first_id: An id; empty for any.
        last_id: An id; empty for any.
        newer: Whether the oldest comes first, and not the newest.
    """
    bounds = {"terms": terms, "first": _number(first_id), "last": _number(last_id) if last_id else _LAST}
    # Closed as soon as nobody wants more: what is open holds on to what SQLite could overwrite.
    with connection.execute(_OLDEST_FIRST if newer else _NEWEST_FIRST, bounds) as found:
        for row in found:
            yield Slice(*row)


def drop_terms(connection: Connection) -> bool:
    """Forgets some slices all of whose entries have been removed; returns whether that were all such slices."""
    oldest: str | None = connection.scalar(select(func.min(journal_entries.c.id)))
    bounds = {"number": _LAST if oldest is None else _number(oldest), "most": _REMOVED_AT_ONCE}
    return connection.execute(_REMOVE_SOME_BEFORE, bounds).rowcount < _REMOVED_AT_ONCE


class KnownTerms:
    """The terms that slices have, for whoever goes through entries in the order of time, more or less.

    Args:
        connection: Of SQLite.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._beginning = ""
        self._terms: set[str] = set()

    def of(self, entry_id: str) -> set[str]:
        """Those of the slice that an id belongs to."""
        beginning = beginning_of(entry_id)
        if beginning != self._beginning:
            self._beginning, self._terms = beginning, self._read(beginning)
        return self._terms

    def _read(self, beginning: str) -> set[str]:
        try:
            number = _number(beginning)
        except ValueError:
            return set()
        row = self._connection.execute(_OF_SLICE, {"number": number}).one_or_none()
        return set(row.terms.split()) if row is not None and row.slice == beginning else set()


def are_terms_indexed(
    connection: Connection, on_progress: Callable[[int, int], None] = lambda _done, _of: None
) -> bool:
    """Whether a search for each term finds the slices that have it, and no others.

    SQLite checks this itself only for whoever keeps others from writing. Hashes are compared that are others in each
    process, so that nobody can have them come out right.

    Args:
        connection: Of SQLite.
        on_progress: Is told how many terms have been searched for, and of how many.
    """
    given = found = many = 0
    try:
        for number, terms in connection.execute(_GIVEN):
            of_slice = terms.split()
            many += len(of_slice)
            given += sum(hash((number, term)) for term in of_slice)
        for searched, (number, term) in enumerate(connection.execute(_FOUND)):
            found += hash((number, term))
            if searched % _TELL_EVERY == 0:
                on_progress(searched, many)
    except DatabaseError as error:
        # As it says of an index that is none. That it is locked, or gone, is of another kind.
        if type(error.orig) is not SQLiteDatabaseError:
            raise
        return False
    return given == found


def _number(entry_id: str) -> int:
    """That of the slice of an id, or of its beginning."""
    return number_of(beginning_of(entry_id).ljust(_SLICE_CHARACTERS, "0"))


@lru_cache(1_000)
def _terms_of_said(said: Said) -> frozenset[str]:
    kind, action, answer, revision = said
    values = ((kind, _KIND), (action, _ACTION), (answer, _ANSWER), (revision, _REVISION))
    terms = [hex(crc32(value, seed)) for value, seed in values if value is not None]
    if action is not None and answer is not None:
        terms.append(hex(_sum_of_both(action, answer)))
    return frozenset(terms)


def _sum_of_both(action: bytes, answer: bytes) -> int:
    return crc32(action, crc32(answer, _ACTION_WITH_ANSWER))


def _as_bytes(value: object) -> bytes | None:
    return _bytes_of(value) if isinstance(value, str) else None


def _bytes_of(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")
