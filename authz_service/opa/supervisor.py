"""One machine's OPA: supervised, with the policy of a folder, and every right edit of it live within a second."""

import json
import math
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import structlog

from authz_service.errors import ConfigurationError, DatabaseUnavailable, Fault, InvalidPolicy, Unavailable
from authz_service.opa.bundle import build_bundle
from authz_service.opa.child import BUNDLE, Child
from authz_service.opa.edits import LOOK_EVERY_SECONDS, Edits
from authz_service.opa.engine import OpaEngine
from authz_service.opa.signed import SignedPolicies

log = structlog.get_logger()

_PATIENCE_SECONDS = 15.0
_LIVE_WITHIN_SECONDS = 2.0
_TRY_AGAIN_SECONDS = 5.0
_STATUS = "policy.json"
OPA_RESTARTS = "authz_opa_restarts"


class PolicyStatus(NamedTuple):
    """How the policy stands, as the supervisor tells every worker.

    Attributes:
        revision: The revision handed to OPA.
        since: When that was, as an ISO 8601 time in UTC.
        rejected: What is wrong with a later edit, a sentence a finding; empty when the folder is in force.
    """

    revision: str
    since: str
    rejected: tuple[str, ...]


class SupervisedOpa:
    """Starts OPA with the policy of a folder and keeps both alive. A context manager.

    Args:
        opa: The program.
        policies: A policies folder or a bundle; it is looked at again and again.
        signed: Which bundles alone are taken, at the start and later; None for whatever is there.

    Raises:
        InvalidPolicy: The policy is broken or refused at the start, so there is none to answer by.
        ConfigurationError: OPA does not start.
    """

    def __init__(self, opa: Path, policies: Path, signed: SignedPolicies | None = None) -> None:
        self._opa = opa
        self._policies = policies
        self._signed = signed
        self._try_again_at = math.inf
        self._folder = Path(tempfile.mkdtemp(prefix="authz-opa-"))
        self._stopping = threading.Event()
        self._watch = threading.Thread(target=self._follow_edits, name="policy-watch", daemon=True)
        self._child = Child(opa, self._folder)
        self._status = PolicyStatus("", "", ())
        self._edits = Edits([])

    @property
    def url(self) -> str:
        return self._child.url

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def restarts(self) -> int:
        """How often OPA has ended and been started again."""
        return self._child.restarts

    @property
    def status_file(self) -> Path:
        """What `read_status` reads, in whichever process."""
        return self._folder / _STATUS

    def __enter__(self) -> Self:
        # Before anything is read, so that an edit from here on is noticed.
        self._edits = Edits([self._policies])
        try:
            revision = self._take()
            self._child.start()
            self._wait_until_live(revision)
        except BaseException:
            self._child.stop()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._tell(PolicyStatus(revision, _now(), ()))
        self._watch.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()
        self._child.stop()
        self._watch.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait_until_live(self, revision: str) -> None:
        if not self._wait_for(revision, _PATIENCE_SECONDS):
            said = self._child.last_words() or "nothing"
            raise ConfigurationError(f"OPA does not start; the last it said: {said}")

    def _follow_edits(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_SECONDS):
            if self._edits.look() or time.monotonic() >= self._try_again_at:
                self._take_over_edit()

    def _take(self) -> str:
        if self._signed:
            return self._signed.take(self._opa, self._policies, self._child.bundle)
        return build_bundle(self._opa, self._policies, self._child.bundle)

    def _take_over_edit(self) -> None:
        self._try_again_at = math.inf
        try:
            revision = self._take()
        except InvalidPolicy as error:
            self._reject(error.faults)
        except DatabaseUnavailable as error:
            self._try_again_at = time.monotonic() + _TRY_AGAIN_SECONDS
            what = f"whether it is older than the last cannot be known: {error}"
            self._reject([Fault(what, file=str(self._policies))])
        except OSError as error:
            self._reject([Fault(f"cannot be read: {error.strerror}", file=str(self._policies))])
        else:
            if revision != self._status.revision:
                self._put_in_force(revision)
            elif self._status.rejected:
                self._tell(self._status._replace(rejected=()))

    def _reject(self, faults: Sequence[Fault]) -> None:
        for fault in faults:
            log.error("policy.edit_rejected", finding=str(fault), still_in_force=self._status.revision)
        self._tell(self._status._replace(rejected=tuple(map(str, faults))))

    def _put_in_force(self, revision: str) -> None:
        if not self._wait_for(revision, _LIVE_WITHIN_SECONDS):
            log.warning("policy.opa_is_restarted", reason="it has not taken the new bundle", revision=revision)
            self._child.restart()
        log.info("policy.handed_over", revision=revision, before=self._status.revision)
        self._tell(PolicyStatus(revision, _now(), ()))

    def _wait_for(self, revision: str, seconds: float) -> bool:
        engine = OpaEngine(self.url, timeout=0.5)
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline and not self._stopping.wait(0.02):
                try:
                    if engine.ask(()).revision == revision:
                        return True
                except Unavailable:
                    continue
        finally:
            engine.close()
        return False

    def _tell(self, status: PolicyStatus) -> None:
        self._status = status
        written = self._folder / f".{_STATUS}"
        written.write_text(json.dumps(status._asdict()))
        written.replace(self.status_file)


def read_status(status_file: Path) -> PolicyStatus | None:
    """How the policy stands, or None when no supervisor tells (any more)."""
    try:
        told = json.loads(status_file.read_text())
    except FileNotFoundError:
        return None
    return PolicyStatus(told["revision"], told["since"], tuple(told["rejected"]))


def bundle_in_force(status_file: Path) -> Path:
    """The bundle that the supervised OPA answers by."""
    return status_file.with_name(BUNDLE)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
