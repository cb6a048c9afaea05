import errno
import io
import json
import logging
import re
import sys
from collections.abc import Iterator

import pytest
import structlog

from authz_service.logs import configure_logs

SECRET = "K7QF-2M9X"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def configure_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def logged(monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO) -> str:
    """What is written when something goes wrong in a function that knows a secret."""
    monkeypatch.setattr(sys, "stderr", stderr)
    configure_logs()
    log = structlog.get_logger()
    log.debug("for.developers")
    try:
        fail({"activation_code": SECRET})
    except RuntimeError as error:
        log.error("request.failed", exc_info=error, number=1)  # noqa: TRY400 - as the service logs
    return stderr.getvalue()


def fail(known: dict[str, str]) -> None:
    raise RuntimeError(str(len(known)))


def test_elsewhere_than_on_a_terminal_a_log_is_a_json_object_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    [line] = logged(monkeypatch, io.StringIO()).splitlines()
    entry = json.loads(line)
    assert (entry["event"], entry["level"], entry["number"]) == ("request.failed", "error", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", entry["timestamp"])
    assert "RuntimeError: 1" in entry["exception"]


def test_on_a_terminal_a_log_is_a_line_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = logged(monkeypatch, Terminal())
    assert "request.failed" in text
    assert "RuntimeError" in text
    assert "for.developers" not in text


@pytest.mark.parametrize("stderr", [io.StringIO, Terminal])
def test_a_traceback_shows_no_values(monkeypatch: pytest.MonkeyPatch, stderr: type[io.StringIO]) -> None:
    assert SECRET not in logged(monkeypatch, stderr())


class Full(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_a_log_that_cannot_be_written_is_no_fault_of_what_is_logged(
    monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    monkeypatch.setattr(sys, "stderr", Full())
    configure_logs()
    getattr(structlog.get_logger(), level)("something.happened")


def test_what_a_library_warns_of_is_a_line_like_every_other(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(logging, "lastResort", None)
    configure_logs()
    library = logging.getLogger("some.library")
    with structlog.contextvars.bound_contextvars(request_id="asked-1"):
        assert logging.lastResort
        logging.lastResort.handle(
            library.makeRecord("some.library", logging.WARNING, "", 0, "slow by %d s", (3,), None)
        )
    entry = json.loads(stderr.getvalue())
    assert (entry["event"], entry["level"], entry["logger"]) == ("slow by 3 s", "warning", "some.library")
    assert entry["request_id"] == "asked-1"
