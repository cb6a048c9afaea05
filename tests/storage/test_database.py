import re
import stat
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Engine, Index, text
from sqlalchemy.schema import SchemaItem

from authz_service.errors import ConfigurationError, Conflict, DatabaseUnavailable
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.journal.queries import Wanted, find_decisions
from authz_service.journal.terms import (
    KnownTerms,
    are_terms_indexed,
    searched_in,
    slices_with,
    terms_of,
    wanted_terms,
)
from authz_service.storage import database, schema
from authz_service.storage.database import (
    REVISION,
    connect,
    is_current,
    reading,
    revision_of,
    sqlite_file,
    upgrade,
    writing,
)
from authz_service.storage.schema import metadata
from authz_service.words import EntryKind
from tests.conftest import TOKEN
from tests.ports import free_port
from tests.postgresql import PostgreSQL

INSERT_ANN = text("INSERT INTO people (id, name, email) VALUES ('ann', 'Ann', 'ann@example.org')")
COUNT_PEOPLE = text("SELECT count(*) FROM people")


@pytest.fixture
def unmigrated(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path / 'new.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def in_memory() -> Iterator[Engine]:
    engine = connect("sqlite://")
    yield engine
    engine.dispose()


# connecting


def test_a_new_sqlite_file_is_its_owner_s_alone(unmigrated: Engine) -> None:
    upgrade(unmigrated)
    with reading(unmigrated):
        folder = Path(str(unmigrated.url.database)).parent
        modes = {stat.S_IMODE(file.stat().st_mode) for file in folder.glob("new.db*")}
    assert modes == {0o600}


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
def test_every_sqlite_connection_is_set_up(engine: Engine, pragma: str, value: object) -> None:
    with reading(engine) as connection:
        assert connection.scalar(text(f"PRAGMA {pragma}")) == value


@pytest.mark.parametrize("url", ["", "no url", "oracle9://x", "postgresql+nothing://x"])
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="AUTHZ_DATABASE_URL"):
        connect(url)


@pytest.mark.parametrize("url", ["nothing://user:hunter2@host/database", "postgresql+psycopg://user@host:hunter2/db"])
def test_a_refused_url_keeps_its_password_to_itself(url: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        connect(url)
    assert "hunter2" not in "".join(traceback.format_exception(refusal.value))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere/a.db cannot be opened: No such file or directory"):
        connect(f"sqlite:///{tmp_path}/nowhere/a.db")


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("This is a letter, and it is long enough not to be taken for an empty file." * 9)
    engine = connect(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(DatabaseUnavailable):
        upgrade(engine)
    engine.dispose()


def test_why_a_database_cannot_be_used_is_for_operators_alone(tmp_path: Path, postgresql: PostgreSQL) -> None:
    (tmp_path / "garbage").write_text("no database " * 100)
    urls = {
        f"sqlite:///{tmp_path}/garbage": "file is not a database",
        f"{postgresql.new_database()}&user=nobody.known": 'role "nobody.known" does not exist',
        f"postgresql+psycopg://user:{TOKEN}@127.0.0.1:{free_port()}/authz": "Connection refused",
    }
    for url, why in urls.items():
        with pytest.raises(DatabaseUnavailable) as caught:
            upgrade(connect(url))
        assert str(caught.value) == "The database does not answer or cannot be used."
        assert why in caught.value.for_operators()
        assert TOKEN not in caught.value.for_operators()


def test_what_somebody_may_not_do_in_the_database_is_told(postgresql: PostgreSQL) -> None:
    url = postgresql.new_database()
    owner = connect(url)
    with writing(owner) as connection:
        connection.execute(text("CREATE ROLE reads_only LOGIN"))
    owner.dispose()
    other = connect(f"{url}&user=reads_only")
    with pytest.raises(DatabaseUnavailable) as caught:
        upgrade(other)
    other.dispose()
    assert caught.value.for_operators().endswith("It says: permission denied for schema public.")


def test_the_words_of_a_database_are_not_told_where_they_may_hold_values(postgresql: PostgreSQL) -> None:
    engine = connect(postgresql.new_database())
    with pytest.raises(DatabaseUnavailable) as caught, reading(engine) as connection:
        connection.execute(text("SELECT CAST(:value AS integer)"), {"value": "philip.smith"})
    engine.dispose()
    assert "philip" in str(caught.value.__cause__)
    assert caught.value.for_operators() == str(caught.value)


def test_the_file_of_a_sqlite_database_is_known(unmigrated: Engine, in_memory: Engine, tmp_path: Path) -> None:
    assert sqlite_file(unmigrated) == tmp_path / "new.db"
    assert sqlite_file(in_memory) is None


# transactions


def test_what_is_written_is_there_afterwards(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(INSERT_ANN)
    with reading(engine) as connection:
        assert connection.scalar(COUNT_PEOPLE) == 1


def test_an_exception_undoes_what_was_written(engine: Engine) -> None:
    def write_and_fail() -> None:
        with writing(engine) as connection:
            connection.execute(INSERT_ANN)
            raise KeyError

    with pytest.raises(KeyError):
        write_and_fail()
    with reading(engine) as connection:
        assert connection.scalar(COUNT_PEOPLE) == 0


def test_a_reader_sees_one_state_while_others_write(engine: Engine) -> None:
    with reading(engine) as reader:
        assert reader.scalar(COUNT_PEOPLE) == 0
        with writing(engine) as writer:
            writer.execute(INSERT_ANN)
        assert reader.scalar(COUNT_PEOPLE) == 0
    with reading(engine) as reader:
        assert reader.scalar(COUNT_PEOPLE) == 1


def test_writers_that_read_before_they_write_wait_for_each_other(engine: Engine) -> None:
    add_one_more = text("INSERT INTO people (id, name, email) SELECT count(*), 'a', 'a@b' FROM people")
    together = threading.Barrier(4)

    def add() -> None:
        together.wait()
        for _ in range(5):
            with writing(engine) as connection:
                connection.execute(COUNT_PEOPLE)
                connection.execute(add_one_more)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as connection:
        assert connection.scalar(COUNT_PEOPLE) == 20


def test_a_writer_kept_waiting_too_long_finds_the_database_unavailable(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_WAIT_SECONDS", 0)
    impatient = connect(engine.url.render_as_string())
    with writing(engine), pytest.raises(DatabaseUnavailable), writing(impatient):
        pytest.fail("two writers at once")
    impatient.dispose()


def test_what_the_database_s_rules_refuse_is_a_conflict_without_the_values(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(INSERT_ANN)
    with pytest.raises(Conflict) as refusal, writing(engine) as connection:
        connection.execute(INSERT_ANN)
    assert "ann" not in str(refusal.value)
    assert refusal.value.__suppress_context__


def test_a_rule_checked_at_the_end_of_the_transaction_is_a_conflict_too(smiths: Engine) -> None:
    new_holder = text("UPDATE subscriptions SET holder = 'ann.other' WHERE id = 'mobile-2001'")
    with pytest.raises(Conflict), writing(smiths) as connection:
        connection.execute(new_holder)
    with reading(smiths) as connection:
        holders = connection.scalars(text("SELECT holder FROM subscriptions WHERE holder = 'ann.other'"))
        assert holders.all() == []


def test_threads_take_turns_on_a_database_in_memory(in_memory: Engine) -> None:
    upgrade(in_memory)

    def add(name: str) -> None:
        with writing(in_memory) as connection:
            connection.execute(text("INSERT INTO people (id, name, email) VALUES (:id, 'a', 'a@b')"), {"id": name})

    threads = [threading.Thread(target=add, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(in_memory) as connection:
        assert connection.scalar(COUNT_PEOPLE) == 4


# migrations


def test_a_new_database_is_not_current_until_it_is_upgraded(unmigrated: Engine) -> None:
    assert not is_current(unmigrated)
    upgrade(unmigrated)
    assert is_current(unmigrated)


def test_upgrading_again_changes_nothing(smiths: Engine) -> None:
    upgrade(smiths)
    with reading(smiths) as connection:
        assert connection.scalar(COUNT_PEOPLE) == 3


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_the_migrated_database_is_the_one_that_the_tables_describe(engine: Engine) -> None:
    def can_be_reflected(thing: SchemaItem, name: str, *_: object) -> bool:
        # The test below has the full-text index, and those on expressions, too.
        is_on_expression = isinstance(thing, Index) and any(not isinstance(one, Column) for one in thing.expressions)
        return not (is_on_expression or name.startswith("journal_terms"))

    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"include_object": can_be_reflected})
        assert compare_metadata(context, metadata) == []


def test_the_migrated_database_has_every_constraint_that_the_tables_describe(engine: Engine, in_memory: Engine) -> None:
    with writing(in_memory) as connection:
        metadata.create_all(connection)
    assert _definitions(engine) == _definitions(in_memory)


def _definitions(engine: Engine) -> dict[str, list[str]]:
    definitions = text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'")
    with reading(engine) as connection:
        return {
            row.name: sorted(line.strip() for line in re.split("[,\n]", row.sql) if line.strip())
            for row in connection.execute(definitions)
        }


def _upgrade_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "authz_service.storage:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def test_a_program_is_not_served_whose_entries_no_search_would_find(any_database: Engine) -> None:
    # Those of PostgreSQL are found by indexes, also what a program before migration 0011 has added.
    served = {"sqlite": "0011", "postgresql": "0009"}[any_database.dialect.name]
    assert revision_of(any_database) == (REVISION, served)


def test_a_journal_from_before_its_indexes_were_others_is_found_as_before(unmigrated: Engine) -> None:
    body = '{"kind":"take_over","subject":"ann","customer":"1","action":"a","answer":"deny","revision":"r","other":{}}'
    refusal = '{"kind":"refusal","action":"GET /","status":401}'
    # Two of the same 32 ms, and one of much later.
    entries = {"0" * 26: body, f"{'0' * 25}1": refusal, f"6{'Z' * 25}": body}
    with writing(unmigrated) as connection:
        _upgrade_to(connection, "0003")
        connection.execute(text("INSERT INTO journal_chains VALUES (1, 'chain', 1, 0, 1, '')"))
        connection.execute(
            text("INSERT INTO journal_entries VALUES (:id, -1, 1, :sequence, '', :body)"),
            [{"id": one, "sequence": number, "body": body} for number, (one, body) in enumerate(entries.items())],
        )
    upgrade(unmigrated)
    of_both = [f"6{'Z' * 25}", "0" * 26]
    whole = Wanted("ann", "1", "a", "deny", revision="r", kinds=(EntryKind.TAKE_OVER,))
    for wanted, ids in (
        (whole, of_both),
        *((Wanted(**{name: getattr(whole, name)}), of_both) for name in ("subject", "customer", "action", "answer")),
        (Wanted(revision="r"), of_both),
        (Wanted(kinds=(EntryKind.TAKE_OVER,)), of_both),
        (Wanted(kinds=(EntryKind.REFUSAL,)), [f"{'0' * 25}1"]),
    ):
        assert [kept.id for kept in find_decisions(unmigrated, Pseudonyms(b"k"), wanted, 10).decisions] == ids
    with reading(unmigrated) as connection:
        terms = KnownTerms(connection)
        for entry_id, entry in entries.items():
            assert terms_of(searched_in(entry)) <= terms.of(entry_id)
        assert (terms.of(of_both[0]), are_terms_indexed(connection)) == (terms_of(searched_in(body)), True)
        slices = list(slices_with(connection, wanted_terms({"answer": ["deny"]}), "", "", newer=True))
        assert slices == [("0" * 9, 2, 1), (f"6{'Z' * 8}", 1, 1)]


def test_customer_data_from_before_rows_were_kept_with_their_keys_is_as_before(unmigrated: Engine) -> None:
    rows = {
        schema.people: ("ann", "A", "a@b", "nl", 7),
        schema.other_provider_numbers: ("+32480000001", "ann"),
        schema.options: ("o", "O", "mobile", 5, 3),
        schema.customers: ("1", "A", "residential", "digest", True, 4, 2),
        schema.members: ("1", "ann", "administrator", "residential"),
        schema.subscriptions: ("m", "1", "mobile", "+32470000001", "ann", "pay_and_go", "employer"),
    }
    with writing(unmigrated) as connection:
        _upgrade_to(connection, "0009")
        for table, row in rows.items():
            connection.execute(table.insert().values(row))
    upgrade(unmigrated)
    with reading(unmigrated) as connection:
        assert {table: tuple(connection.execute(table.select()).one()) for table in rows} == rows
    # What refers to what, too.
    with writing(unmigrated) as connection:
        connection.execute(schema.customers.delete())
        connection.execute(schema.people.delete())
        left = [table for table in rows if connection.execute(table.select()).all()]
    assert left == [schema.options]


def test_the_revision_that_is_expected_is_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "authz_service.storage:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_a_database_of_a_later_version_is_refused(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("UPDATE schema_compatibility SET oldest = '9999'"))
    assert not is_current(engine)
    with pytest.raises(ConfigurationError, match="made by a later version"):
        upgrade(engine)


def test_processes_that_start_at_once_make_one_database(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from authz_service.storage.database import connect, upgrade\n"
        "engine = connect(sys.argv[1])\n"
        "upgrade(engine)\n"
        "engine.dispose()\n"
    )
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    processes = [subprocess.Popen([sys.executable, "-c", program, url]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    engine = connect(url)
    assert is_current(engine)
    engine.dispose()


def test_an_unmigrated_database_is_unavailable_not_empty(unmigrated: Engine) -> None:
    with pytest.raises(DatabaseUnavailable), reading(unmigrated) as connection:
        connection.execute(COUNT_PEOPLE)
