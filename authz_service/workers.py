"""The processes that answer, forked from one that has imported what they need, so that they begin at once.

That one is Python's fork server. It is started early, imports while the rest of the service is made ready, and knows no
secret. It has one thread, so that nothing is copied in mid-step.
"""

import atexit
import gc
import os
import signal
import sys
import time
from contextlib import ExitStack, suppress
from functools import partial
from importlib import import_module
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from typing import TYPE_CHECKING

from authz_service.core_dumps import forbid_core_dumps
from authz_service.logs import configure_logs
from authz_service.opa.launch import die_with_parent
from authz_service.secret_settings import forget_secrets

if TYPE_CHECKING:
    from flask import Flask

    from authz_service.callers.following import FollowedCallers
    from authz_service.decision.protocols import Domain
    from authz_service.settings import Settings

ARE_FORKED = sys.platform == "linux"
"""Elsewhere Granian's workers share a listening socket, which could not be handed on to them."""
_IMPORTED = ("authz_service.app", "granian.server.mp", "granian.wsgi", "granian._loops", "granian._signals")
_FORK_SERVER = "from multiprocessing.forkserver import main"
# After so many more objects a process that answers looks for garbage: what waits to be written is some thousand.
_GARBAGE_OBJECTS = 10_000
_at_end = ExitStack()
_TRIES, _TRY_AGAIN_SECONDS = 50, 0.1


def prepare_workers(settings: "Settings") -> None:
    """Starts the process that workers are forked from, unless there is one. Returns at once.

    From then on no secret is in the environment of this process or of one that it starts, and none dumps its core.
    """
    forbid_core_dumps()
    # The settings have them.
    forget_secrets(os.environ)
    if not ARE_FORKED:
        return
    more = []
    if settings.database_url.startswith("postgresql"):
        more.append("authz_service.storage.postgresql")
    if settings.openid:
        more.append("authz_service.web.pages.provider")
    if settings.traces:
        more += ["authz_service.telemetry.tracing", "authz_service.web.traced"]
    forkserver.set_forkserver_preload([__name__, *more])
    # What is begun so does not heed Ctrl-C from its first moment on, and says nothing of it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)


class Worker(ForkServerProcess):
    """A worker, which is forked."""

    def run(self) -> None:
        # One that is forked ends without what is registered to be called when Python ends.
        with _at_end:
            super().run()

    def start(self) -> None:
        for _ in range(_TRIES):
            try:
                return super().start()
            except (EOFError, ConnectionError):
                # What workers are forked from was killed, and is just ending: then another one takes its place.
                time.sleep(_TRY_AGAIN_SECONDS)
        return super().start()


def load_app(settings: "Settings", callers: "FollowedCallers", domain: "Domain | None" = None) -> "Flask":
    """The app of one worker process."""
    _let_threads_finish()
    forbid_core_dumps()
    from authz_service.app import close_app, create_app  # noqa: PLC0415 - above, the process that only starts workers would import it too, for 0.3 s and 20 MiB

    configure_logs()
    app = create_app(settings, callers=callers, domain=domain, indexes_journal=False)
    # What has been answered is in the journal before the process is gone.
    _at_end.callback(close_app, app)
    atexit.register(_at_end.close)
    # All of this lives as long as the process: looking through it for garbage would hold up whoever is waiting.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE_OBJECTS)
    return app


def _let_threads_finish() -> None:
    """Has no thread of this process, nor of those that it starts, interrupted by one that has just been woken.

    One that is woken while another works needs the interpreter, which that one has, and would go to sleep again.
    """
    if sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_OTHER:
        # Where that may not be chosen, it all works as well, for more.
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _begin() -> None:
    """In the process that workers are forked from: it ends with the service, and not before it."""
    forbid_core_dumps()
    die_with_parent(os.getppid())
    # Sent to all processes at once, they would end this one first, and with it all workers in mid-answer.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    os.register_at_fork(after_in_child=partial(_begin_worker, os.getpid()))
    for name in _IMPORTED:
        import_module(name)
    gc.collect()
    # What is looked through for garbage is written to, and would be copied for each worker.
    gc.freeze()


def _begin_worker(parent: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        die_with_parent(parent)
    except SystemExit:
        # Where this is called, Python goes on after any exception.
        os._exit(1)


if any(argument.startswith(_FORK_SERVER) for argument in sys.orig_argv):
    _begin()
