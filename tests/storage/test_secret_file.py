import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from authz_service.storage.secret_file import kept_secret, new_secret


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secret.key"


def is_not_made() -> str:
    pytest.fail("it is there already")


def makes(content: str) -> Callable[[], str]:
    return lambda: content


def test_a_new_secret_is_a_line_of_256_bits_and_no_two_are_the_same() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[0-9a-f]{64}\n", secret) for secret in made)


def test_a_secret_is_made_once_and_read_from_then_on(file: Path) -> None:
    made = kept_secret(file, new_secret)
    assert file.read_text() == made
    assert kept_secret(file, is_not_made) == made


def test_it_is_its_owner_s_alone_whatever_is_usual(file: Path) -> None:
    before = os.umask(0)
    try:
        kept_secret(file, new_secret)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nothing_else_is_left_beside_it(file: Path) -> None:
    kept_secret(file, new_secret)
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_is_there_is_left_as_it_is_also_an_empty_one(file: Path) -> None:
    file.touch(mode=0o640)
    assert kept_secret(file, is_not_made) == ""
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_of_two_that_make_it_at_once_the_first_one_s_is_kept(file: Path) -> None:
    def make_second() -> str:
        kept_secret(file, makes("first\n"))
        return "second\n"

    assert kept_secret(file, make_second) == "first\n"
    assert list(file.parent.iterdir()) == [file]


def test_processes_that_need_it_at_once_agree_on_it(file: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from authz_service.storage.secret_file import kept_secret, new_secret\n"
        "print(kept_secret(Path(sys.argv[1]), new_secret), end='')\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE) for _ in range(8)]
    assert {process.communicate()[0] for process in processes} == {file.read_bytes()}


def test_what_cannot_be_made_leaves_nothing_behind(file: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        kept_secret(file, makes("\ud800"))
    assert list(file.parent.iterdir()) == []


def test_a_folder_that_is_not_there_is_an_error_of_the_system(file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        kept_secret(file.parent / "nowhere" / "secret.key", new_secret)


def test_a_file_that_is_not_ascii_is_refused(file: Path) -> None:
    file.write_bytes("clé".encode())
    with pytest.raises(ValueError, match="ascii"):
        kept_secret(file, is_not_made)
