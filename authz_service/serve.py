"""Runs the service on this machine: database ready, OPA at hand, worker processes answering."""

import multiprocessing
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import requests
import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer, WorkerProcess
from sqlalchemy import Engine

from authz_service.administrators.mail_server import MailServer, SmtpServer
from authz_service.administrators.message import domain_of
from authz_service.administrators.worker import LetterWorker
from authz_service.callers.callers import Caller
from authz_service.callers.following import FollowedCallers
from authz_service.decision.protocols import Domain
from authz_service.errors import ConfigurationError, InvalidPolicy
from authz_service.journal.journal import open_journal
from authz_service.journal.worker import IndexWorker
from authz_service.opa.binary import find_opa, project_tool_folder
from authz_service.opa.signed import SignedPolicies
from authz_service.opa.signing import read_public_key
from authz_service.opa.supervisor import OPA_RESTARTS, SupervisedOpa
from authz_service.precautions.edits import refused_callers
from authz_service.settings import Settings
from authz_service.storage.database import connect, upgrade
from authz_service.telemetry.tally import Tally
from authz_service.watch import Watch
from authz_service.web.signed_metadata import read_signing_key
from authz_service.workers import ARE_FORKED, Worker, load_app, prepare_workers

if TYPE_CHECKING:
    from flask import Flask

log = structlog.get_logger()

THREADS = 8
HEAD_SECONDS = 30
# What is read at once: a head that is larger is refused, a body comes in parts.
HEAD_BYTES = 64 * 1024
_UNNAMED_SENDER = "no-reply@localhost.localdomain"
SHUTDOWN_SECONDS = 10
_ASK_EVERY_SECONDS = 0.05


def serve(
    settings: Settings,
    callers: list[Caller],
    address: tuple[str, int],
    on_ready: Callable[[], None],
    mail_server: MailServer | None = None,
    domain: Domain | None = None,
) -> None:
    """Answers until SIGTERM or SIGINT, and leaves no process behind.

    Args:
        settings: Where its `opa_url` is None, an OPA is supervised here.
        callers: Who may call, beside those of the file in the settings.
        address: Host and port to listen on.
        on_ready: Called once, when the service can decide.
        mail_server: What takes the letters where the settings name no mail server; without, they wait.
        domain: What is asked about, picklable as each worker has its own; without, the customer zone.

    Raises:
        ConfigurationError: The service cannot start.
        InvalidPolicy: The policy to start with is broken.
    """
    prepare_workers(settings)
    host, port = address
    followed = FollowedCallers(settings.callers, callers, partial(refused_callers, settings.allow_insecure))
    host = _numeric(host, port)
    if settings.metadata_key is not None:
        read_signing_key(settings.metadata_key)  # refuses now what no worker could sign with
    key = read_public_key(settings.bundle_verification_key) if settings.bundle_verification_key else None
    database = connect(settings.database_url)
    with ExitStack() as started:
        started.callback(database.dispose)
        upgrade(database)
        settings = settings.with_shared(Path(started.enter_context(TemporaryDirectory(prefix="authz-shared-"))))
        tally = started.enter_context(closing(Tally(settings.shared)))
        if settings.opa_url is None:
            opa = find_opa(os.environ, project_tool_folder())
            signed = SignedPolicies(key, database) if key else None
            supervised = started.enter_context(SupervisedOpa(opa, settings.policies, signed))
            settings = settings.with_opa(supervised.url, supervised.status_file)
            tally.gauge(lambda: supervised.restarts, OPA_RESTARTS)
        if settings.shadow_policies is not None:
            settings = _with_shadow(settings, settings.shadow_policies, started)
        # Followed here too, so that a worker that takes another's place begins with what is in force.
        started.enter_context(Watch(followed.look, tally.tell))
        started.enter_context(_sending_letters(settings, database, mail_server))
        started.enter_context(_indexing_journal(settings, database, tally))
        stopping = threading.Event()
        started.callback(stopping.set)
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}/readyz"
        threading.Thread(target=_tell_when_ready, args=(url, stopping, on_ready), daemon=True).start()
        _run_workers(partial(load_app, settings, followed, domain), settings.workers, host, port)


def _with_shadow(settings: Settings, policies: Path, started: ExitStack) -> Settings:
    """The settings with the OPA of the shadow policy; without one, where that is broken, as it is to have no effect."""
    opa = find_opa(os.environ, project_tool_folder())
    try:
        supervised = started.enter_context(SupervisedOpa(opa, policies))
    except (InvalidPolicy, ConfigurationError) as error:
        log.error("shadow_policy.not_started", reason=str(error))  # noqa: TRY400 - the author's fault, not the code's
        return settings
    return settings.with_shadow(supervised.url, supervised.status_file)


@contextmanager
def _indexing_journal(settings: Settings, database: Engine, tally: Tally) -> Iterator[None]:
    """Brings what all processes here keep to where it is searched, while the block lasts."""
    with closing(open_journal(settings, database, tally)) as journal:
        if journal.folder is None or journal.writer is None:
            yield
            return
        index = connect(settings.database_url, writes_much=True)
        worker = IndexWorker(index, journal.folder, journal.writer)
        worker.start()
        try:
            yield
        finally:
            worker.stop()
            index.dispose()


@contextmanager
def _sending_letters(settings: Settings, database: Engine, mail_server: MailServer | None) -> Iterator[None]:
    """Sends letters as they become due, while the block lasts."""
    if settings.smtp_url is not None:
        mail_server = SmtpServer(settings.smtp_url)
    if mail_server is None:
        log.warning("letters.not_sent_here", reason="AUTHZ_SMTP_URL is not set; letters wait in the outbox")
        yield
        return
    sender = settings.mail_from or _UNNAMED_SENDER
    domain_of(sender)  # refuses now what no letter could be from
    worker = LetterWorker(database, mail_server, sender)
    worker.start()
    try:
        yield
    finally:
        worker.stop()


class _Server(MPServer):
    """Granian, whose workers are forked on Linux, instead of started as programs of their own."""

    def _spawn_worker(self, idx: int, target: object, callback_loader: object, *more: object) -> WorkerProcess:
        worker = super()._spawn_worker(idx, target, callback_loader, *more)
        if ARE_FORKED:
            # It is still to be started, and knows no other way than the one of its class.
            worker.inner.__class__ = Worker
        return worker


def _run_workers(load: "Callable[[], Flask]", workers: int, host: str, port: int) -> None:
    # Where they are not forked from a process with one thread: this one has several, which would be copied in mid-step.
    multiprocessing.set_start_method("spawn", force=True)
    server = _Server(
        "authz_service.workers:load_app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_SECONDS * 1000, max_buffer_size=HEAD_BYTES),
        workers=workers,
        blocking_threads=THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=SHUTDOWN_SECONDS,
        log_level=LogLevels.error,
    )
    server.serve(target_loader=load, wrap_loader=False)


def _numeric(host: str, port: int) -> str:
    """The host's IP address, which is what the server takes, once it is sure that nobody listens there."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with closing(socket.socket(family, kind, protocol)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on: {error.strerror}. Choose another with --port."
        ) from error
    return str(address[0])


def _tell_when_ready(url: str, stopping: threading.Event, on_ready: Callable[[], None]) -> None:
    with requests.Session() as session:
        session.trust_env = False
        while not stopping.wait(_ASK_EVERY_SECONDS):
            try:
                if session.get(url, timeout=2).status_code == HTTPStatus.OK:
                    on_ready()
                    return
            except requests.RequestException:
                continue
