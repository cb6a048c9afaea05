"""How long it takes to find decisions among many: each way of asking, at the first page and far behind.

    python -m bench.journal_queries [--entries N] [--url URL]

Fills a database with entries of a year, and asks. Ten million take some minutes and 8 GB.
"""

import argparse
import hashlib
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Engine, insert

from authz_service.ids import first_id_at
from authz_service.journal.counting import rulings_given
from authz_service.journal.loading import SINGLE, NewEntries, insert_entries
from authz_service.journal.partitions import Partitions
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.journal.queries import Wanted, find_decisions, get_decision
from authz_service.journal.terms import searched_in
from authz_service.storage.database import connect, upgrade, writing
from authz_service.storage.schema import journal_chains, journal_rulings

_AT_ONCE = 50_000
_ACTIONS = ("view_bills", "view_usage", "activate_option", "view_role", "become_administrator")
_BEGIN = datetime(2025, 11, 1, tzinfo=UTC)
_YEAR = timedelta(days=365)
_TRIES = 15
_PERMITTED = 0.97


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.journal_queries", description="How long queries take.")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--url", help="an empty database; a SQLite file of its own if left out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="authz-bench-") as folder:
        database = connect(arguments.url or f"sqlite:///{Path(folder) / 'journal.db'}", writes_much=True)
        upgrade(database)
        began = time.monotonic()
        people = arguments.entries // 40
        names = Pseudonyms(b"k" * 32)
        fill(database, names, arguments.entries, people)
        print(f"{arguments.entries:,} entries of {people:,} people in {time.monotonic() - began:,.0f} s")
        print(f"{'asked':<52}{'median ms':>10}{'most':>8}")
        for name, wanted, cursor in _asked(people):
            _time(name, partial(find_decisions, database, names, wanted, 100, cursor))
        some = [_id(n, arguments.entries) for n in random.Random(1).sample(range(arguments.entries), _TRIES)]
        one = iter(some)
        _time("one decision, by its id", lambda: get_decision(database, next(one)))
        began = time.monotonic()
        [given] = rulings_given(database, None, None)
        print(f"{given.decisions:,} decisions counted by ruling, as a replay does: {time.monotonic() - began:.1f} s")
        database.dispose()


def _asked(people: int) -> Iterator[tuple[str, Wanted, str | None]]:
    person, customer = f"person-{people // 2}", str(people // 6)
    middle = first_id_at(_BEGIN + _YEAR / 2)
    yield "all, the newest", Wanted(), None
    yield "all, from the middle of the year", Wanted(), middle
    yield "of a person", Wanted(subject=person), None
    yield "of a person, denied", Wanted(subject=person, answer="deny"), None
    yield "of a customer number", Wanted(customer=customer), None
    yield "of a customer number, one action, from the middle", Wanted(customer=customer, action="view_usage"), middle
    yield "of an action", Wanted(action="view_bills"), None
    yield "of an action, denied, from the middle", Wanted(action="view_bills", answer="deny"), middle
    yield "of an action that never was", Wanted(action="delegate"), None
    yield "denied", Wanted(answer="deny"), None
    yield "of a day in the middle", Wanted(since=_BEGIN + _YEAR / 2, until=_BEGIN + _YEAR / 2 + timedelta(days=1)), None
    yield "of a person whom nobody knows", Wanted(subject="nobody"), None


def _time(name: str, ask: Callable[[], object]) -> None:
    ask_times = []
    for _ in range(_TRIES):
        began = time.perf_counter()
        ask()
        ask_times.append((time.perf_counter() - began) * 1000)
    print(f"{name:<52}{statistics.median(ask_times):>10.1f}{max(ask_times):>8.1f}", flush=True)


def _id(n: int, entries: int, begin: datetime = _BEGIN, length: timedelta = _YEAR) -> str:
    # Evenly over the time, and each of its own.
    return first_id_at(begin + length * (n / entries))[:16] + f"{n:010d}"


def fill(
    database: Engine,
    names: Pseudonyms,
    entries: int,
    people: int,
    begin: datetime = _BEGIN,
    length: timedelta = _YEAR,
) -> None:
    """Has entries of a year, or of another length of time, in the journal of a database."""
    chance, digest = random.Random(7), hashlib.sha256(begin.isoformat().encode()).hexdigest()
    with writing(database) as connection:
        values = {"chain": first_id_at(begin), "segment": 1, "bytes": 0, "sequence": entries, "head": digest}
        chain = connection.execute(
            insert(journal_chains).values(values).returning(journal_chains.c.number)
        ).scalar_one()
        content = '{"revision":"r","facts":{},"allow":true,"reasons":[],"route":null,"requires":[],"effects":[]}'
        connection.execute(insert(journal_rulings).values(digest=digest, content=content))
    partitions = Partitions()
    for start in range(0, entries, _AT_ONCE):
        new = NewEntries([], [])
        for n in range(start, min(start + _AT_ONCE, entries)):
            entry_id = _id(n, entries, begin, length)
            body = _body(entry_id, chance.randrange(people), names, chance, digest)
            new.rows.append((entry_id, SINGLE, chain, n + 1, "0" * 64, body))
            new.searched.append(searched_in(body))
        with writing(database) as connection:
            partitions.make_for(connection, new.ids)
            insert_entries(connection, [new])


def _body(entry_id: str, person: int, names: Pseudonyms, chance: random.Random, ruling: str) -> str:
    customer = names.of("customer", str(person // 3))
    answer = "permit" if chance.random() < _PERMITTED else "deny"
    return (
        f'{{"id":"{entry_id}","kind":"decision","caller":"bench","request":"{entry_id}",'
        f'"subject":"{names.of("person", f"person-{person}")}","action":"{chance.choice(_ACTIONS)}",'
        f'"resource":"{customer}","customer":"{customer}","answer":"{answer}","revision":"cfa3c28af1dec776",'
        f'"ruling":"{ruling}"}}'
    )


if __name__ == "__main__":
    main()
