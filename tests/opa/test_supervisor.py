"""The policy of a folder, served by an OPA that stays alive; every right edit in force, no broken one ever."""

import errno
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from authz_service.errors import ConfigurationError, InvalidPolicy, PolicyEngineUnavailable
from authz_service.fingerprint import Fingerprint, fingerprint
from authz_service.opa import edits, supervisor
from authz_service.opa.bundle import build_bundle
from authz_service.opa.engine import OpaEngine
from authz_service.opa.supervisor import PolicyStatus, SupervisedOpa, read_status
from authz_service.questions import Document
from tests.processes import freeze, is_running, processes_below, wait_until

DECISION = Path("bundle/authz/decision/decision.rego")
LIVE_WITHIN_SECONDS = 10.0
ASKERS = 4

# What no rule grants, and what is said then: before an edit, and after it.
NOTHING_GRANTS: Document = {
    "action": "view_usage",
    "channel": "app",
    "is_known_person": True,
    "resource": "customer",
    "role": "administrator",
    "customer_kind": "residential",
}
BEFORE, AFTER = "This cannot be done here.", "That is not done here."


class Running(NamedTuple):
    """A supervised OPA with its policies folder, and somebody to ask it."""

    opa: SupervisedOpa
    folder: Path
    engine: OpaEngine

    def message(self) -> str:
        [answer] = self.engine.ask([NOTHING_GRANTS]).answers
        return answer.reasons[0].message["en"]

    def says(self, message: str) -> bool:
        """Whether it answers at all, and that."""
        try:
            return self.message() == message
        except PolicyEngineUnavailable:
            return False

    def status(self) -> PolicyStatus:
        status = read_status(self.opa.status_file)
        assert status
        return status

    def kill(self) -> None:
        assert self.opa.pid
        os.kill(self.opa.pid, signal.SIGKILL)


@contextmanager
def running(opa: Path, folder: Path) -> Iterator[Running]:
    with SupervisedOpa(opa, folder) as supervised, closing(OpaEngine(supervised.url)) as engine:
        engine.ask(())
        yield Running(supervised, folder, engine)


@pytest.fixture
def folder(policies: Path, tmp_path: Path) -> Path:
    """A copy of the shipped policies."""
    return shutil.copytree(policies, tmp_path / "policies")


@pytest.fixture
def supervised(opa: Path, folder: Path) -> Iterator[Running]:
    with running(opa, folder) as supervised:
        yield supervised


def edit(folder: Path) -> None:
    rules = folder / DECISION
    rules.write_text(rules.read_text().replace(BEFORE, AFTER))


def break_(folder: Path) -> int:
    """Makes a syntax error and tells its line."""
    rules = folder / DECISION
    text = rules.read_text()
    rules.write_text(f"{text}broken :=\n")
    return text.count("\n") + 1


# at the start


@pytest.fixture(scope="module")
def steady(opa: Path, policies: Path) -> Iterator[Running]:
    """For the tests that only look."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AUTHZ_ACTIVATION_KEY", "secret")
        with running(opa, policies) as steady:
            yield steady


def test_the_policy_of_the_folder_is_in_force_at_once(steady: Running) -> None:
    assert steady.message() == BEFORE


def test_the_status_is_the_revision_in_force(steady: Running) -> None:
    status = steady.status()
    assert status.revision == steady.engine.ask(()).revision
    assert status.since.endswith("+00:00")
    assert status.rejected == ()


def test_nobody_else_may_use_the_socket_or_see_the_folder(steady: Running) -> None:
    socket = Path(steady.opa.url.removeprefix("unix://"))
    assert socket.stat().st_mode & 0o777 == 0o600
    assert socket.parent.stat().st_mode & 0o777 == 0o700


def test_opa_knows_nothing_of_the_environment(steady: Running) -> None:
    assert Path(f"/proc/{steady.opa.pid}/environ").read_bytes() == b""


def test_a_folder_may_be_named_relatively(opa: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    with running(opa, Path("policies")) as supervised:
        edit(Path("policies"))
        wait_until(lambda: supervised.message() == AFTER)


def test_a_broken_policy_is_refused_at_the_start_and_nothing_left_behind(
    opa: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    line = break_(folder)
    before, threads = processes_below(os.getpid()), threading.active_count()
    with pytest.raises(InvalidPolicy, match=f"{folder / DECISION}:{line + 1}: "), SupervisedOpa(opa, folder):
        pass
    assert list(temporary.iterdir()) == []
    assert processes_below(os.getpid()).items() <= before.items()
    assert threading.active_count() == threads


def test_an_opa_that_does_not_start_is_told_with_what_it_said(
    opa: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "opa"
    program.write_text(f'#!/bin/sh\n[ "$1" = run ] && echo no room here && exit 1\nexec {opa} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(supervisor, "_PATIENCE_SECONDS", 0.3)
    before = processes_below(os.getpid())
    with pytest.raises(ConfigurationError, match="no room here"), SupervisedOpa(program, folder):
        pass
    assert processes_below(os.getpid()).items() <= before.items()


def test_ctrl_c_on_the_terminal_of_the_service_does_not_reach_opa(steady: Running) -> None:
    assert steady.opa.pid
    assert os.getpgid(steady.opa.pid) != os.getpgrp()


# at the end


def test_nothing_is_left_behind(opa: Path, folder: Path) -> None:
    before, threads = processes_below(os.getpid()), threading.active_count()
    with running(opa, folder) as supervised:
        state = supervised.opa.status_file.parent
        pid = supervised.opa.pid
        assert pid
        assert is_running(pid)
        assert state.is_dir()
    assert not is_running(pid)
    assert processes_below(os.getpid()).items() <= before.items()
    assert not state.exists()
    assert threading.active_count() == threads
    assert read_status(supervised.opa.status_file) is None


def test_an_opa_that_hangs_is_not_left_behind(opa: Path, folder: Path) -> None:
    with running(opa, folder) as supervised:
        pid = supervised.opa.pid
        assert pid
        freeze(pid)
    assert not is_running(pid)


# OPA dies


def test_the_next_question_after_opa_was_killed_is_answered_again_and_again(supervised: Running) -> None:
    killed = []
    for _ in range(2):
        wait_until(lambda: supervised.opa.pid is not None)
        killed.append(supervised.opa.pid)
        supervised.kill()
        assert supervised.message() == BEFORE
        assert supervised.opa.pid not in killed


def test_an_opa_that_was_killed_comes_back_with_the_latest_policy(supervised: Running) -> None:
    edit(supervised.folder)
    wait_until(lambda: supervised.message() == AFTER)
    supervised.kill()
    assert supervised.message() == AFTER


def test_a_machine_without_memory_for_a_moment_gets_its_opa_back(
    supervised: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = threading.Event()

    class NoMemory(subprocess.Popen[bytes]):
        def __init__(self, *_: object, **__: object) -> None:
            refused.set()
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

        def __del__(self) -> None:
            """There was no process."""

    with monkeypatch.context() as without_memory:
        without_memory.setattr(subprocess, "Popen", NoMemory)
        supervised.kill()
        assert refused.wait(10)
    assert supervised.message() == BEFORE


# edits


class Seen(NamedTuple):
    """One verdict that an asker was given."""

    at: float
    revision: str
    message: str


@contextmanager
def asking(engine: OpaEngine) -> Iterator[list[Seen]]:
    """Threads that ask without a pause; leaving fails with the first of their errors."""
    seen: list[Seen] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            verdict = engine.ask([NOTHING_GRANTS])
            seen.append(Seen(time.monotonic(), verdict.revision, verdict.answers[0].reasons[0].message["en"]))

    with ThreadPoolExecutor(ASKERS) as threads:
        askers = [threads.submit(ask) for _ in range(ASKERS)]
        try:
            yield seen
        finally:
            done.set()
    for asker in askers:
        asker.result()


def test_a_right_edit_is_in_force_soon_and_no_question_fails_meanwhile(supervised: Running) -> None:
    before = supervised.status().revision
    with asking(supervised.engine) as seen:
        wait_until(lambda: len(seen) > ASKERS)
        edited = time.monotonic()
        edit(supervised.folder)
        wait_until(lambda: seen[-1].message == AFTER)
    wait_until(lambda: supervised.status().revision == seen[-1].revision)
    first = min(verdict.at for verdict in seen if verdict.message == AFTER)
    assert first - edited < LIVE_WITHIN_SECONDS
    assert {(verdict.revision == before, verdict.message) for verdict in seen} == {(True, BEFORE), (False, AFTER)}


def test_a_broken_edit_is_told_and_not_in_force_and_mending_it_takes_that_back(supervised: Running) -> None:
    before = supervised.status()
    right = (supervised.folder / DECISION).read_text()
    with asking(supervised.engine) as seen:
        line = break_(supervised.folder)
        wait_until(lambda: supervised.status().rejected != ())
        broken = supervised.status()
        (supervised.folder / DECISION).write_text(right)
        wait_until(lambda: supervised.status().rejected == ())
    assert broken.rejected[0].startswith(f"{supervised.folder / DECISION}:{line + 1}: ")
    assert broken[:2] == before[:2]
    assert supervised.status() == before
    assert {(verdict.revision, verdict.message) for verdict in seen} == {(before.revision, BEFORE)}


def test_a_right_edit_after_a_broken_one_is_in_force(supervised: Running) -> None:
    right = (supervised.folder / DECISION).read_text()
    break_(supervised.folder)
    wait_until(lambda: supervised.status().rejected != ())
    (supervised.folder / DECISION).write_text(right.replace(BEFORE, AFTER))
    wait_until(lambda: supervised.message() == AFTER)
    wait_until(lambda: supervised.status().rejected == ())


def test_an_edit_that_replaces_the_file_is_noticed(supervised: Running) -> None:
    rules = supervised.folder / DECISION
    written = rules.with_name(".decision.rego.new")
    written.write_text(rules.read_text().replace(BEFORE, AFTER))
    written.replace(rules)
    wait_until(lambda: supervised.message() == AFTER)


def test_a_file_that_comes_and_goes_is_noticed(supervised: Running) -> None:
    before = supervised.engine.ask(()).revision
    more = supervised.folder / "bundle" / "authz" / "more.rego"
    more.write_text("package authz.more\n\nmuch := 1\n")
    wait_until(lambda: supervised.engine.ask(()).revision != before)
    more.unlink()
    wait_until(lambda: supervised.engine.ask(()).revision == before)


def test_a_folder_that_is_replaced_is_noticed(supervised: Running, tmp_path: Path) -> None:
    other = shutil.copytree(supervised.folder, tmp_path / "other")
    edit(other)
    supervised.folder.rename(tmp_path / "before")
    other.rename(supervised.folder)
    wait_until(lambda: supervised.message() == AFTER)
    wait_until(lambda: supervised.status().rejected == ())


def test_a_link_that_is_set_to_another_folder_is_noticed(opa: Path, folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(folder, tmp_path / "other")
    edit(other)
    current = tmp_path / "current"
    current.symlink_to(folder)
    with running(opa, current) as supervised:
        assert supervised.message() == BEFORE
        link = tmp_path / ".current"
        link.symlink_to(other)
        link.replace(current)
        wait_until(lambda: supervised.message() == AFTER)


def test_an_edit_behind_a_link_is_noticed(opa: Path, folder: Path, tmp_path: Path) -> None:
    (folder / "bundle").rename(tmp_path / "bundle")
    (folder / "bundle").symlink_to(tmp_path / "bundle")
    with running(opa, folder) as supervised:
        edit(tmp_path)
        wait_until(lambda: supervised.message() == AFTER)


def test_an_edit_of_several_files_is_taken_over_as_one(supervised: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    look = fingerprint
    unedited = look([supervised.folder])
    more = supervised.folder / "bundle" / "authz" / "more.rego"
    built: list[bool] = []

    def look_while_the_author_goes_on(paths: Sequence[Path]) -> Fingerprint:
        if paths != [supervised.folder]:
            return look(paths)
        if seen[-1] != unedited:
            more.write_text("package authz.more\n\nmuch := 1\n")
        seen.append(look(paths))
        return seen[-1]

    def build(*given: Path) -> str:
        built.append(more.exists())
        return build_bundle(*given)

    seen = [unedited]
    monkeypatch.setattr(edits, "fingerprint", look_while_the_author_goes_on)
    monkeypatch.setattr(supervisor, "build_bundle", build)
    edit(supervised.folder)
    wait_until(lambda: supervised.message() == AFTER)
    assert built == [True]


def test_a_folder_that_is_gone_is_told_and_the_policy_stays_in_force(supervised: Running) -> None:
    shutil.rmtree(supervised.folder)
    wait_until(lambda: supervised.status().rejected != ())
    assert supervised.status().rejected == (f"{supervised.folder}: does not exist",)
    assert supervised.message() == BEFORE


def test_an_edit_while_opa_is_starting_is_noticed(opa: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build_and_edit(*given: Path) -> str:
        monkeypatch.undo()
        revision = build_bundle(*given)
        edit(folder)
        return revision

    monkeypatch.setattr(supervisor, "build_bundle", build_and_edit)
    with running(opa, folder) as supervised:
        wait_until(lambda: supervised.message() == AFTER)


def test_an_edit_is_in_force_though_something_else_in_the_folder_moves_all_the_time(supervised: Running) -> None:
    done = threading.Event()

    def scribble() -> None:
        while not done.wait(0.01):
            (supervised.folder / "log.txt").write_text(str(time.monotonic_ns()))

    with ThreadPoolExecutor(1) as threads:
        scribbling = threads.submit(scribble)
        try:
            edit(supervised.folder)
            wait_until(lambda: supervised.message() == AFTER)
        finally:
            done.set()
    scribbling.result()


def test_an_opa_that_hangs_is_replaced_when_there_is_an_edit(
    supervised: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_LIVE_WITHIN_SECONDS", 0.1)
    hanging = supervised.opa.pid
    assert hanging
    freeze(hanging)
    edit(supervised.folder)
    wait_until(lambda: not is_running(hanging))
    wait_until(lambda: supervised.says(AFTER))
    assert supervised.opa.pid != hanging


# a bundle instead of a folder


def test_a_bundle_that_is_replaced_is_noticed(opa: Path, folder: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.tar.gz"
    build_bundle(opa, folder, bundle)
    with running(opa, bundle) as supervised:
        assert supervised.message() == BEFORE
        edit(folder)
        build_bundle(opa, folder, bundle)
        wait_until(lambda: supervised.message() == AFTER)


def test_a_bundle_that_is_replaced_by_something_else_is_told(opa: Path, folder: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.tar.gz"
    build_bundle(opa, folder, bundle)
    with running(opa, bundle) as supervised:
        bundle.write_bytes(b"PK")
        wait_until(lambda: supervised.status().rejected != ())
        assert supervised.status().rejected[0].startswith(f"{bundle}: ")
        assert supervised.message() == BEFORE


# the status


def test_there_is_no_status_without_a_supervisor(tmp_path: Path) -> None:
    assert read_status(tmp_path / "policy.json") is None
