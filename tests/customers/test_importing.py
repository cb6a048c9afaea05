import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text

from authz_service.customers.activation_code import FindKey, key_finder
from authz_service.customers.customer_store import get_customer
from authz_service.customers.importing import LISTED_FAULTS, Imported, import_files
from authz_service.customers.option_store import get_option
from authz_service.customers.person_store import get_person
from authz_service.customers.roles import role_of
from authz_service.errors import ConfigurationError, Conflict, InvalidFile
from authz_service.ids import new_id
from authz_service.storage.database import reading, writing
from authz_service.words import Role
from tests.conftest import SMITH_FAMILY

FILES = Path(__file__).parent / "files"
INVALID = sorted(FILES.glob("invalid/*.*son")) + sorted(FILES.glob("invalid/*.yaml"))

Import = Callable[..., Imported]


@pytest.fixture
def import_text(engine: Engine, tmp_path: Path, find_key: FindKey) -> Import:
    def import_text(*contents: str, suffix: str = ".yaml") -> Imported:
        paths = [tmp_path / f"{index}{suffix}" for index in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_text(content)
        return import_files(engine, paths, find_key)

    return import_text


def faults_of(do_import: Import, *contents: str) -> list[str]:
    with pytest.raises(InvalidFile) as refusal:
        do_import(*contents)
    return [f"{Path(fault.file).name}:{fault.line}: {fault.path}: {fault.what}" for fault in refusal.value.faults]


# what is right


def test_a_household_is_stored_whole(smiths: Engine) -> None:
    assert role_of(smiths, "123456789", "philip.smith") is Role.ADMINISTRATOR
    assert get_option(smiths, "extra-data-5gb")[0]["price"] == "5.00"
    assert get_person(smiths, "ann.other")[0]["other_provider_numbers"] == ["+32480000009"]
    customer, version = get_customer(smiths, "123456789")
    assert version == 1
    assert customer["subscriptions"] == [
        {"id": "internet-1001", "kind": "internet"},
        {"id": "mobile-2001", "kind": "mobile", "number": "+32470000001", "holder": "philip.smith"},
        {
            "id": "mobile-2002",
            "kind": "mobile",
            "number": "+32470000002",
            "holder": "mary.jones",
            "plan": "pay_and_go",
        },
        {
            "id": "mobile-2003",
            "kind": "mobile",
            "number": "+32470000003",
            "holder": "mary.jones",
            "paid_by": "employer",
        },
    ]


def test_files_refer_to_each_other_in_any_order(engine: Engine, find_key: FindKey) -> None:
    paths = [FILES / "valid" / "people_later.yaml", FILES / "valid" / "people.ndjson"]
    assert import_files(engine, paths, find_key) == Imported(people=2, options=1, customers=1)
    assert get_customer(engine, "0123")[0]["name"] == "no"
    assert role_of(engine, "0123", "a: b/c") is Role.ADMINISTRATOR


def test_members_may_be_people_that_are_stored_already(smiths: Engine, import_text: Import) -> None:
    import_text("customers: [{number: '2', name: Ann, members: [{person: ann.other, role: administrator}]}]")
    assert role_of(smiths, "2", "ann.other") is Role.ADMINISTRATOR


def test_importing_again_makes_new_versions_and_nothing_else(
    smiths: Engine, find_key: FindKey, count_rows: Callable[[], int]
) -> None:
    before, rows = get_customer(smiths, "123456789")[0], count_rows()
    import_files(smiths, [FILES / "valid" / "smith_family.yaml"], find_key)
    assert get_customer(smiths, "123456789") == (before, 2)
    assert get_person(smiths, "mary.jones")[1] == 2
    assert get_option(smiths, "extra-data-5gb")[1] == 2
    assert count_rows() == rows


def test_an_existing_customer_is_replaced_as_by_a_put(smiths: Engine, import_text: Import) -> None:
    import_text("customers: [{number: '123456789', name: S, members: [{person: philip.smith, role: administrator}]}]")
    assert get_customer(smiths, "123456789")[0] == {
        "number": "123456789",
        "name": "S",
        "members": [{"person": "philip.smith", "role": "administrator"}],
    }


def test_a_mobile_may_move_between_two_customers_of_the_files(smiths: Engine, import_text: Import) -> None:
    mary = "members: [{person: mary.jones, role: user}]"
    mobile = "{id: mobile-2002, kind: mobile, number: '+32470000002', holder: mary.jones}"
    philip = "members: [{person: philip.smith, role: administrator}]"
    import_text(
        f"customers: [{{number: '1', name: M, {mary}, subscriptions: [{mobile}]}},"
        f" {{number: '123456789', name: S, {philip}}}]"
    )
    assert "subscriptions" not in get_customer(smiths, "123456789")[0]
    assert get_customer(smiths, "1")[0]["subscriptions"] == [
        {"id": "mobile-2002", "kind": "mobile", "number": "+32470000002", "holder": "mary.jones"}
    ]


def test_a_number_of_another_provider_may_move_between_two_people_of_the_files(
    smiths: Engine, import_text: Import
) -> None:
    numbers = "other_provider_numbers: ['+32480000009']"
    import_text(
        f"people: [{{id: ann.other, name: Ann, email: a@b}}, {{id: mary.jones, name: Mary, email: m@b, {numbers}}}]"
    )
    assert "other_provider_numbers" not in get_person(smiths, "ann.other")[0]
    assert get_person(smiths, "mary.jones")[0]["other_provider_numbers"] == ["+32480000009"]


@pytest.mark.parametrize(
    ("activation", "is_used", "wrong"),
    [
        ("", True, 4),
        ("activation: {code: K7QF-2M9X, date: 2026-11-02}, ", True, 4),
        ("activation: {code: OTHER, date: 2026-11-02}, ", False, 0),
    ],
    ids=["no code", "the same code", "another code"],
)
def test_only_another_code_is_a_new_issue(
    smiths: Engine, import_text: Import, activation: str, *, is_used: bool, wrong: int
) -> None:
    with writing(smiths) as connection:
        connection.execute(text("UPDATE customers SET activation_used = true, activation_wrong = 4"))
    members = "members: [{person: philip.smith, role: administrator}]"
    import_text(f"customers: [{{number: '123456789', name: S, {activation}{members}}}]")
    with reading(smiths) as connection:
        kept = connection.execute(text("SELECT activation_used, activation_wrong FROM customers")).one()
    assert tuple(kept) == (is_used, wrong)


def test_progress_counts_the_bytes_of_all_files(engine: Engine, find_key: FindKey) -> None:
    paths = [FILES / "valid" / "people_later.yaml", FILES / "valid" / "people.ndjson"]
    sizes = [path.stat().st_size for path in paths]
    reports: list[tuple[int, int]] = []
    import_files(engine, paths, find_key, lambda done, total: reports.append((done, total)))
    assert reports == [(sizes[0], sum(sizes)), (sum(sizes), sum(sizes))]


# what is wrong


@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_every_fault_is_listed_and_nothing_stored(
    smiths: Engine,
    find_key: FindKey,
    count_rows: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
    file: Path,
) -> None:
    monkeypatch.chdir(file.parent)
    before = count_rows()
    with pytest.raises(InvalidFile) as refusal:
        import_files(smiths, [Path(file.name)], find_key)
    assert str(refusal.value).splitlines() == file.with_suffix(".faults").read_text().splitlines()
    assert count_rows() == before
    assert get_customer(smiths, "123456789")[1] == 1


def test_there_are_invalid_files() -> None:
    assert len(INVALID) == len(list(FILES.glob("invalid/*.faults"))) >= 8


def test_a_fault_in_one_file_stops_all(smiths: Engine, find_key: FindKey, count_rows: Callable[[], int]) -> None:
    before = count_rows()
    good, bad = FILES / "valid" / "people.ndjson", FILES / "invalid" / "clashes.yaml"
    with pytest.raises(InvalidFile):
        import_files(smiths, [good, bad], find_key)
    assert count_rows() == before


def test_clashes_are_found_across_files(import_text: Import) -> None:
    person = "people: [{id: ann, name: A, email: a@b}]"
    [fault] = faults_of(import_text, person, person)
    assert fault.startswith("1.yaml:1: people[0].id: is there already, first at ")
    assert fault.endswith("0.yaml:1")


def test_who_refers_to_a_record_with_a_fault_is_not_blamed(import_text: Import) -> None:
    assert faults_of(
        import_text,
        "people: [{id: ann, name: A, email: nowhere}]",
        "customers: [{number: '1', name: A, members: [{person: ann, role: user}]}]",
    ) == ["0.yaml:1: people[0].email: must be an e-mail address such as ann@example.org"]


def test_clashes_with_a_record_that_has_a_fault_are_found(import_text: Import) -> None:
    numberless = "customers: [{number: '1', subscriptions: [{id: tv, kind: tv}]}]"
    named = "customers: [{number: '2', name: A, subscriptions: [{id: tv, kind: tv}]}]"
    missing, clash = faults_of(import_text, numberless, named)
    assert missing == "0.yaml:1: customers[0].name: is missing"
    assert clash.startswith("1.yaml:1: customers[0].subscriptions[0].id: is there already, first at ")


def test_a_customer_with_a_fault_is_not_blamed_for_its_administrators_too(smiths: Engine, import_text: Import) -> None:
    boss = "members: [{person: philip.smith, role: boss}]"
    assert faults_of(import_text, f"customers: [{{number: '123456789', name: S, {boss}}}]") == [
        "0.yaml:1: customers[0].members[0].role: must be one of administrator, user"
    ]


def test_of_very_many_faults_a_bounded_number_is_listed(import_text: Import) -> None:
    lines = faults_of(import_text, "people:\n" + "- {id: a, name: A}\n" * (LISTED_FAULTS + 200))
    assert len(lines) == LISTED_FAULTS + 1
    # Each lacks an e-mail address, and all but the first are there already.
    assert lines[-1] == f":0: : and {200 + LISTED_FAULTS + 199:,} more faults"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a.txt", "must be named *.ndjson, *.yaml, *.yml"),
        ("nowhere.yaml", "cannot be read: No such file or directory"),
        ("folder.yaml", "cannot be read: Is a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_fault(
    engine: Engine, tmp_path: Path, find_key: FindKey, name: str, what: str
) -> None:
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(InvalidFile) as refusal:
        import_files(engine, [tmp_path / name], find_key)
    assert str(refusal.value) == f"{tmp_path / name}: {what}"


def test_a_code_without_a_key_stores_nothing(engine: Engine, count_rows: Callable[[], int]) -> None:
    with pytest.raises(ConfigurationError):
        import_files(engine, [FILES / "valid" / "smith_family.yaml"], key_finder("short", engine))
    assert count_rows() == 0


# at scale


def test_an_import_after_one_that_failed_starts_afresh(smiths: Engine, import_text: Import) -> None:
    faults_of(import_text, "people: [{id: ann}]")
    assert import_text("people: [{id: ann, name: A, email: a@b}]") == Imported(1, 0, 0)


def test_others_write_while_an_import_is_reading(smiths: Engine, find_key: FindKey, tmp_path: Path) -> None:
    path = tmp_path / "people.ndjson"
    person = '{"person": {"id": "%d", "name": "A", "email": "a@b"}}\n'
    path.write_text("".join(person % n for n in range(6_000)))
    written = []

    def write_too(_done: int, _total: int) -> None:
        with writing(smiths) as connection:
            connection.execute(text("UPDATE people SET name = 'Ann' WHERE id = 'ann.other'"))
        written.append(True)

    import_files(smiths, [path], find_key, write_too)
    assert len(written) == 2
    assert get_person(smiths, "ann.other")[0]["name"] == "Ann"


@pytest.fixture
def first_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes first into a database is taken for much."""
    monkeypatch.setattr("authz_service.customers.importing._FEW_ROWS", 0)


@pytest.mark.usefixtures("first_load")
def test_keys_are_made_afterwards_where_much_comes_into_an_empty_postgresql(
    on_postgresql: Engine, find_key: FindKey
) -> None:
    before = keys_of(on_postgresql)
    assert {"FOREIGN", "PRIMARY", "UNIQUE", "CREATE"} == {spelled.split()[0] for _, _, spelled in before}
    for is_first in (True, False):
        with altered_keys(on_postgresql) as altered:
            import_files(on_postgresql, [SMITH_FAMILY], find_key)
        assert len(altered) == (2 * len(before) if is_first else 0)
        assert keys_of(on_postgresql) == before
    assert role_of(on_postgresql, "123456789", "philip.smith") is Role.ADMINISTRATOR


@pytest.mark.usefixtures("first_load")
def test_an_index_that_was_set_otherwise_stays_as_it_is(on_postgresql: Engine, find_key: FindKey) -> None:
    with writing(on_postgresql) as connection:
        connection.execute(text("ALTER INDEX pk_members SET (fillfactor = 70)"))
    before = keys_of(on_postgresql)
    with altered_keys(on_postgresql) as altered:
        import_files(on_postgresql, [SMITH_FAMILY], find_key)
    assert altered
    assert not any("pk_members" in each for each in altered)
    assert keys_of(on_postgresql) == before
    with reading(on_postgresql) as connection:
        assert connection.scalar(text("SELECT reloptions FROM pg_class WHERE relname = 'pk_members'")) == [
            "fillfactor=70"
        ]


@pytest.mark.usefixtures("first_load")
@pytest.mark.parametrize(
    "wrong",
    [
        "customers: [{number: '1', name: A, kind: residential, members: [{person: nobody, role: user}]}]",
        "customers: [{number: '1', name: A, kind: residential}, {number: '1', name: B, kind: residential}]",
    ],
    ids=["refers to nobody", "is there twice"],
)
def test_what_is_wrong_is_refused_also_when_keys_are_made_afterwards(
    on_postgresql: Engine, find_key: FindKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    # As if somebody had come in between after the files were looked through.
    monkeypatch.setattr("authz_service.customers.importing.cross_faults", lambda *_: [])
    path = tmp_path / "customers.yaml"
    path.write_text(f"people: [{{id: ann, name: A, email: a@b}}]\n{wrong}")
    before = keys_of(on_postgresql)
    with pytest.raises(Conflict):
        import_files(on_postgresql, [path], find_key)
    assert keys_of(on_postgresql) == before
    with reading(on_postgresql) as connection:
        assert connection.scalar(text("SELECT count(*) FROM people")) == 0


@pytest.mark.usefixtures("first_load")
def test_who_does_not_own_the_tables_brings_much_in_as_well(on_postgresql: Engine, find_key: FindKey) -> None:
    role = f"loader_{new_id().lower()}"
    with writing(on_postgresql) as connection:
        connection.execute(text(f"CREATE ROLE {role}"))
        connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"))
    before = keys_of(on_postgresql)
    event.listen(on_postgresql, "begin", lambda connection: connection.exec_driver_sql(f"SET LOCAL ROLE {role}"))
    with altered_keys(on_postgresql) as altered:
        assert import_files(on_postgresql, [SMITH_FAMILY], find_key).customers == 1
    assert len(altered) == 1, "it is refused the first of them, and asks for no other"
    assert keys_of(on_postgresql) == before


def test_who_goes_on_reading_a_table_does_not_hold_up_what_comes_in(
    on_postgresql: Engine, find_key: FindKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authz_service.customers.importing._is_first_load", lambda _: True)
    before = keys_of(on_postgresql)
    with reading(on_postgresql) as reader:
        reader.execute(text("SELECT FROM people, other_provider_numbers, customers, members, subscriptions")).all()
        # The second time somebody has added all of it meanwhile.
        for _ in range(2):
            with altered_keys(on_postgresql) as altered:
                assert import_files(on_postgresql, [SMITH_FAMILY], find_key).customers == 1
            assert len(altered) == 1, "it waits for the first of them in vain, and for no other"
    assert keys_of(on_postgresql) == before


def keys_of(engine: Engine) -> set[tuple[str, ...]]:
    """The keys and indexes of the tables that are imported into, as PostgreSQL spells them."""
    filled = ["people", "other_provider_numbers", "customers", "members", "subscriptions"]
    spelled = text(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype IN ('f', 'p', 'u') AND conrelid::regclass::text = ANY (:filled)"
        " UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes WHERE tablename = ANY (:filled)"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)"
    )
    with reading(engine) as connection:
        return {tuple(row) for row in connection.execute(spelled, {"filled": filled})}


@contextmanager
def altered_keys(engine: Engine) -> Iterator[list[str]]:
    """The statements in the block that take away or make a key or an index of a table that stays."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        is_key = statement.startswith(("ALTER TABLE", "DROP INDEX", "CREATE INDEX", "CREATE UNIQUE INDEX"))
        if is_key and "staged" not in statement:
            found.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield found
    event.remove(engine, "before_cursor_execute", note)


def test_memory_does_not_grow_with_the_file(engine: Engine, tmp_path: Path) -> None:
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from authz_service.customers.activation_code import key_finder\n"
        "from authz_service.storage.database import connect\n"
        "from authz_service.customers.importing import import_files\n"
        "engine = connect(sys.argv[1])\n"
        "for file in sys.argv[2:]:\n"
        "    import_files(engine, [Path(file)], key_finder(None, engine))\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
        "engine.dispose()\n"
    )
    url = engine.url.render_as_string()
    files = [_many_customers(tmp_path, number) for number in (3_000, 30_000)]
    command = [sys.executable, "-c", program, url, *map(str, files)]
    few, many = map(int, subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.split())
    assert many - few < 15 * 1024, "in KiB; all rows at once would take 50 MiB"


def _many_customers(folder: Path, number: int) -> Path:
    path = folder / f"{number}.ndjson"
    customer = '{"customer": {"number": "%d", "name": "A", "subscriptions": [{"id": "s%d", "kind": "tv"}]}}\n'
    path.write_text("".join(customer % (n, n) for n in range(number)))
    return path
