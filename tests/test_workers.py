"""How workers begin."""

import os
from multiprocessing import forkserver

import pytest

from authz_service import workers
from authz_service.settings import read_settings
from authz_service.workers import Worker, prepare_workers

TRIES = 3


class Forked:
    """A process that was forked, and has ended.

    Attributes:
        sentinel: As one has it.
    """

    sentinel = -1

    def poll(self) -> int:
        return 0


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception, times: int) -> None:
    """What workers are forked from is just ending, so many times in a row."""
    monkeypatch.setattr(workers, "_TRIES", TRIES)
    monkeypatch.setattr(workers, "_TRY_AGAIN_SECONDS", 0)
    left = [error] * times

    def fork(_: object) -> Forked:
        if left:
            raise left.pop()
        return Forked()

    monkeypatch.setattr(Worker, "_Popen", staticmethod(fork))


@pytest.mark.parametrize("error", [EOFError(), ConnectionRefusedError(), ConnectionResetError(), BrokenPipeError()])
def test_a_worker_is_started_again_where_what_it_is_forked_from_ends(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    failing(monkeypatch, error, TRIES)
    worker = Worker(target=print)
    worker.start()
    assert worker.sentinel == Forked.sentinel


@pytest.mark.parametrize(("error", "times"), [(EOFError(), TRIES + 1), (MemoryError(), 1)])
def test_what_does_not_pass_is_told(monkeypatch: pytest.MonkeyPatch, error: Exception, times: int) -> None:
    failing(monkeypatch, error, times)
    with pytest.raises(type(error)):
        Worker(target=print).start()


@pytest.mark.parametrize(
    ("environ", "imported"),
    [
        ({"AUTHZ_DATABASE_URL": "sqlite:///authz.db"}, []),
        ({"AUTHZ_DATABASE_URL": "postgresql+psycopg://localhost/authz"}, ["authz_service.storage.postgresql"]),
        (
            {"AUTHZ_DATABASE_URL": "sqlite:///authz.db", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"},
            ["authz_service.telemetry.tracing", "authz_service.web.traced"],
        ),
    ],
)
def test_what_the_settings_need_is_imported_before_workers_are_forked(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], imported: list[str]
) -> None:
    asked: list[list[str]] = []
    handed_on: list[bool] = []
    # Of this process, not of a service.
    monkeypatch.setattr(workers, "forbid_core_dumps", lambda: None)
    monkeypatch.setenv("AUTHZ_JOURNAL_KEY", "k" * 32)
    monkeypatch.setattr(forkserver, "set_forkserver_preload", asked.append)
    monkeypatch.setattr(forkserver, "ensure_running", lambda: handed_on.append("AUTHZ_JOURNAL_KEY" in os.environ))
    prepare_workers(read_settings(environ))
    assert handed_on == [False], "no secret is in what it starts with"
    assert asked == [["authz_service.workers", *imported]]
