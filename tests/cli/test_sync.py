"""`authz-service customers sync` as an operator and a program find it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from authz_service.storage.database import connect, reading
from authz_service.storage.schema import feed_objects, journal_outbox
from tests.cli.conftest import Cli
from tests.customers.feed.conftest import written
from tests.customers.feed.logs import Line, customer, gone, option, person
from tests.processes import wait_until
from tests.services import COMMAND

LOG = [person(1, "ann"), option(2, "film"), customer(3, "1", "ann"), gone(4, "option", "film")]


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    path = tmp_path / "changes.ndjson"
    path.write_text(written(LOG))
    return path


@pytest.fixture
def url(any_database: Engine) -> str:
    return any_database.url.render_as_string(hide_password=False)


def test_what_was_done_is_told(cli: Cli, database_url: str, feed: Path) -> None:
    assert cli("customers", "sync", feed, AUTHZ_DATABASE_URL=database_url) == (
        0,
        "Applied 3 changes, skipped 1 no newer than what is stored; 0 faults.\ndefault has come to 4.\n",
        "",
    )
    assert cli("customers", "sync", feed, "--source", "default", AUTHZ_DATABASE_URL=database_url).stdout == (
        "Applied 0 changes, skipped 4 no newer than what is stored; 0 faults.\ndefault has come to 4.\n"
    )


def test_a_program_reads_it_as_json(cli: Cli, database_url: str, feed: Path) -> None:
    ran = cli("customers", "sync", feed, "--source", "crm", "--format", "json", AUTHZ_DATABASE_URL=database_url)
    assert json.loads(ran.stdout) == {
        "applied": 3,
        "people": 1,
        "options": 0,
        "customers": 1,
        "deleted": 1,
        "skipped": 1,
        "faults": 0,
        "end": "end_of_input",
        "positions": {"crm": 4},
    }


def test_a_faulty_change_stops_it_with_1_and_is_told_where_it_is(cli: Cli, database_url: str, feed: Path) -> None:
    feed.write_text(written([person(1, "ann"), customer(2, "1", "nobody"), person(3, "ben")]))
    assert cli("customers", "sync", feed, AUTHZ_DATABASE_URL=database_url) == (
        1,
        (
            "Applied 1 change, skipped 0 no newer than what is stored; 1 fault. Stopped at the fault.\n"
            "default has come to 1.\n"
        ),
        f"{feed}:2: customer.members[0].person: is no known person\n",
    )


def test_a_faulty_change_is_left_out_on_request_and_the_end_is_1_all_the_same(
    cli: Cli, database_url: str, feed: Path
) -> None:
    feed.write_text(written([person(1, "ann"), customer(2, "1", "nobody"), person(3, "ben")]))
    status, stdout, stderr = cli("customers", "sync", feed, "--on-fault", "skip", AUTHZ_DATABASE_URL=database_url)
    assert (status, stderr) == (1, f"{feed}:2: customer.members[0].person: is no known person\n")
    assert stdout.startswith("Applied 2 changes, ")


def test_roles_are_the_feed_s_on_request(cli: Cli, database_url: str, feed: Path) -> None:
    cli("customers", "sync", feed, AUTHZ_DATABASE_URL=database_url)
    feed.write_text(written([person(5, "ben"), customer(6, "1", "ben")]))
    assert cli("customers", "sync", feed, AUTHZ_DATABASE_URL=database_url).status == 1
    assert cli("customers", "sync", feed, "--roles-from-feed", AUTHZ_DATABASE_URL=database_url).status == 0


@pytest.mark.parametrize("name", ["", "two words", "-x", "a" * 65])
def test_a_source_that_is_no_name_is_refused(cli: Cli, database_url: str, feed: Path, name: str) -> None:
    ran = cli("customers", "sync", feed, f"--source={name}", AUTHZ_DATABASE_URL=database_url)
    assert (ran.status, ran.stdout) == (2, "")
    assert "must be 1 to 64 of A-Z, a-z, 0-9" in ran.stderr


@pytest.mark.parametrize(("journal", "kept"), [("strict", 1), ("off", 0)])
def test_each_batch_is_an_entry_of_counts_alone(
    cli: Cli, database_url: str, feed: Path, journal: str, kept: int
) -> None:
    cli("customers", "sync", feed, AUTHZ_DATABASE_URL=database_url, AUTHZ_JOURNAL=journal)
    database = connect(database_url)
    with reading(database) as connection:
        bodies = [json.loads(body) for body in connection.scalars(select(journal_outbox.c.body))]
    database.dispose()
    assert len(bodies) == kept
    for body in bodies:
        assert body.pop("id")
        assert body == {
            "kind": "change",
            "caller": "customers sync",
            "action": "sync",
            "people": 1,
            "customers": 1,
            "deleted": 1,
        }


# as a process of its own


@contextlib.contextmanager
def syncing(url: str, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that takes what is written to its standard input."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AUTHZ_")}
    command = [*COMMAND, "customers", "sync", *options]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environ, "AUTHZ_DATABASE_URL": url},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def give(process: "subprocess.Popen[bytes]", *lines: Line) -> None:
    assert process.stdin
    process.stdin.write(written(lines).encode())
    process.stdin.flush()


def counting(database: Engine) -> Callable[[], int]:
    def count() -> int:
        with reading(database) as connection:
            return int(connection.scalar(text("SELECT count(*) FROM people")) or 0)

    return count


def test_what_comes_through_a_pipe_is_taken_as_it_comes(any_database: Engine, url: str) -> None:
    count = counting(any_database)
    with syncing(url, "--format", "json") as process:
        give(process, person(1, "ann"))
        wait_until(lambda: count() == 1, 30)
        give(process, person(2, "ben"))
        wait_until(lambda: count() == 2, 30)
        stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (0, b"")
    assert json.loads(stdout)["applied"] == 2


def test_who_waits_is_told_when_nothing_more_comes(url: str) -> None:
    with syncing(url, "--on-fault", "skip") as process:
        give(process, customer(1, "1", "ann"))
        assert process.stderr
        assert process.stderr.readline() == (
            b"standard input:1: customer.members[0].person: is no known person; waits for what comes\n"
        )
        give(process, person(2, "ann"))
        stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (0, b"")
    assert stdout.startswith(b"Applied 2 changes, ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_after_what_has_come_and_says_where_it_is(
    any_database: Engine, url: str, number: signal.Signals
) -> None:
    count = counting(any_database)
    with syncing(url) as process:
        give(process, person(1, "ann"), person(2, "ben"))
        wait_until(lambda: count() == 2, 30)
        process.send_signal(number)
        assert process.wait(30) == 0
        assert process.stdout
        assert process.stdout.read() == (
            b"Applied 2 changes, skipped 0 no newer than what is stored; 0 faults. Ended by a signal.\n"
            b"default has come to 2.\n"
        )


def test_killed_in_the_middle_and_run_again_everything_is_there_once(
    any_database: Engine, url: str, tmp_path: Path, cli: Cli
) -> None:
    people = 30_000
    log = [person(n, f"p{n % people}", language="nl") for n in range(1, people)]
    log += [person(people + n, f"p{n}") for n in range(1, people)]
    path = tmp_path / "long.ndjson"
    path.write_text(written(log))
    count = counting(any_database)
    with syncing(url, str(path)) as process:
        wait_until(lambda: count() > 0, 60)
        process.kill()
        process.wait()
    with reading(any_database) as connection:
        position = connection.scalar(text("SELECT sequence FROM feed_sources"))
        reached = len(connection.execute(select(feed_objects)).all())
        entries = connection.scalars(select(journal_outbox.c.body)).all()
    # What is there is whole batches, each with its position and its entry.
    assert count() == position == reached == sum(json.loads(body)["people"] for body in entries)
    assert 0 < count() < people - 1
    assert cli("customers", "sync", path, AUTHZ_DATABASE_URL=url).status == 0
    with reading(any_database) as connection:
        assert set(connection.scalars(text("SELECT language FROM people"))) == {"en"}
        assert connection.scalar(text("SELECT sequence FROM feed_sources")) == 2 * people - 1
    assert count() == people - 1


def test_memory_does_not_grow_with_the_feed(tmp_path: Path) -> None:
    peaks = []
    for number in (6_000, 60_000):
        path = tmp_path / f"{number}.ndjson"
        path.write_text(written(person(n, f"p{n}") for n in range(number)))
        program = (
            "import atexit, re, sys\n"
            "from pathlib import Path\n"
            "from authz_service.cli.main import main\n"
            "peak = lambda: re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]\n"
            "atexit.register(lambda: print(peak()))\n"
            "sys.argv = ['authz-service', 'customers', 'sync', sys.argv[1]]\n"
            "main()\n"
        )
        url = f"sqlite:///{tmp_path / f'{number}.db'}"
        ran = subprocess.run(
            [sys.executable, "-c", program, path],
            stdout=subprocess.PIPE,
            check=True,
            env={**os.environ, "AUTHZ_DATABASE_URL": url, "AUTHZ_JOURNAL": "off"},
        )
        peaks.append(int(ran.stdout.split()[-1]))
    assert peaks[1] - peaks[0] < 15 * 1024, "in KiB; all changes at once would take 60 MiB"
