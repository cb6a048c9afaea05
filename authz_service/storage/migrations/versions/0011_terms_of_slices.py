"""SQLite finds entries of the journal by the terms of a slice of time, instead of by indexes over all of them."""

from collections.abc import Iterable, Sequence
from itertools import groupby, islice
from zlib import crc32

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# A program before it would load entries of which no search knows.
serves_from_on_sqlite = "0011"

_INDEXES = ("subject", "customer", "answer_action")
_SEARCHED = sa.text(
    "SELECT id, body ->> 'subject', body ->> 'customer', body ->> 'kind', body ->> 'action', body ->> 'answer',"
    " body ->> 'revision' FROM journal_entries ORDER BY id"
)
_ROWS_AT_ONCE = 1_000
_DIGITS = str.maketrans("0123456789ABCDEFGHJKMNPQRSTVWXYZ", "0123456789abcdefghijklmnopqrstuv")


def upgrade() -> None:
    database = op.get_bind()
    if database.dialect.name != "sqlite":
        return
    op.execute(
        "CREATE VIRTUAL TABLE journal_terms USING fts5("
        "slice UNINDEXED, entries UNINDEXED, denied UNINDEXED, terms, detail=none, columnsize=0, tokenize='ascii')"
    )
    op.execute("CREATE VIRTUAL TABLE journal_terms_known USING fts5vocab(journal_terms, row)")
    for members in _INDEXES:
        op.drop_index(f"ix_journal_entries_{members}", "journal_entries")
    _fill(database)


def _fill(database: sa.Connection) -> None:
    add = sa.text("INSERT INTO journal_terms (rowid, slice, entries, denied, terms) VALUES (:a, :b, :c, :d, :e)")
    slices = groupby(database.execute(_SEARCHED), lambda row: str(row[0])[:9])
    rows = (_row(beginning, [row[1:] for row in entries]) for beginning, entries in slices)
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        database.execute(add, some)


def _row(beginning: str, entries: Sequence[Sequence[object]]) -> dict[str, object]:
    terms = {term for members in entries for term in _terms(members)}
    denied = sum(members[4] == "deny" for members in entries)
    number = int(beginning.translate(_DIGITS), 32)
    return {"a": number, "b": beginning, "c": len(entries), "d": denied, "e": " ".join(terms)}


def _terms(members: Sequence[object]) -> Iterable[str]:
    for value, seed in zip(members, range(1, 7), strict=True):
        if isinstance(value, str):
            yield hex(crc32(value.encode(), seed))
    action, answer = members[3:5]
    if isinstance(action, str) and isinstance(answer, str):
        yield hex(crc32(action.encode(), crc32(answer.encode(), 7)))


def downgrade() -> None:
    raise NotImplementedError("a step back would lose data; restore a backup")
