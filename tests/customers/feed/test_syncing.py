"""What a feed does to what is stored, on both databases."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, select, text, update

from authz_service.customers.customer_store import delete_customer, get_customer
from authz_service.customers.feed import syncing
from authz_service.customers.feed.positions import positions_of
from authz_service.customers.feed.syncing import End
from authz_service.customers.person_store import get_person
from authz_service.errors import DatabaseUnavailable, UnknownCustomer, UnknownPerson
from authz_service.storage.database import reading, writing
from authz_service.storage.schema import customers, feed_objects, people
from tests.customers.feed.conftest import Sync, syncing_into
from tests.customers.feed.logs import customer, gone, option, person


def count(database: Engine, what: str = "people") -> int:
    with reading(database) as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {what}")) or 0)  # noqa: S608 - a name of ours


def activation(code: str) -> dict[str, object]:
    return {"activation": {"code": code, "date": "2026-11-02"}}


# what is taken


def test_changes_are_applied_and_the_position_is_kept(sync: Sync, any_database: Engine) -> None:
    done, faults = sync(person(1, "ann"), customer(2, "1", "ann"), option(3, "o"), gone(4, "option", "o"))
    assert faults == []
    # Of the option, the newest is that it is gone.
    assert (dict(done.applied), done.skipped, done.end) == ({"person": 1, "customer": 1, "deleted": 1}, 1, End.INPUT)
    assert get_customer(any_database, "1")[0]["members"] == [{"person": "ann", "role": "administrator"}]
    assert positions_of(any_database) == {"default": 4}
    assert count(any_database, "options") == 0


def test_taken_again_nothing_changes_and_all_is_counted_as_skipped(sync: Sync, any_database: Engine) -> None:
    log = [person(1, "ann"), customer(2, "1", "ann"), gone(3, "option", "o")]
    sync(*log)
    before = get_customer(any_database, "1")
    done, faults = sync(*log)
    assert (done.applied.total(), done.skipped, faults) == (0, 3, [])
    assert get_customer(any_database, "1") == before


def test_an_older_change_does_not_bring_back_what_is_gone(sync: Sync, any_database: Engine) -> None:
    sync(person(1, "ann"), customer(2, "1", "ann"))
    sync(gone(9, "customer", "1"))
    done, _ = sync(customer(5, "1", "ann"))
    assert (done.applied.total(), done.skipped) == (0, 1)
    with pytest.raises(UnknownCustomer):
        get_customer(any_database, "1")
    sync(customer(10, "1", "ann"))
    assert get_customer(any_database, "1")[1] == 1


def test_what_was_there_before_the_feed_is_replaced_by_its_first_change(sync: Sync, any_database: Engine) -> None:
    with writing(any_database) as connection:
        connection.execute(text("INSERT INTO people (id, name, email) VALUES ('ann', 'Old', 'a@b')"))
    sync(person(1, "ann"))
    assert get_person(any_database, "ann")[0]["name"] == "ann"


def test_what_somebody_else_deleted_comes_again_with_a_newer_change_alone(sync: Sync, any_database: Engine) -> None:
    sync(customer(1, "1"))
    delete_customer(any_database, "1")
    sync(customer(1, "1"))
    with pytest.raises(UnknownCustomer):
        get_customer(any_database, "1")
    sync(customer(2, "1"))
    assert get_customer(any_database, "1")


def test_sources_have_sequences_of_their_own(sync: Sync, any_database: Engine) -> None:
    sync(person(100, "ann"), {**person(1, "ben"), "source": "crm"})
    assert positions_of(any_database) == {"crm": 1, "default": 100}
    done, faults = sync({**person(200, "ann"), "source": "crm"})
    assert faults == ["1: person: comes from the source default already, and an object comes from one"]
    assert done.end is End.FAULT
    assert count(any_database) == 2


# activation codes


def test_a_code_stays_as_it_is_until_another_is_issued(sync: Sync, any_database: Engine) -> None:
    sync(customer(1, "1", **activation("ONE")))
    with writing(any_database) as connection:
        connection.execute(update(customers).values(activation_used=True, activation_wrong=2))
    sync(customer(2, "1"), customer(3, "1", **activation("ONE")))
    assert code(any_database) == (True, True, 2)
    sync(customer(4, "1", **activation("TWO")))
    assert code(any_database) == (True, False, 0)


def test_a_code_of_an_older_change_is_issued_where_the_newer_one_has_none(sync: Sync, any_database: Engine) -> None:
    sync(customer(3, "1"))
    assert code(any_database)[0] is False
    done, _ = sync(customer(2, "1", **activation("ONE")))
    assert (done.applied["customer"], done.skipped) == (1, 0)
    assert code(any_database)[0] is True
    sync(gone(1, "customer", "1"))
    assert code(any_database)[0] is True
    sync(customer(9, "1"), gone(8, "customer", "1"))
    assert code(any_database)[0] is False


def code(database: Engine) -> tuple[bool, bool, int]:
    """Whether there is one, whether it is used, and how often a wrong one was given."""
    with reading(database) as connection:
        row = connection.execute(select(customers)).one()
        return row.activation_digest is not None, row.activation_used, row.activation_wrong


# roles


def test_other_administrators_are_a_fault_and_nothing_of_that_change_is_stored(
    sync: Sync, any_database: Engine
) -> None:
    sync(person(1, "ann"), person(2, "ben"), customer(3, "1", "ann"))
    done, faults = sync(customer(4, "1", "ben", name="New"))
    assert faults == [
        "1: customer.members: administrators of an existing customer number change by becoming administrator alone"
    ]
    assert done.end is End.FAULT
    kept, version = get_customer(any_database, "1")
    assert (kept["name"], version) == ("1", 1)
    assert positions_of(any_database) == {"default": 3}


def test_a_feed_with_authority_changes_them(sync: Sync, any_database: Engine) -> None:
    sync(person(1, "ann"), person(2, "ben"), customer(3, "1", "ann", "ben", kind="business"))
    done, faults = sync(customer(4, "1", "ben"), has_authority=True)
    assert (faults, done.applied.total()) == ([], 1)
    assert get_customer(any_database, "1")[0]["members"] == [{"person": "ben", "role": "administrator"}]


def test_who_becomes_administrator_meanwhile_is_not_undone(
    sync: Sync, any_database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed waits for a take-over that has begun, and then finds other administrators."""
    sync(person(1, "ann"), person(2, "ben"), customer(3, "1", "ann"))
    taking_over, is_waiting = threading.Event(), threading.Event()
    results: list[list[str]] = []

    def feed() -> None:
        taking_over.wait()
        is_waiting.set()
        results.append(sync(customer(4, "1", "ann", name="New"))[1])

    thread = threading.Thread(target=feed)
    thread.start()
    with writing(any_database) as connection:
        connection.execute(select(customers).where(customers.c.number == "1").with_for_update())
        connection.execute(text("DELETE FROM members"))
        taking_over.set()
        is_waiting.wait()
        # The feed has a moment to come to where it would read the administrators too early.
        thread.join(0.5)
        assert thread.is_alive()
        connection.execute(text("INSERT INTO members VALUES ('1', 'ben', 'administrator', 'residential')"))
    thread.join()
    assert [fault.split(": ")[1] for fault in results[0]] == ["customer.members"]
    assert get_customer(any_database, "1")[0]["members"] == [{"person": "ben", "role": "administrator"}]


# faults


def test_nothing_is_taken_from_a_faulty_change_on(sync: Sync, any_database: Engine) -> None:
    done, faults = sync(person(1, "ann"), customer(2, "1", "nobody"), person(3, "ben"))
    assert faults == ["2: customer.members[0].person: is no known person"]
    assert (done.applied.total(), done.faults, done.end) == (1, 1, End.FAULT)
    assert (count(any_database), positions_of(any_database)) == (1, {"default": 1})


def test_nothing_is_taken_from_a_line_on_that_is_wrong_by_itself(sync: Sync, any_database: Engine) -> None:
    done, faults = sync(person(1, "ann"), "{}", person(3, "ben"))
    assert [fault.partition(":")[0] for fault in faults] == ["2", "2"]
    assert (done.applied.total(), done.faults, done.end, count(any_database)) == (1, 1, End.FAULT, 1)


def test_of_two_faults_the_first_is_told_and_stops(sync: Sync) -> None:
    _, faults = sync(customer(1, "1", "nobody"), customer(2, "2", "nobody"), "{}")
    assert faults == ["1: customer.members[0].person: is no known person"]


def test_what_is_faulty_is_left_out_and_the_rest_taken(sync: Sync, any_database: Engine) -> None:
    done, faults = sync(
        person(1, "ann"), "{}", customer(3, "1", "nobody"), person(4, "ben"), customer(5, "2", "ben"), stops=False
    )
    assert [fault.partition(":")[0] for fault in faults] == ["2", "2", "3"]
    assert (done.applied.total(), done.faults, done.end) == (3, 2, End.INPUT)
    assert (count(any_database), positions_of(any_database)) == (2, {"default": 5})


def test_where_the_newest_change_is_faulty_the_one_before_it_holds(sync: Sync, any_database: Engine) -> None:
    sync(person(1, "ann"), customer(2, "1", "ann"), customer(3, "1", "ann", "nobody", kind="business"), stops=False)
    assert get_customer(any_database, "1")[0]["members"] == [{"person": "ann", "role": "administrator"}]


def test_a_refused_change_is_taken_when_it_comes_again_and_fits(sync: Sync, any_database: Engine) -> None:
    sync(customer(2, "1", "ann"), person(3, "ben"), stops=False)
    done, faults = sync(person(1, "ann"), customer(2, "1", "ann"))
    assert (done.applied.total(), faults) == (2, [])
    assert get_customer(any_database, "1")


def test_a_change_waits_for_what_comes_in_a_later_batch(
    sync: Sync, any_database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "CHANGES_IN_A_BATCH", 1)
    done, faults = sync(customer(5, "1", "ann"), person(6, "ben"), person(1, "ann"), stops=False)
    assert (done.applied.total(), done.faults, faults) == (3, 0, [])
    assert get_customer(any_database, "1")


def test_the_position_stays_before_what_waits(
    sync: Sync, any_database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "CHANGES_IN_A_BATCH", 1)
    seen: list[int] = []

    def look(connection: Connection, _applied: object) -> None:
        seen.append(connection.scalar(text("SELECT sequence FROM feed_sources")) or 0)

    sync(person(4, "cem"), customer(5, "1", "ann"), person(6, "ben"), person(7, "ann"), stops=False, record=look)
    assert seen == [4, 4, 7]


def test_no_more_wait_than_fit(sync: Sync, any_database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "CHANGES_IN_A_BATCH", 1)
    monkeypatch.setattr(syncing, "MOST_WAITING", 2)
    lines = [customer(n, str(n), "ann") for n in (1, 2, 3)]
    done, faults = sync(*lines, person(4, "ann"), stops=False)
    assert faults == ["1: customer.members[0].person: is no known person"]
    assert (done.applied.total(), count(any_database, "customers")) == (3, 2)


def test_a_person_who_is_a_member_does_not_go(sync: Sync, any_database: Engine) -> None:
    _, faults = sync(person(1, "ann"), customer(2, "1", "ann"), gone(3, "person", "ann"))
    assert faults == ["3: delete.person: is a member of a customer number; take him or her off it first"]
    assert get_customer(any_database, "1")


def test_who_has_gone_before_is_no_known_person(sync: Sync, any_database: Engine) -> None:
    _, faults = sync(person(1, "ann"), gone(2, "person", "ann"), customer(3, "1", "ann"))
    assert faults == ["3: customer.members[0].person: is no known person"]
    with pytest.raises(UnknownPerson):
        get_person(any_database, "ann")


def test_what_goes_is_in_nobody_s_way(sync: Sync, any_database: Engine) -> None:
    numbers = {"other_provider_numbers": ["+32480000001"]}
    tv = {"subscriptions": [{"id": "tv", "kind": "tv"}]}
    sync(person(1, "ann", **numbers), customer(2, "1", **tv))
    _, faults = sync(
        customer(3, "2", **tv), gone(4, "customer", "1"), person(5, "ben", **numbers), gone(6, "person", "ann")
    )
    assert faults == []
    assert get_customer(any_database, "2")[0]["subscriptions"] == [{"id": "tv", "kind": "tv"}]


# as a whole or not at all


def test_a_batch_is_recorded_in_its_own_transaction(sync: Sync, any_database: Engine) -> None:
    def fail(_connection: Connection, applied: Mapping[str, int]) -> None:
        assert dict(applied) == {"person": 1}
        raise DatabaseUnavailable("away")

    with pytest.raises(DatabaseUnavailable):
        sync(person(1, "ann"), record=fail)
    assert (count(any_database), positions_of(any_database)) == (0, {})


def test_what_has_only_older_changes_is_not_recorded(sync: Sync) -> None:
    sync(person(1, "ann"))
    recorded: list[object] = []
    sync(person(1, "ann"), record=lambda _connection, applied: recorded.append(applied))
    assert recorded == []


def test_a_batch_that_meets_another_write_is_tried_again(
    sync: Sync, any_database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []

    def meet(connection: Connection, _applied: object) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            # As if somebody had added the same person a moment ago.
            connection.execute(people.insert().values(id="ann", name="A", email="a@b"))

    done, faults = sync(person(1, "ann"), record=meet)
    assert (len(attempts), done.applied.total(), faults) == (2, 1, [])


def test_two_feeds_at_once_lead_to_what_both_say(sync: Sync, any_database: Engine, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    failed: list[object] = []

    def feed(place: int) -> None:
        folders[place].mkdir()
        lines = [{**person(n, f"p{n % 50}"), "source": "crm"} for n in range(place, 2_000, 2)]
        failed.extend(syncing_into(any_database, folders[place])(*lines)[1])

    threads = [threading.Thread(target=feed, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with reading(any_database) as connection:
        newest = dict(connection.execute(select(feed_objects.c.id, feed_objects.c.sequence)).all())
    assert newest == {f"p{n}": 1_950 + n for n in range(50)}


def test_a_line_may_be_as_an_export_writes_it(sync: Sync, any_database: Engine) -> None:
    line = json.dumps({"sequence": 1, "person": {"id": "ann", "name": "Änn", "email": "a@b"}}, ensure_ascii=False)
    assert sync(line)[1] == []
    assert get_person(any_database, "ann")[0]["name"] == "Änn"
