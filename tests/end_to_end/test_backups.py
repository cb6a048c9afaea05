"""A backup of a service under load is put back, and nothing that was answered before it is missing."""

import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.storage.database import connect, upgrade
from tests.conftest import ROOT, SMITH_FAMILY
from tests.journals import journal_settings
from tests.postgresql import PostgreSQL
from tests.processes import wait_until
from tests.services import COMMAND, Service, environment, question, serve

ASKED = question("philip.smith", "view_bills", "customer", "123456789")


def filled(url: str) -> str:
    database = connect(url)
    upgrade(database)
    import_files(database, [SMITH_FAMILY], key_finder("k" * 32 if "postgresql" in url else None, database))
    database.dispose()
    return url


@contextmanager
def asking(service: Service) -> Iterator[list[str]]:
    """The ids of the decisions that are answered meanwhile."""
    ids: list[str] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            ids.append(service.call("POST", "/access/v1/evaluation", ASKED).headers["Decision-Id"])

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        wait_until(lambda: len(ids) > 50, 30)
        yield ids
    finally:
        is_over.set()
        thread.join()


def run(opa: Path, more: dict[str, str], *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment(opa, more), capture_output=True, text=True, check=False)


def assert_all_there(opa: Path, folder: Path, more: dict[str, str], url: str, ids: list[str]) -> None:
    """A service on what was put back finds each of the decisions, and the journal is whole."""
    with serve(opa, folder, url, more) as service:
        assert service.readiness()["journal"]["ok"] is True
        wait_until(lambda: service.call("GET", f"/v1/decisions/{ids[-1]}").status_code == 200, 30)
        assert {service.call("GET", f"/v1/decisions/{one}").status_code for one in ids[:: len(ids) // 20]} == {200}
        assert service.decide(ASKED)["decision"] is True
    verified = run(opa, {"AUTHZ_DATABASE_URL": url, **more}, "journal", "verify")
    assert (verified.returncode, verified.stderr) == (0, ""), verified.stdout


def test_sqlite_is_backed_up_by_the_command_while_it_is_used(opa: Path, tmp_path: Path) -> None:
    url = filled(f"sqlite:///{tmp_path / 'authz.db'}")
    with serve(opa, tmp_path / "service", url, {"AUTHZ_WORKERS": "2"}) as service, asking(service) as ids:
        before = list(ids)
        made = run(opa, {"AUTHZ_DATABASE_URL": url}, "db", "backup", tmp_path / "backup")
        assert (made.returncode, made.stderr) == (0, "")
        # What was answered since is in no backup.
        wait_until(lambda: len(ids) > len(before) + 20, 30)
    # Put back as the page says, over what is there.
    (tmp_path / "before").mkdir()
    for path in tmp_path.glob("authz.db*"):
        path.rename(tmp_path / "before" / path.name)
    shutil.copytree(tmp_path / "backup", tmp_path, dirs_exist_ok=True)
    found = run(opa, {"AUTHZ_DATABASE_URL": url}, "doctor", "--format", "json").stdout
    assert "different backups" not in found
    assert_all_there(opa, tmp_path / "again", {}, url, before)


def test_postgresql_is_backed_up_by_its_own_programs_and_then_the_files(
    opa: Path, postgresql: PostgreSQL, tmp_path: Path
) -> None:
    url = filled(postgresql.new_database())
    kept = journal_settings(tmp_path)
    more = {
        "AUTHZ_ACTIVATION_KEY": secrets.token_hex(32),
        "AUTHZ_JOURNAL_FOLDER": str(kept["journal_folder"]),
        "AUTHZ_JOURNAL_KEY": secrets.token_hex(32),
        "AUTHZ_JOURNAL_SIGNING_KEY": str(kept["journal_signing_key"]),
    }
    kept["journal_signing_key"].chmod(0o600)
    dump = tmp_path / "authz.dump"
    with serve(opa, tmp_path / "service", url, more) as service, asking(service) as ids:
        before = list(ids)
        postgresql.run("pg_dump", "--format=custom", f"--file={dump}", f"--dbname={url.replace('+psycopg', '')}")
        shutil.copytree(kept["journal_folder"], tmp_path / "backup")
        wait_until(lambda: len(ids) > len(before) + 20, 30)
    restored = postgresql.new_database()
    postgresql.run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={restored.replace('+psycopg', '')}", dump)
    more["AUTHZ_JOURNAL_FOLDER"] = str(tmp_path / "backup")
    assert_all_there(opa, tmp_path / "again", more, restored, before)


@pytest.fixture
def used(opa: Path, tmp_path: Path) -> str:
    """A database and a journal that were used."""
    url = filled(f"sqlite:///{tmp_path / 'authz.db'}")
    with serve(opa, tmp_path / "service", url) as service, asking(service):
        pass
    return url


def longest_segment(folder: Path) -> Path:
    return max((folder / "authz.db.journal").glob("*/*.journal"), key=lambda segment: segment.stat().st_size)


def test_files_older_than_the_database_are_told_by_doctor_and_readiness(opa: Path, tmp_path: Path) -> None:
    url = filled(f"sqlite:///{tmp_path / 'authz.db'}")
    with serve(opa, tmp_path / "service", url) as service:
        with asking(service):
            pass
        wait_until(lambda: service.readiness()["journal"]["behind_bytes"] == 0)
        segment = longest_segment(tmp_path)
        os.truncate(segment, segment.read_bytes().rfind(b"\n", 0, segment.stat().st_size // 2) + 1)
        assert service.call("GET", "/readyz").status_code == 503
        assert "its files end before" in service.readiness()["journal"]["detail"]
    looked = run(opa, {"AUTHZ_DATABASE_URL": url}, "doctor")
    assert looked.returncode == 1
    assert f"{segment.parent}: its files end before what the database has read of them. Files and" in looked.stdout


def test_the_chain_moved_aside_a_new_one_is_begun_and_searched(opa: Path, used: str, tmp_path: Path) -> None:
    segment = longest_segment(tmp_path)
    segment.rename(segment.with_name("00000009.journal"))
    looked = run(opa, {"AUTHZ_DATABASE_URL": used}, "doctor")
    assert "segment 00000001 is gone, and what comes after it cannot be searched" in looked.stdout
    segment.parent.rename(tmp_path / "aside")
    with serve(opa, tmp_path / "again", used) as service:
        assert service.call("GET", "/readyz").status_code == 200
        asked = service.call("POST", "/access/v1/evaluation", ASKED).headers["Decision-Id"]
        wait_until(lambda: service.call("GET", f"/v1/decisions/{asked}").status_code == 200)
