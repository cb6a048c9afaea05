"""The supervised OPA: started, watched, restarted, and never left behind."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import structlog

from authz_service.opa import launch
from authz_service.opa.command import SERVER
from authz_service.opa.folder import MANIFEST

log = structlog.get_logger()

BUNDLE = "bundle.tar.gz"
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 5.0
_HEALTHY_AFTER = 10.0
_AUTHORIZATION = Path(__file__).with_name("authorization.rego")


class Child:
    """An OPA process on a Unix socket, serving the bundle in its folder and every later one put in its place.

    Args:
        opa: The program.
        folder: A folder for this OPA alone, private to the user: socket, bundle and log are in it, and the policy by
            which OPA answers the service's question and no other.
    """

    def __init__(self, opa: Path, folder: Path) -> None:
        self._opa = opa
        self._folder = folder
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        # The kernel ends OPA with the thread that started it, so that is one that lasts.
        self._thread = threading.Thread(target=self._keep_running, name="opa-child", daemon=True)
        self.bundle = folder / BUNDLE
        self.restarts = 0

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int | None:
        """The process id of the running OPA, or None."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def start(self) -> None:
        """Starts OPA; the bundle has to be in place."""
        self._put_authorization()
        self._thread.start()

    def stop(self) -> None:
        """Ends OPA and waits until it is gone; nothing happens to one that was not started."""
        self._stopping.set()
        self.restart()
        if self._thread.is_alive():
            self._thread.join()

    def restart(self) -> None:
        """Ends the running OPA, so that a new one reads the bundle afresh."""
        process = self._process
        if process:
            # It has nothing to put away, and one that hangs would not hear anything less.
            process.kill()

    def last_words(self) -> str:
        """The last line that OPA wrote."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return lines[-1] if lines else ""

    @property
    def _log(self) -> Path:
        return self._folder / "opa.log"

    @property
    def _socket(self) -> Path:
        return self._folder / "opa.sock"

    def _put_authorization(self) -> None:
        # A bundle of its own, so that no policy decides who may ask.
        package = self._folder / "authorization" / "system" / "authz"
        package.mkdir(parents=True)
        shutil.copyfile(_AUTHORIZATION, package / _AUTHORIZATION.name)
        manifest = {"roots": ["system"], "rego_version": 1}
        (self._folder / "authorization" / MANIFEST).write_text(json.dumps(manifest))

    def _keep_running(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                how = f"status {self._run()}"
            except OSError as error:
                # Out of memory or of file handles: what may have ended the OPA before, too.
                how = f"not started: {error.strerror}"
            if self._stopping.is_set():
                return
            self.restarts += 1
            pause = _FIRST_PAUSE if time.monotonic() - started > _HEALTHY_AFTER else min(pause * 2, _LONGEST_PAUSE)
            log.warning("opa.ended", how=how, restart_in_seconds=pause, said=self.last_words())
            self._stopping.wait(pause)

    def _run(self) -> int:
        with self._log.open("ab") as output:
            self._process = self._spawn(output.fileno())
        if self._stopping.is_set():
            self._process.kill()
        return self._process.wait()

    def _spawn(self, output: int) -> "subprocess.Popen[bytes]":
        launcher = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid())]
        listening = ["--addr", f"unix://{self._socket}", "--unix-socket-perm", "600", "--authorization", "basic"]
        # Whoever signed the policy: that has been verified, and nobody else can put one here.
        bundles = ["--skip-verify", "--bundle", self.bundle.name, "--bundle", "authorization"]
        return subprocess.Popen(  # noqa: S603 - our own launcher, and no shell reads the arguments
            [*launcher, str(self._opa), *SERVER, *listening, "--watch", *bundles],
            cwd=self._folder,
            env={},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C on a terminal is for the service, which ends OPA when it no longer needs it.
            process_group=0,
        )
