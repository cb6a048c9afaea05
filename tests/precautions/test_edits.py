from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from authz_service.callers.callers import new_token, token_sha256
from authz_service.callers.following import FollowedCallers
from authz_service.precautions.edits import refused_callers
from authz_service.words import Risk
from tests.processes import handed_on

GOOD, BETTER = token_sha256(new_token()), token_sha256(new_token())
GUESSED = token_sha256("password")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    path = tmp_path / "callers.yaml"
    path.touch(mode=0o600)
    write(path, GOOD)
    return path


def write(path: Path, *digests: str) -> None:
    listed = [f"{{name: caller-{n}, token_sha256: '{digest}', scopes: [audit]}}" for n, digest in enumerate(digests)]
    path.write_text(f"callers: [{', '.join(listed)}]")


def follow(path: Path, *allowed: Risk) -> FollowedCallers:
    """As a worker does, which is handed what it follows with."""
    return handed_on(FollowedCallers(path, refused=partial(refused_callers, frozenset(allowed))))


def digests(followed: FollowedCallers) -> list[str]:
    return [caller.token_sha256 for caller in followed.callers]


def test_an_edit_with_a_token_that_is_easily_guessed_is_refused_as_a_broken_one_is(file: Path) -> None:
    followed = follow(file)
    write(file, GOOD, GUESSED)
    with capture_logs() as logs:
        assert [followed.look() for _ in range(3)] == [False] * 3
    assert digests(followed) == [GOOD]
    [fault] = followed.rejected
    assert fault.startswith("AUTHZ_CALLERS: caller-1: has a token that is easily guessed; ")
    assert [(entry["event"], entry["finding"]) for entry in logs] == [("callers.edit_rejected", fault)]
    write(file, GOOD, BETTER)
    assert followed.look()
    assert (digests(followed), followed.rejected) == ([GOOD, BETTER], ())


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_an_edit_of_a_file_that_others_may_change_is_refused_until_that_is_mended(file: Path, mode: int) -> None:
    followed = follow(file)
    file.chmod(mode)
    write(file, BETTER)
    assert not followed.look()
    assert digests(followed) == [GOOD]
    [fault] = followed.rejected
    assert fault.startswith(f"AUTHZ_CALLERS: {file} may be changed by ")
    file.chmod(0o600)
    assert followed.look()
    assert (digests(followed), followed.rejected) == ([BETTER], ())


def test_a_file_or_its_folder_that_is_loosened_without_an_edit_is_told(file: Path) -> None:
    followed = follow(file)
    for place, before in ((file, 0o600), (file.parent, 0o700)):
        place.chmod(before | 0o022)
        assert not followed.look()
        [fault] = followed.rejected
        assert fault.startswith(f"AUTHZ_CALLERS: {place} may be changed by everybody ")
        place.chmod(before)
        assert not followed.look()
        assert (digests(followed), followed.rejected) == ([GOOD], ())


def test_a_risk_that_is_allowed_keeps_no_edit_back(file: Path) -> None:
    followed = follow(file, Risk.CALLERS, Risk.FILES)
    file.chmod(0o666)
    write(file, GUESSED)
    assert followed.look()
    assert (digests(followed), followed.rejected) == ([GUESSED], ())
    for allowed, kept_back in ((Risk.CALLERS, "may be changed by everybody"), (Risk.FILES, "easily guessed")):
        write(file, GOOD)
        followed = follow(file, allowed)
        write(file, GUESSED)
        assert not followed.look()
        [fault] = followed.rejected
        assert kept_back in fault
