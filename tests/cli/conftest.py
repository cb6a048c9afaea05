import os
import signal
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest
import structlog

from authz_service.cli import main


class Run(NamedTuple):
    """What a command ended with and wrote."""

    status: int
    stdout: str
    stderr: str


Cli = Callable[..., Run]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Runs `authz-service` in this process, with no AUTHZ_ variables but those of the test."""
    for name in [name for name in os.environ if name.startswith("AUTHZ_")]:
        monkeypatch.delenv(name)

    def run(*arguments: object, **environ: object) -> Run:
        terminated, umask = signal.getsignal(signal.SIGTERM), os.umask(0o022)
        monkeypatch.setattr(sys, "argv", ["authz-service", *map(str, arguments)])
        with monkeypatch.context() as during:
            for name, value in environ.items():
                during.setenv(name, str(value))
            try:
                main()
            except SystemExit as ended:
                status = int(ended.code or 0)
            else:
                status = 0
            finally:
                structlog.reset_defaults()
                signal.signal(signal.SIGTERM, terminated)
                os.umask(umask)
        return Run(status, *capfd.readouterr())

    return run


@pytest.fixture
def database_url(tmp_path: os.PathLike[str]) -> str:
    """Where there is no database yet."""
    return f"sqlite:///{os.fspath(tmp_path)}/authz.db"
