import datetime as dt
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_mock_engine

from authz_service.customers.activation_code import digest, key_finder, matches
from authz_service.errors import ConfigurationError
from authz_service.storage.database import connect

KEY = b"k" * 32
DATE = dt.date(2026, 11, 2)


@pytest.fixture
def in_memory() -> Iterator[Engine]:
    engine = connect("sqlite://")
    yield engine
    engine.dispose()


def test_a_digest_is_hmac_sha_256_in_hex_and_holds_no_code() -> None:
    kept = digest(KEY, "123456789", "K7QF-2M9X", DATE)
    assert re.fullmatch("[0-9a-f]{64}", kept)


def test_the_right_code_with_its_date_matches() -> None:
    assert matches(KEY, digest(KEY, "1", "a", DATE), "1", "a", DATE)


@pytest.mark.parametrize(
    ("key", "number", "code", "date"),
    [
        (b"l" * 32, "1", "a", DATE),
        (KEY, "2", "a", DATE),
        (KEY, "1", "A", DATE),
        (KEY, "1", "a", dt.date(2026, 11, 3)),
    ],
    ids=["another key", "another number", "another code", "another date"],
)
def test_anything_else_does_not_match(key: bytes, number: str, code: str, date: dt.date) -> None:
    assert not matches(key, digest(KEY, "1", "a", DATE), number, code, date)


def test_no_two_questions_run_into_one() -> None:
    assert digest(KEY, "1", "23", DATE) != digest(KEY, "12", "3", DATE)
    assert digest(KEY, "1", 'a", "b', DATE) != digest(KEY, '1", "a', "b", DATE)


def test_the_setting_is_the_key(engine: Engine) -> None:
    assert key_finder("s" * 32, engine)() == b"s" * 32


def test_a_short_setting_is_refused_with_how_to_make_one(engine: Engine) -> None:
    with pytest.raises(ConfigurationError, match=r"shorter than 32 characters.*openssl rand -hex 32"):
        key_finder("short", engine)()


@pytest.mark.parametrize("setting", [None, ""])
def test_beside_a_sqlite_file_the_key_is_made_once_and_readable_by_its_owner_alone(
    engine: Engine, tmp_path: Path, setting: str | None
) -> None:
    key = key_finder(setting, engine)()
    file = tmp_path / "customers.db.key"
    assert re.fullmatch(rb"[0-9a-f]{64}", key)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert key_finder(setting, engine)() == key
    assert key_finder(file.read_text().strip(), engine)() == key, "moved into the setting it is the same key"


def test_no_key_is_made_before_it_is_needed(engine: Engine, tmp_path: Path) -> None:
    key_finder(None, engine)
    assert not (tmp_path / "customers.db.key").exists()


def test_processes_that_need_the_key_at_once_agree_on_it(engine: Engine, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from authz_service.customers.activation_code import key_finder\n"
        "from authz_service.storage.database import connect\n"
        "engine = connect(sys.argv[1])\n"
        "print(key_finder(None, engine)().decode())\n"
        "engine.dispose()\n"
    )
    url = engine.url.render_as_string()
    processes = [subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE) for _ in range(4)]
    keys = {process.communicate()[0] for process in processes}
    assert len(keys) == 1
    assert keys == {(tmp_path / "customers.db.key").read_bytes()}


def test_an_empty_key_file_is_refused_not_used(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "customers.db.key").touch()
    with pytest.raises(ConfigurationError):
        key_finder(None, engine)()


def test_a_database_in_memory_has_one_key_as_long_as_the_process_lives(in_memory: Engine) -> None:
    assert key_finder(None, in_memory)() == key_finder(None, in_memory)()


def test_another_database_needs_the_setting_and_says_so_when_it_is_needed() -> None:
    postgresql = create_mock_engine("sqlite://", lambda *_: None)
    postgresql.dialect.name = "postgresql"
    find_key = key_finder(None, postgresql)  # type: ignore[arg-type]  # a stand-in, of which the dialect is read alone
    with pytest.raises(ConfigurationError, match=r"AUTHZ_ACTIVATION_KEY is not set.*openssl rand -hex 32"):
        find_key()
