import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product, starmap
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, event

from authz_service.errors import InvalidRequest, UnknownDecision
from authz_service.ids import first_id_at, new_id
from authz_service.journal.checkpoint import Signer
from authz_service.journal.entries import Entries, Entry, Origin, noted
from authz_service.journal.indexer import Indexer
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.journal.queries import DECISIONS, KeptDecision, Wanted, find_decisions, get_decision, get_entry
from authz_service.journal.writer import Writer
from authz_service.questions import Action, Entity, Question, Search
from authz_service.storage.database import reading
from authz_service.words import EntryKind, Sought
from tests.journal.conftest import a_decision, a_ruling, an_entry, on_sqlite_alone
from tests.kept import decision_entry

KEY = b"k" * 32
NAMES = Pseudonyms(KEY)
ORIGIN = Origin("tests")
START = datetime(2038, 1, 31, 23, 59, 59, 990_000, UTC)
PEOPLE = ["ann", "ben", NAMES.of("person", "carl")]
NUMBERS = ["1", "2"]
ACTIONS = ["view_bills", "manage_bills"]

_NO_IDS = ["", "x", "ann", "\0", f"{new_id()}\n", f" {new_id()}", new_id().lower(), f"{new_id()}.01",
           f"{new_id()}.9999999999"]  # fmt: skip

Keep = Callable[..., None]


class Asked(NamedTuple):
    """What a decision was about, as the test knows it without the journal; None where it is not about one."""

    id: str
    item: int
    subject: str | None
    customer: str | None
    action: str | None
    answer: str | None
    at: datetime
    names: Pseudonyms
    body: bytes = b""

    @property
    def shown_id(self) -> str:
        return self.id if self.item < 0 else f"{self.id}.{self.item}"

    def is_wanted(self, wanted: Wanted) -> bool:
        return (
            self._is_named("person", self.subject, wanted.subject)
            and self._is_named("customer", self.customer, wanted.customer)
            and wanted.action in {None, self.action}
            and wanted.answer in {None, self.answer}
            and (wanted.since is None or self.at >= wanted.since)
            and (wanted.until is None or self.at < wanted.until)
        )

    def _is_named(self, kind: str, name: str | None, wanted: str | None) -> bool:
        return wanted is None or (name is not None and wanted in {name, self.names.of(kind, name)})


@pytest.fixture
def keep(any_database: Engine, folder: Path, signing_key: Ed25519PrivateKey) -> Iterator[Keep]:
    """Has entries in the database."""
    writer = Writer(folder, Signer(signing_key))

    def keep(*entries: Entry) -> None:
        # Twice, so that entries come that are older than some that are there already.
        for some in (entries[::2], entries[1::2]):
            if some:
                writer.append(some)
                Indexer(any_database, folder).catch_up()

    yield keep
    writer.close()


def random_decisions(seed: int, occasions: int = 60) -> list[tuple[Entry, Asked | None]]:
    """Entries of every kind, some of them made where ids are plain; with None those that decide nothing."""
    random = Random(seed)  # noqa: S311 - no secret is made of it
    made: list[tuple[Entry, Asked | None]] = []
    for number in range(occasions):
        names = Pseudonyms(KEY, are_plain=number % 2 == 0)
        entries = Entries(names)
        at = START + timedelta(milliseconds=random.randrange(20))
        entry_id = first_id_at(at)[:10] + new_id()[10:]
        person, customer, action = random.choice(PEOPLE), random.choice(NUMBERS), random.choice(ACTIONS)
        decided = a_decision(person, customer, action, allow=random.random() < 0.5)
        answer = "permit" if decided.decision.allow else "deny"
        asked = Asked(entry_id, -1, person, customer, action, answer, at, names)
        match number % 10:
            case 0 | 1 | 2:
                made.append(_as_made(decision_entry(entries, entry_id, None, ORIGIN, decided), asked))
            case 3 | 4:
                made += [
                    _as_made(decision_entry(entries, entry_id, item, ORIGIN, decided), asked._replace(item=item))
                    for item in range(random.randrange(1, 12))
                ]
            case 5:
                entry = entries.take_over(
                    entry_id, ORIGIN, customer=customer, person=person, decision=decided.decision, done={}
                )
                made.append(_as_made(entry, asked))
            case 6:
                question = Question(Entity("person", person), Action(action), Entity("customer", ""))
                others = [decided, a_decision(person, "another", action)]
                entry = entries.search(entry_id, ORIGIN, Search(Sought.RESOURCE, question), [], others)
                made.append(_as_made(entry, asked._replace(customer=None, answer=None)))
            case 7:
                question = Question(Entity("person", ""), Action(action), Entity("customer", customer))
                entry = entries.search(entry_id, ORIGIN, Search(Sought.SUBJECT, question), [person], [decided])
                made.append(_as_made(entry, asked._replace(subject=None, answer=None)))
            case 8:
                made.append((entries.change(ORIGIN, action, ("customer", customer)), None))
            case _:
                made.append((entries.refusal(ORIGIN, 403, action, "audit"), None))
    random.shuffle(made)
    return made


def _as_made(entry: Entry, asked: Asked) -> tuple[Entry, Asked]:
    return entry, asked._replace(body=entry.body)


def newest_first(asked: list[Asked]) -> list[Asked]:
    return sorted(asked, key=lambda one: (one.id, one.item), reverse=True)


def find_all(database: Engine, wanted: Wanted, limit: int, pseudonyms: Pseudonyms = NAMES) -> list[KeptDecision]:
    """Page after page to the end."""
    found: list[KeptDecision] = []
    cursor: str | None = None
    while True:
        page = find_decisions(database, pseudonyms, wanted, limit, cursor)
        found += page.decisions
        assert len(page.decisions) <= limit
        if page.cursor is None:
            return found
        assert len(page.decisions) == limit, "a page that is not the last is full"
        cursor = page.cursor


# finding


def test_what_is_found_is_what_fits_the_newest_first_whatever_is_wanted(any_database: Engine, keep: Keep) -> None:
    made = random_decisions(1)
    keep(*(entry for entry, _ in made))
    decisions = newest_first([asked for _, asked in made if asked])
    some = 0
    moments = [None, START + timedelta(milliseconds=5), START + timedelta(milliseconds=14)]
    for wanted in starmap(
        Wanted,
        product(
            [None, "ann", PEOPLE[2], NAMES.of("person", "ben"), "a\0"],
            [None, "1", NAMES.of("customer", "2")],
            [None, "view_bills"],
            [None, "permit", "deny"],
            moments[:2],
            moments[::2],
        ),
    ):
        fitting = [asked for asked in decisions if asked.is_wanted(wanted)]
        found = find_all(any_database, wanted, 1_000)
        assert [(kept.id, kept.text.encode()) for kept in found] == [(one.shown_id, one.body) for one in fitting], (
            wanted
        )
        some += len(fitting) > 0
    assert some > 100, "most that is wanted is found"


def test_page_after_page_nothing_is_lost_and_nothing_repeated(any_database: Engine, keep: Keep) -> None:
    made = random_decisions(2)
    keep(*(entry for entry, _ in made))
    decisions = newest_first([asked for _, asked in made if asked])
    for wanted in starmap(
        Wanted,
        product(
            [None, "ann"],
            [None, "1"],
            [None, "view_bills"],
            [None, "permit"],
            [None, START + timedelta(milliseconds=2)],
            [None, START + timedelta(milliseconds=18)],
        ),
    ):
        fitting = [asked.shown_id for asked in decisions if asked.is_wanted(wanted)]
        # One by one where that does not take long.
        for limit in (1, 2, 7, 1_000) if len(fitting) < 10 else (7, 1_000):
            assert [kept.id for kept in find_all(any_database, wanted, limit)] == fitting, wanted


@on_sqlite_alone
def test_a_page_that_holds_all_there_is_has_no_cursor(any_database: Engine, keep: Keep) -> None:
    keep(*(an_entry() for _ in range(3)))
    assert find_decisions(any_database, NAMES, Wanted(), 3).cursor is None
    assert find_decisions(any_database, NAMES, Wanted(), 2).cursor is not None


@on_sqlite_alone
def test_decisions_that_are_made_meanwhile_do_not_shift_the_pages(any_database: Engine, keep: Keep) -> None:
    first = [an_entry(entry_id=first_id_at(START + timedelta(milliseconds=n))) for n in range(4)]
    keep(*first)
    page = find_decisions(any_database, NAMES, Wanted(), 2)
    keep(*(an_entry(entry_id=first_id_at(START + timedelta(milliseconds=n))) for n in range(4, 8)))
    following = find_decisions(any_database, NAMES, Wanted(), 2, page.cursor)
    assert [kept.text.encode() for kept in [*page.decisions, *following.decisions]] == [
        entry.body for entry in reversed(first)
    ]


def test_a_page_may_end_within_a_call_of_several(any_database: Engine, keep: Keep) -> None:
    call = new_id()
    entries = Entries(NAMES)
    keep(*(decision_entry(entries, call, item, ORIGIN, a_decision()) for item in range(12)))
    page = find_decisions(any_database, NAMES, Wanted(), 5)
    assert page.cursor == f"{call}.7"
    rest = find_decisions(any_database, NAMES, Wanted(), 50, page.cursor)
    assert [kept.id for kept in [*page.decisions, *rest.decisions]] == [f"{call}.{item}" for item in range(11, -1, -1)]


def test_an_id_finds_what_was_kept_with_pseudonyms_and_what_was_kept_plain(any_database: Engine, keep: Keep) -> None:
    kept = [
        decision_entry(Entries(Pseudonyms(KEY, are_plain=plain)), new_id(), None, ORIGIN, a_decision("ann", "1"))
        for plain in (False, True)
    ]
    keep(*kept)
    ways = (Wanted(subject="ann"), Wanted(customer="1"), Wanted(subject="ann", customer="1"))
    for wanted, are_plain in product(ways, (False, True)):
        found = find_all(any_database, wanted, 1, Pseudonyms(KEY, are_plain=are_plain))
        assert {one.text.encode() for one in found} == {entry.body for entry in kept}


@on_sqlite_alone
def test_a_pseudonym_finds_what_was_kept_under_it(any_database: Engine, keep: Keep) -> None:
    entry = decision_entry(Entries(NAMES), new_id(), None, ORIGIN, a_decision("ann", "1"))
    keep(entry, decision_entry(Entries(NAMES), new_id(), None, ORIGIN, a_decision("ben", "2")))
    for wanted in (Wanted(subject=NAMES.of("person", "ann")), Wanted(customer=NAMES.of("customer", "1"))):
        assert [kept.text.encode() for kept in find_all(any_database, wanted, 10)] == [entry.body]


@on_sqlite_alone
def test_another_key_finds_nobody(any_database: Engine, keep: Keep) -> None:
    keep(decision_entry(Entries(NAMES), new_id(), None, ORIGIN, a_decision("ann", "1")))
    assert find_all(any_database, Wanted(subject="ann"), 10, Pseudonyms(b"l" * 32)) == []


def test_from_when_on_is_included_and_until_when_is_not(any_database: Engine, keep: Keep) -> None:
    """In 2038 a float of seconds does not hold every millisecond."""
    moments = [datetime(2038, 6, 1, tzinfo=UTC) + timedelta(milliseconds=n) for n in range(40)]
    keep(*(an_entry(entry_id=first_id_at(moment)) for moment in moments))
    for number, moment in enumerate(moments):
        since = find_all(any_database, Wanted(since=moment), 1_000)
        until = find_all(any_database, Wanted(until=moment), 1_000)
        assert [kept.at for kept in since] == moments[number:][::-1]
        assert [kept.at for kept in until] == moments[:number][::-1]


def test_before_all_ids_there_is_nothing_and_from_there_on_everything(any_database: Engine, keep: Keep) -> None:
    keep(an_entry())
    for moment in (datetime.min.replace(tzinfo=UTC), datetime(1969, 12, 31, tzinfo=UTC)):
        assert find_all(any_database, Wanted(until=moment), 10) == []
        assert len(find_all(any_database, Wanted(since=moment, until=datetime.max.replace(tzinfo=UTC)), 10)) == 1


@on_sqlite_alone
def test_two_periods_that_meet_are_the_whole_also_between_two_milliseconds(any_database: Engine, keep: Keep) -> None:
    keep(*(an_entry(entry_id=first_id_at(START + timedelta(milliseconds=n))) for n in range(3)))
    for microseconds in (0, 1, 500, 999, 1_000):
        moment = START + timedelta(milliseconds=1, microseconds=microseconds)
        parts = [Wanted(since=moment), Wanted(until=moment)]
        assert sum(len(find_all(any_database, wanted, 10)) for wanted in parts) == 3


@on_sqlite_alone
def test_a_cursor_that_is_none_is_refused(any_database: Engine) -> None:
    for cursor in ["\ud800", "8" + "0" * 25, f"{new_id()}.", f"{new_id()}.-1", f"{new_id()}.1.1", *_NO_IDS]:
        with pytest.raises(InvalidRequest) as refusal:
            find_decisions(any_database, NAMES, Wanted(), 10, cursor)
        assert [fault.path for fault in refusal.value.faults] == ["cursor"], cursor


def test_a_decision_comes_with_its_ruling_and_its_place(any_database: Engine, keep: Keep) -> None:
    decided = a_decision("ann", "1")
    entry_id = first_id_at(START)
    keep(an_entry(), decision_entry(Entries(NAMES), entry_id, None, ORIGIN, decided))
    [kept] = find_all(any_database, Wanted(subject="ann"), 10)
    assert (kept.id, kept.at, kept.sequence) == (entry_id, START, 2)
    assert kept.body == json.loads(kept.text)
    assert kept.ruling == json.loads(decided.decision.ruling.content)


@on_sqlite_alone
def test_a_search_has_no_one_ruling(any_database: Engine, keep: Keep) -> None:
    question = Question(Entity("person", ""), Action("view_bills"), Entity("customer", "1"))
    keep(Entries(NAMES).search(new_id(), ORIGIN, Search(Sought.SUBJECT, question), ["ann"], [a_decision("ann", "1")]))
    [kept] = find_all(any_database, Wanted(customer="1"), 10)
    assert kept.ruling is None
    assert kept.body["found"] == [NAMES.of("person", "ann")]


# one decision


def test_a_decision_is_found_by_the_id_that_the_caller_was_told(any_database: Engine, keep: Keep) -> None:
    made = random_decisions(3)
    keep(*(entry for entry, _ in made))
    for asked in (asked for _, asked in made if asked):
        kept = get_decision(any_database, asked.shown_id)
        assert (kept.id, kept.text.encode(), kept.at) == (asked.shown_id, asked.body, asked.at)


def test_the_id_of_a_call_of_several_says_how_to_ask_for_its_decisions(any_database: Engine, keep: Keep) -> None:
    call = new_id()
    keep(*(decision_entry(Entries(NAMES), call, item, ORIGIN, a_decision()) for item in range(3)))
    with pytest.raises(UnknownDecision, match=rf"a call of several evaluations: its decisions are {call}\.0 and so on"):
        get_decision(any_database, call)
    with pytest.raises(UnknownDecision, match=r"There is no such decision\."):
        get_decision(any_database, f"{call}.3")


def test_an_id_that_nobody_was_told_is_unknown(any_database: Engine, keep: Keep) -> None:
    keep(an_entry())
    for unknown in [new_id(), f"{new_id()}.0", f"{new_id()}.999999999", "7" + "Z" * 25, "\ud800", *_NO_IDS]:
        with pytest.raises(UnknownDecision, match=r"There is no such decision\."):
            get_decision(any_database, unknown)


@on_sqlite_alone
def test_an_item_of_a_single_decision_is_unknown(any_database: Engine, keep: Keep) -> None:
    entry = an_entry()
    keep(entry)
    with pytest.raises(UnknownDecision, match=r"There is no such decision\."):
        get_decision(any_database, f"{json.loads(entry.body)['id']}.0")


def test_entries_that_decide_nothing_are_no_decisions(any_database: Engine, keep: Keep) -> None:
    entries = Entries(NAMES)
    made = [
        entries.change(ORIGIN, "put_customer", ("customer", "1")),
        entries.policy("first"),
        entries.refusal(ORIGIN, 401, "GET /", "audit"),
        entries.shadow(a_ruling(), a_ruling("second"), 1),
        entries.pruning(ORIGIN, "2026-01-01T00:00:00Z", {}),
        Entry(b'{"id":"%s","text":"no kind"}' % new_id().encode()),
        Entry(b'{"id":"%s","kind":["decision"]}' % new_id().encode()),
    ]
    keep(*made)
    assert find_all(any_database, Wanted(), 100) == []
    for entry in made:
        with pytest.raises(UnknownDecision, match=r"There is no such decision\."):
            get_decision(any_database, json.loads(entry.body)["id"])


# looking at some at a time, both ways


def look_at_some(database: Engine, wanted: Wanted, most: int, *, newer: bool) -> list[str]:
    """The ids on all pages from one end to the other, in the order of the pages."""
    found: list[str] = []
    cursor: str | None = first_id_at(datetime(1971, 1, 1, tzinfo=UTC)) if newer else None
    while True:
        page = find_decisions(database, NAMES, wanted, 4, cursor, newer=newer, most=most)
        ids = [kept.id for kept in page.decisions]
        found += reversed(ids) if newer else ids
        if page.cursor is None:
            return found
        assert page.cursor != cursor
        cursor = page.cursor


def test_looking_at_some_at_a_time_finds_the_same_in_both_directions(any_database: Engine, keep: Keep) -> None:
    # Forty entries, in several slices and on several pages: the combinations are what is many here.
    made = random_decisions(4, occasions=20)
    keep(*(entry for entry, _ in made))
    everything = tuple(EntryKind)
    for wanted in starmap(
        Wanted,
        product(
            [None, "ann"],
            [None, "1"],
            [None, "view_bills"],
            [None, "deny"],
            [None, START + timedelta(milliseconds=3)],
            [None, START + timedelta(milliseconds=17)],
            [None, "first"],
            [DECISIONS, everything],
        ),
    ):
        fitting = [kept.id for kept in find_all(any_database, wanted, 1_000)]
        assert look_at_some(any_database, wanted, 12, newer=False) == fitting, wanted
        assert look_at_some(any_database, wanted, 12, newer=True) == fitting[::-1], wanted


@on_sqlite_alone
def test_a_page_that_has_looked_at_enough_may_be_empty_and_says_where_to_go_on(
    any_database: Engine, keep: Keep
) -> None:
    wanted = an_entry(kind="trial")
    others = [an_entry(kind="change") for _ in range(10)]
    keep(wanted, *others)
    page = find_decisions(any_database, NAMES, Wanted(), 5, most=6)
    assert (page.decisions, page.cursor) == ([], json.loads(others[4].body)["id"])
    rest = find_decisions(any_database, NAMES, Wanted(), 5, page.cursor, most=6)
    assert [kept.text.encode() for kept in rest.decisions] == [wanted.body]


@on_sqlite_alone
@pytest.mark.parametrize("newer", [False, True])
def test_slices_that_have_the_terms_but_no_such_entry_are_gone_through_page_by_page(
    any_database: Engine, keep: Keep, *, newer: bool
) -> None:
    moments = [first_id_at(START + timedelta(milliseconds=ms)) for ms in range(5)]
    pairs = [("old", "new") if number in {0, 4} else ("new", "old") for number in range(5)]
    of_ann = [
        an_entry(entry_id=one, subject="ann", revision=revision)
        for one, (revision, _) in zip(moments, pairs, strict=True)
    ]
    of_bob = [
        an_entry(entry_id=f"{one[:-1]}1", subject="bob", revision=revision)
        for one, (_, revision) in zip(moments, pairs, strict=True)
    ]
    keep(*of_ann, *of_bob)
    cursor: str | None = f"{moments[0][:-1]}2" if newer else moments[4]
    found, pages = [], 0
    while cursor is not None:
        page = find_decisions(
            any_database, NAMES, Wanted(subject="ann", revision="old"), 5, cursor, newer=newer, most=1
        )
        found += [kept.text.encode() for kept in page.decisions]
        pages, cursor = pages + 1, page.cursor
    assert found == [of_ann[4 if newer else 0].body]
    assert 2 <= pages <= 5


@on_sqlite_alone
@pytest.mark.parametrize("newer", [False, True])
def test_of_slices_those_entries_alone_are_read_that_are_in_them(
    any_database: Engine, keep: Keep, *, newer: bool
) -> None:
    keep(an_entry(entry_id=first_id_at(START), subject="ann"))
    asked: list[tuple[str, tuple[object, ...]]] = []

    @event.listens_for(any_database, "before_cursor_execute")
    def remember(
        _connection: object, _cursor: object, statement: str, parameters: tuple[object, ...], *_: object
    ) -> None:
        asked.append((statement, parameters))

    wanted = Wanted(subject="ann", since=START, until=START + timedelta(days=1))
    assert len(find_decisions(any_database, NAMES, wanted, 5, newer=newer).decisions) == 1
    [(statement, parameters)] = [one for one in asked if "json_each" in one[0]]
    with reading(any_database) as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    first, second, *_ = [row.detail for row in plan]
    assert "VIRTUAL TABLE" in first
    assert second == "SEARCH journal_entries USING PRIMARY KEY (id>? AND id<?)"


def test_each_kind_is_found_by_itself_and_by_its_revision(any_database: Engine, keep: Keep) -> None:
    entries = Entries(NAMES)
    [trial] = entries.decisions([noted(new_id(), ORIGIN, None, a_decision("ann", "1"))], EntryKind.TRIAL)
    made = {
        EntryKind.POLICY: entries.policy("first"),
        EntryKind.REFUSAL: entries.refusal(ORIGIN, 401, "GET /", "audit"),
        EntryKind.TRIAL: trial,
        EntryKind.DECISION: decision_entry(entries, new_id(), None, ORIGIN, a_decision("ann", "1")),
    }
    keep(*made.values())
    for kind, entry in made.items():
        assert [kept.text.encode() for kept in find_all(any_database, Wanted(kinds=(kind,)), 9)] == [entry.body]
        assert get_entry(any_database, json.loads(entry.body)["id"]).text.encode() == entry.body
    of_first = find_all(any_database, Wanted(revision="first", kinds=tuple(EntryKind)), 9)
    assert len(of_first) == 3
    assert find_all(any_database, Wanted(revision="second", kinds=tuple(EntryKind)), 9) == []
