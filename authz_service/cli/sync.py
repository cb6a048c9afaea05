"""`authz-service customers sync`: follows a feed of changes."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Self

import click
import structlog

from authz_service.cli.counted import counted
from authz_service.cli.database import configured_database, recording_feeds
from authz_service.cli.progress import progress
from authz_service.customers.activation_code import key_finder
from authz_service.customers.feed import syncing
from authz_service.customers.feed.batch import DELETED
from authz_service.customers.feed.changes import SOURCE, SOURCE_SENTENCE
from authz_service.customers.feed.positions import positions_of
from authz_service.customers.feed.syncing import End, Ended, Followers, Input, Synced
from authz_service.customers.record import LIST_OF

log = structlog.get_logger()

_STANDARD_INPUT = "-"
_LOG_EVERY_SECONDS = 10.0


def _source(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not SOURCE.fullmatch(value):
        raise click.BadParameter(SOURCE_SENTENCE)
    return value


@click.command(
    short_help="Take the changes that another system tells, and go on where they were left.",
    epilog="""\b
Examples:
  authz-service customers sync changes.ndjson
  tail -n +1 -F changes.ndjson | authz-service customers sync --source crm
  authz-service customers sync --on-fault skip --format json < changes.ndjson
""",
)
@click.argument(
    "file", default=_STANDARD_INPUT, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
@click.option(
    "--source", default="default", show_default=True, callback=_source, help="Whose sequence lines without one are in."
)
@click.option(
    "--on-fault",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    show_default=True,
    help="Take nothing from a faulty change on, or leave it out.",
)
@click.option("--roles-from-feed", is_flag=True, help="Let the feed change who is administrator of a customer number.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def sync(file: Path, source: str, on_fault: str, *, roles_from_feed: bool, style: str) -> None:
    """Take changes of people, options and customers, a line of NDJSON each, from FILE or standard input.

    A change that is older than what is stored is skipped, so that lines may come again and in any order. What a source
    "has come to" is its highest sequence so far: go on from there only if its lines come in the order of their
    sequences, and send again what was refused. Exit 1 if a change was faulty.
    """
    is_input = str(file) == _STANDARD_INPUT
    name = "standard input" if is_input else str(file)
    with configured_database() as (settings, database), _opened(file, is_input=is_input) as descriptor:
        ending = _Ending()
        with progress(f"Taking changes of {name}") as on_progress:
            followers = Followers(
                on_fault=lambda fault: click.secho(str(fault), fg="red", err=True),
                on_waiting=lambda fault: click.echo(f"{fault}; waits for what comes", err=True),
                on_progress=_telling(on_progress, os.fstat(descriptor).st_size),
                record=recording_feeds(settings),
                unbroken=ending.unbroken,
            )
            given = Input(descriptor, name, source)
            find_key = key_finder(settings.activation_key, database)
            stops = on_fault == "stop"
            try:
                with ending:
                    done = syncing.sync(
                        database, given, find_key, followers, stops=stops, has_authority=roles_from_feed
                    )
            except Ended:
                done = Synced(end=End.SIGNAL)
        positions = positions_of(database)
    click.echo(_as_json(done, positions) if style == "json" else _as_text(done, positions))
    sys.exit(1 if done.faults else 0)


class _Ending:
    """SIGTERM and Ctrl-C end the work while the block lasts, but for what is unbroken: that is done before."""

    def __init__(self) -> None:
        self._is_asked = self._is_unbroken = False

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def unbroken(self) -> Iterator[None]:
        self._is_unbroken = True
        try:
            yield
        finally:
            self._is_unbroken = False
        if self._is_asked:
            raise Ended

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        # Once is enough: a second one would break off what the first has let end.
        is_first, self._is_asked = not self._is_asked, True
        if is_first and not self._is_unbroken:
            raise Ended


@contextmanager
def _opened(file: Path, *, is_input: bool) -> Iterator[int]:
    descriptor = os.dup(sys.stdin.fileno()) if is_input else os.open(file, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _telling(on_progress: Callable[[int, int], None], total: int) -> Callable[[int, Synced], None]:
    """On a terminal a bar, elsewhere a line in the log now and then."""
    last = time.monotonic()

    def tell(bytes_read: int, done: Synced) -> None:
        nonlocal last
        on_progress(bytes_read, total)
        if not sys.stderr.isatty() and time.monotonic() > last + _LOG_EVERY_SECONDS:
            last = time.monotonic()
            log.info("feed.goes_on", applied=done.applied.total(), skipped=done.skipped, faults=done.faults)

    return tell


def _as_json(done: Synced, positions: dict[str, int]) -> str:
    by_kind = {name: done.applied[kind] for kind, name in (*LIST_OF.items(), (DELETED, DELETED))}
    said = {
        "applied": done.applied.total(),
        **by_kind,
        "skipped": done.skipped,
        "faults": done.faults,
        "end": done.end,
        "positions": positions,
    }
    return json.dumps(said)


def _as_text(done: Synced, positions: dict[str, int]) -> str:
    applied = counted(done.applied.total(), "change", "changes")
    faults = counted(done.faults, "fault", "faults")
    ended = {End.INPUT: "", End.FAULT: " Stopped at the fault.", End.SIGNAL: " Ended by a signal."}[done.end]
    return "\n".join(
        [
            f"Applied {applied}, skipped {done.skipped:,} no newer than what is stored; {faults}.{ended}",
            *(f"{source} has come to {sequence}." for source, sequence in positions.items()),
        ]
    )
