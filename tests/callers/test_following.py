import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from authz_service.callers.callers import Caller, token_sha256
from authz_service.callers.following import FollowedCallers
from authz_service.errors import ConfigurationError
from authz_service.words import Scope
from tests.processes import handed_on

DEMO = Caller("demo", token_sha256("demo"), frozenset(Scope))
LONG_AGO = 1_000_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "callers.yaml"
    write(path, "first")
    return path


def write(path: Path, *names: str) -> None:
    """A file with callers of these names, whose tokens they are."""
    listed = [f"{{name: {name}, token_sha256: '{token_sha256(name)}', scopes: [decide]}}" for name in names]
    path.write_text(f"callers: [{', '.join(listed)}]")


def names(followed: FollowedCallers) -> list[str]:
    return [caller.name for caller in followed.callers]


def test_an_edit_is_taken_over_and_what_is_the_same_is_no_change(file: Path) -> None:
    followed = FollowedCallers(file, [DEMO])
    assert names(followed) == ["demo", "first"]
    assert not followed.look()
    write(file, "first", "second")
    assert followed.look()
    assert names(followed) == ["demo", "first", "second"]
    file.touch()
    assert not followed.look()
    write(file, "second")
    assert followed.look()
    assert names(followed) == ["demo", "second"]


def test_an_edit_of_the_same_length_within_a_tick_of_the_clock_is_seen(file: Path) -> None:
    followed = FollowedCallers(file)
    state = file.stat()
    write(file, "other")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert followed.look()
    assert names(followed) == ["other"]


def test_a_file_that_has_not_changed_for_long_is_not_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(file, (LONG_AGO, LONG_AGO))
    followed = FollowedCallers(file)
    monkeypatch.setattr(
        "authz_service.callers.following.read_callers", lambda _: pytest.fail("It is read though nothing has changed.")
    )
    assert not followed.look()


def test_another_file_in_its_place_is_seen_however_old_it_is(file: Path, tmp_path: Path) -> None:
    os.utime(file, (LONG_AGO, LONG_AGO))
    followed = FollowedCallers(file)
    other = tmp_path / "other.yaml"
    write(other, "other")
    os.utime(other, (LONG_AGO, LONG_AGO))
    other.replace(file)
    assert followed.look()
    assert names(followed) == ["other"]


@pytest.mark.parametrize("text", ["callers: [", "callers: []", "callers: [{name: first, token: hunter2}]", None])
def test_a_broken_edit_leaves_the_callers_as_they_are_and_is_told_once(file: Path, text: str | None) -> None:
    followed = FollowedCallers(file)
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    with capture_logs() as logs:
        for _ in range(3):
            assert not followed.look()
    assert names(followed) == ["first"]
    assert [log["event"] for log in logs] == ["callers.edit_rejected"]
    [fault] = followed.rejected
    assert fault.startswith(f"AUTHZ_CALLERS: {file}: ")
    assert "hunter2" not in f"{logs} {followed.rejected}"
    write(file, "first")
    assert not followed.look()
    assert followed.rejected == ()
    write(file, "second")
    assert followed.look()


def test_a_file_that_is_broken_at_the_start_is_refused(file: Path) -> None:
    file.write_text("callers: []")
    with pytest.raises(ConfigurationError):
        FollowedCallers(file)


def test_without_a_file_there_is_nothing_to_follow() -> None:
    followed = FollowedCallers(None, [DEMO])
    assert not followed.look()
    assert followed.callers == [DEMO]


def test_another_process_goes_on_from_what_is_in_force(file: Path) -> None:
    followed = FollowedCallers(file, [DEMO])
    write(file, "second")
    followed.look()
    file.write_text("broken")
    followed.look()
    there = handed_on(followed)
    assert names(there) == ["demo", "second"]
    assert there.rejected == followed.rejected
    write(file, "third")
    assert there.look()
    assert names(there) == ["demo", "third"]
