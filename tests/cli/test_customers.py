import json
import re
import stat
from pathlib import Path

import pytest

from authz_service.customers.importing import LISTED_FAULTS
from tests.cli.conftest import Cli
from tests.conftest import HOUSEHOLDS, SMITH_FAMILY

FILES = sorted(HOUSEHOLDS.glob("*.yaml"))
FAULTY = """\
people:
  - {id: ann, name: Ann, email: ann@example.org}
  - {id: bob, name: Bob}
customers:
  - number: 0123
    name: Faulty
    members:
      - {person: ann, role: administrator}
      - {person: bob, role: administrator}
      - {person: nobody, role: user}
    subscriptions:
      - {id: tv-1, kind: tv, secret: K7QF-2M9X}
"""


@pytest.mark.parametrize("style", ["yaml", "ndjson"])
def test_what_was_imported_is_exported_and_imported_again_to_the_byte(cli: Cli, tmp_path: Path, style: str) -> None:
    first, second = (f"sqlite:///{tmp_path / name}.db" for name in ("first", "second"))
    stored = cli("customers", "import", *FILES, AUTHZ_DATABASE_URL=first)
    assert (stored.status, stored.stderr) == (0, "")
    assert re.fullmatch(r"Stored \d+ people, 5 options and \d+ customers\.\n", stored.stdout)
    exported = cli("customers", "export", "--format", style, AUTHZ_DATABASE_URL=first)
    assert (exported.status, exported.stderr) == (0, "")
    file = tmp_path / f"exported.{style}"
    file.write_text(exported.stdout)
    again = cli("customers", "import", file, AUTHZ_DATABASE_URL=second)
    assert again == stored
    assert cli("customers", "export", "--format", style, AUTHZ_DATABASE_URL=second) == exported


def test_no_activation_code_is_exported(cli: Cli, database_url: str) -> None:
    cli("customers", "import", SMITH_FAMILY, AUTHZ_DATABASE_URL=database_url)
    exported = cli("customers", "export", AUTHZ_DATABASE_URL=database_url).stdout
    assert "Smith family" in exported
    assert "activation" not in exported
    assert "K7QF" not in exported


def test_an_export_goes_to_the_file_that_is_named(cli: Cli, database_url: str, tmp_path: Path) -> None:
    cli("customers", "import", SMITH_FAMILY, AUTHZ_DATABASE_URL=database_url)
    file = tmp_path / "customers.ndjson"
    named = cli("customers", "export", "--format", "ndjson", "-o", file, AUTHZ_DATABASE_URL=database_url)
    assert named == (0, "", "")
    assert file.read_text() == cli("customers", "export", "--format", "ndjson", AUTHZ_DATABASE_URL=database_url).stdout
    assert [list(json.loads(line)) for line in file.read_text().splitlines()] == (
        [["person"]] * 3 + [["option"]] * 5 + [["customer"]]
    )


def test_an_export_to_where_nothing_can_be_written_is_a_sentence(cli: Cli, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "customers.yaml"
    exported = cli("customers", "export", "-o", file, AUTHZ_DATABASE_URL=database_url)
    assert exported == (1, "", f"{file}: No such file or directory.\n")


def test_a_fresh_database_is_made_and_has_nothing_to_export(cli: Cli, database_url: str, tmp_path: Path) -> None:
    assert cli("customers", "export", AUTHZ_DATABASE_URL=database_url) == (0, "", "")
    assert stat.S_IMODE((tmp_path / "authz.db").stat().st_mode) == 0o600


def test_one_of_each_is_counted_in_the_singular(cli: Cli, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "one.ndjson"
    file.write_text(
        '{"person": {"id": "ann", "name": "Ann", "email": "ann@example.org"}}\n'
        '{"option": {"id": "film", "name": "Film", "for": "tv", "price": "1.00"}}\n'
        '{"customer": {"number": "1", "name": "Ann"}}\n'
    )
    assert cli("customers", "import", file, AUTHZ_DATABASE_URL=database_url) == (
        0,
        "Stored 1 person, 1 option and 1 customer.\n",
        "",
    )


def test_a_faulty_file_ends_with_1_and_every_fault_at_its_line_and_stores_nothing(
    cli: Cli, database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "faulty.yaml"
    file.write_text(FAULTY)
    status, stdout, stderr = cli("customers", "import", SMITH_FAMILY, file, AUTHZ_DATABASE_URL=database_url)
    assert (status, stdout) == (1, "")
    assert stderr.splitlines() == [
        f"{file}:3: people[1].email: is missing",
        f"{file}:5: customers[0].number: must be a string, got a number; quote it",
        f"{file}:9: customers[0].members[1].role: a residential customer number has one administrator (ROLE-3)",
        f"{file}:10: customers[0].members[2].person: is no known person",
        f"{file}:12: customers[0].subscriptions[0].secret: unknown key; known are: id, kind",
    ]
    assert cli("customers", "export", AUTHZ_DATABASE_URL=database_url).stdout == ""


def test_the_files_of_one_import_all_have_to_be_right(cli: Cli, database_url: str, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(SMITH_FAMILY.read_text())
    status, stdout, stderr = cli("customers", "import", SMITH_FAMILY, other, AUTHZ_DATABASE_URL=database_url)
    assert (status, stdout) == (1, "")
    assert all(line.startswith(f"{other}:") and f"{SMITH_FAMILY}:" in line for line in stderr.splitlines())
    assert cli("customers", "export", AUTHZ_DATABASE_URL=database_url).stdout == ""


def test_of_very_many_faults_the_first_thousand_are_told_and_the_rest_counted(
    cli: Cli, database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "many.ndjson"
    file.write_text("[]\n" * (LISTED_FAULTS + 234))
    lines = cli("customers", "import", file, AUTHZ_DATABASE_URL=database_url).stderr.splitlines()
    assert len(lines) == LISTED_FAULTS + 1
    assert lines[-1] == "and 234 more faults"


def test_a_file_of_another_kind_is_refused_by_its_name(cli: Cli, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.touch()
    imported = cli("customers", "import", file, AUTHZ_DATABASE_URL=database_url)
    assert imported == (1, "", f"{file}: must be named *.ndjson, *.yaml, *.yml\n")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "AUTHZ_DATABASE_URL is not a URL of a database; write sqlite:///FILE or postgresql+psycopg://…"),
        (
            "sqlite:////nowhere/authz.db",
            "the database file /nowhere/authz.db cannot be opened: No such file or directory",
        ),
    ],
)
def test_a_database_that_cannot_be_used_is_a_sentence(cli: Cli, url: str, said: str) -> None:
    assert cli("customers", "export", AUTHZ_DATABASE_URL=url) == (1, "", f"{said}\n")
