"""Every count is told once, whichever process is asked, and outlives the process that has counted."""

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from authz_service.telemetry.tally import Key, Tally
from tests.clock import Clock
from tests.conftest import ROOT
from tests.processes import wait_until

COUNTS_AND_WAITS = """
import sys, time
from pathlib import Path
from authz_service.telemetry.tally import Tally
tally = Tally(Path(sys.argv[1]))
tally.gauge(lambda: 5.0, "gauge")
for _ in range(3):
    tally.count("counted", "here")
tally.histogram([1.0], "took").observe(0.5)
tally.tell()
print("told", flush=True)
time.sleep(60)
"""


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def tally_in(folder: Path | None, opened: ExitStack, clock: Clock | None = None) -> Tally:
    made = Tally(folder, clock or Clock())
    opened.callback(made.close)
    return made


def counting_process(folder: Path) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen([sys.executable, "-c", COUNTS_AND_WAITS, str(folder)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"told\n"
    return process


def test_one_process_alone_needs_no_folder(opened: ExitStack) -> None:
    tally = tally_in(None, opened)
    tally.count("counted", "a", number=2)
    tally.gauge(lambda: 3.0, "gauge")
    tally.histogram([1.0, 2.0], "took").observe(1.5)
    totals = tally.totals()
    assert totals.counts == {("counted", "a"): 2}
    assert totals.gauge("gauge") == [3.0]
    assert totals.histograms["took",].buckets == [0, 1, 0]


def test_whichever_process_is_asked_tells_of_all(tmp_path: Path, opened: ExitStack) -> None:
    clock = Clock()
    first, second = (tally_in(tmp_path, opened, clock) for _ in range(2))
    for number, tally in enumerate((first, second), 1):
        tally.count("counted", number=number)
        tally.histogram([1.0], "took").observe(number / 2)
        tally.gauge(lambda number=number: number, "gauge")  # type: ignore[misc]  # bound here
        tally.tell()
    for tally in (first, second):
        totals = tally.totals()
        assert totals.counts["counted",] == 3
        assert (totals.histograms["took",].buckets, totals.histograms["took",].total) == ([2, 0], 1.5)
        assert sorted(totals.gauge("gauge")) == [1, 2]


def test_a_process_that_is_killed_leaves_its_counts_and_takes_its_gauges_with_it(
    tmp_path: Path, opened: ExitStack
) -> None:
    asked = Tally(tmp_path)
    opened.callback(asked.close)
    with counting_process(tmp_path) as process:
        assert asked.totals().gauge("gauge") == [5.0]
        process.kill()
    assert asked.totals().counts["counted", "here"] == 3
    wait_until(lambda: asked.totals().gauge("gauge") == [], 10)
    assert asked.totals().counts["counted", "here"] == 3
    assert asked.totals().histograms["took",].buckets == [1, 0]


def test_who_takes_the_place_of_a_killed_process_goes_on_counting_in_its_file(tmp_path: Path) -> None:
    for _ in range(4):
        with counting_process(tmp_path) as process:
            process.send_signal(signal.SIGKILL)
    [file] = tmp_path.iterdir()
    with ExitStack() as opened:
        totals = tally_in(tmp_path, opened).totals()
    assert totals.counts == {("counted", "here"): 12}
    assert totals.histograms["took",].buckets == [4, 0]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_process_that_ends_well_leaves_its_counts_and_no_gauge(tmp_path: Path, opened: ExitStack) -> None:
    clock = Clock()
    asked, other = tally_in(tmp_path, opened, clock), Tally(tmp_path, clock)
    other.count("counted")
    other.gauge(lambda: 1.0, "gauge")
    other.tell()
    assert asked.totals().gauge("gauge") == [1.0]
    other.close()
    assert asked.totals().gauge("gauge") == []
    assert asked.totals().counts["counted",] == 1


@pytest.mark.parametrize("left", [0, 5, 20, 40])
def test_what_a_process_was_killed_in_the_middle_of_telling_is_told_as_it_was_before(
    tmp_path: Path, opened: ExitStack, left: int
) -> None:
    other, asked = tally_in(tmp_path, opened), tally_in(tmp_path, opened)
    for _ in range(2):
        other.count("counted")
        other.tell()
    assert asked.totals().counts["counted",] == 2
    [path] = [path for path in tmp_path.iterdir() if b'"counted",2]' in path.read_bytes()]
    content = path.read_bytes()
    newest = content.rindex(b"\0") + 1
    # As it is where the disk, or the kernel, had got so far.
    path.write_bytes(content[: newest + left] + bytes(len(content) - newest - left))
    assert asked.totals().counts["counted",] == 1


def test_of_what_is_told_one_whole_state_is_there_at_any_moment(tmp_path: Path, opened: ExitStack) -> None:
    asked, telling = tally_in(tmp_path, opened), tally_in(tmp_path, opened)
    is_over = threading.Event()

    def tell() -> None:
        while not is_over.is_set():
            for name in ("a", "b"):
                telling.count(name)
            telling.count("big" * 100, "x" * 5_000)
            telling.tell()

    thread = threading.Thread(target=tell)
    thread.start()
    try:
        seen = [asked.totals().counts for _ in range(300)]
    finally:
        is_over.set()
        thread.join()
    assert [counts["a",] for counts in seen] == sorted(counts["a",] for counts in seen)
    assert seen[-1]["a",] > 0
    assert {counts["a",] - counts["b",] for counts in seen} <= {0}


def test_what_has_been_noted_is_asked_for_each_time_and_counted_once(opened: ExitStack) -> None:
    tally = tally_in(None, opened)
    noted = [1, 1, 1]

    def settle(counts: Counter[Key]) -> bool:
        counts["settled",] += len(noted)
        noted.clear()
        return True

    tally.settles(settle)
    assert tally.totals().counts["settled",] == 3
    assert tally.totals().counts["settled",] == 3


def test_nothing_is_written_while_nothing_changes_but_that_the_process_is_there(
    tmp_path: Path, opened: ExitStack
) -> None:
    clock = Clock()
    tally = tally_in(tmp_path, opened, clock)
    tally.count("counted")
    tally.tell()
    [file] = tmp_path.iterdir()
    told = file.read_bytes()
    clock.now += 0.5
    tally.tell()
    assert file.read_bytes() == told
    clock.now += 0.5
    tally.tell()
    assert file.read_bytes() != told


def test_a_folder_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        Tally(tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []
