"""`authz-service db`: tables and backups, as an operator finds them."""

import shutil
import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from authz_service.storage.database import REVISION, connect, reading, upgrade, writing
from tests.cli.conftest import Cli
from tests.conftest import SMITH_FAMILY
from tests.storage.migrations import take_further_step


def test_what_an_upgrade_would_do_is_told_before_it_is_done(cli: Cli, database_url: str) -> None:
    connect(database_url).dispose()
    cli("db", "check", AUTHZ_DATABASE_URL=database_url)
    status, stdout, stderr = cli("db", "check", AUTHZ_DATABASE_URL=database_url)
    assert (status, stderr) == (1, "")
    first, *steps = stdout.splitlines()
    assert first == "The tables are at nothing yet; `authz-service db upgrade` takes these steps:"
    assert [step.split(":")[0].strip() for step in steps] == [f"{n:04}" for n in range(1, int(REVISION) + 1)]
    assert cli("db", "upgrade", AUTHZ_DATABASE_URL=database_url) == (
        0,
        f"The tables are at {REVISION}; they were at nothing yet.\n",
        "",
    )
    assert cli("db", "check", AUTHZ_DATABASE_URL=database_url) == (
        0,
        f"The tables are at {REVISION}, as this version expects.\n",
        "",
    )
    assert cli("db", "upgrade", AUTHZ_DATABASE_URL=database_url).stdout == (
        f"The tables are at {REVISION}: nothing to do.\n"
    )


@pytest.mark.parametrize(
    ("serves_from", "status", "said"),
    [
        (None, 0, f"of a later version, and serve this one, which expects {REVISION}."),
        (REVISION, 0, f"of a later version, and serve this one, which expects {REVISION}."),
        ("9000", 1, "of a later version, and do not serve this one: start that version."),
    ],
)
def test_tables_of_a_later_version_are_told(
    cli: Cli, any_database: Engine, tmp_path: Path, serves_from: str | None, status: int, said: str
) -> None:
    take_further_step(any_database, tmp_path, 'op.drop_table("feed_sources")', serves_from=serves_from)
    url = any_database.url.render_as_string(hide_password=False)
    assert cli("db", "check", AUTHZ_DATABASE_URL=url) == (status, f"The tables are at 9000, {said}\n", "")


def test_a_database_that_is_not_there_is_not_made_by_looking(cli: Cli, database_url: str, tmp_path: Path) -> None:
    for command in (("check",), ("backup", tmp_path / "backup")):
        ran = cli("db", *command, AUTHZ_DATABASE_URL=database_url)
        assert (ran.status, ran.stdout) == (1, "")
        assert "does not exist yet" in ran.stderr
    assert list(tmp_path.glob("authz.db*")) == []


def test_a_backup_is_private_and_has_the_keys(cli: Cli, database_url: str, tmp_path: Path) -> None:
    cli("customers", "import", SMITH_FAMILY, AUTHZ_DATABASE_URL=database_url)
    folder = tmp_path / "backups" / "today"
    status, stdout, _ = cli("db", "backup", folder, AUTHZ_DATABASE_URL=database_url)
    assert (status, stdout.startswith("Copied 2 files, ")) == (0, True)
    assert sorted(file.name for file in folder.iterdir()) == ["authz.db", "authz.db.key"]
    assert (folder / "authz.db.key").read_bytes() == (tmp_path / "authz.db.key").read_bytes()
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    original, copy = (
        cli("customers", "export", AUTHZ_DATABASE_URL=f"sqlite:///{file}").stdout
        for file in (tmp_path / "authz.db", folder / "authz.db")
    )
    assert copy == original != ""


def test_what_is_kept_elsewhere_is_named(cli: Cli, database_url: str, tmp_path: Path) -> None:
    cli("db", "upgrade", AUTHZ_DATABASE_URL=database_url)
    ran = cli("db", "backup", tmp_path / "b", AUTHZ_DATABASE_URL=database_url, AUTHZ_JOURNAL_KEY="k" * 32)
    assert ran.stdout.splitlines()[1] == "Not in it, as they are kept elsewhere: AUTHZ_JOURNAL_KEY."


def test_a_backup_never_goes_over_another(cli: Cli, database_url: str, tmp_path: Path) -> None:
    cli("db", "upgrade", AUTHZ_DATABASE_URL=database_url)
    cli("db", "backup", tmp_path / "b", AUTHZ_DATABASE_URL=database_url)
    ran = cli("db", "backup", tmp_path / "b", AUTHZ_DATABASE_URL=database_url)
    assert (ran.status, ran.stderr) == (1, f"{tmp_path / 'b'}: is not empty; name a folder that is, or a new one.\n")


def test_postgresql_is_backed_up_by_its_own_program(cli: Cli, tmp_path: Path) -> None:
    url = "postgresql+psycopg://nobody@localhost/nothing"
    keys = {"AUTHZ_JOURNAL_FOLDER": tmp_path}
    ran = cli("db", "backup", tmp_path / "b", AUTHZ_DATABASE_URL=url, **keys)
    assert (ran.status, ran.stderr) == (
        1,
        "AUTHZ_DATABASE_URL: is not a SQLite file; back up PostgreSQL with pg_dump.\n",
    )
    assert not (tmp_path / "b").exists()


def test_the_copy_is_of_one_moment_while_others_write(cli: Cli, database_url: str, tmp_path: Path) -> None:
    database = connect(database_url)
    upgrade(database)
    is_over = threading.Event()

    def write() -> None:
        n = 0
        while not is_over.is_set():
            n += 1
            with writing(database) as connection:
                for kind in ("a", "b"):
                    connection.execute(text("INSERT INTO options VALUES (:id, 'x', 'tv', 0, 1)"), {"id": f"{kind}{n}"})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(5):
            assert cli("db", "backup", tmp_path / f"b{n}", AUTHZ_DATABASE_URL=database_url).status == 0
    finally:
        is_over.set()
        writer.join()
        database.dispose()
    for n in range(5):
        copy = connect(f"sqlite:///{tmp_path / f'b{n}' / 'authz.db'}")
        with reading(copy) as connection:
            ids = set(connection.scalars(text("SELECT id FROM options")))
        copy.dispose()
        assert {name[1:] for name in ids if name[0] == "a"} == {name[1:] for name in ids if name[0] == "b"}
        shutil.rmtree(tmp_path / f"b{n}")
    assert ids
