"""The log cannot be written: nobody who asks hears of it."""

import os
import signal
from pathlib import Path

from tests.failures.asking import BILLS, OWN_USAGE, decided, is_alive, unready
from tests.failures.disks import filled, small_disk
from tests.processes import freeze, wait_until
from tests.services import Service, serve


def test_while_the_disk_of_the_log_is_full_everything_is_answered_and_afterwards_it_is_written(
    opa: Path, database_url: str, tmp_path: Path
) -> None:
    with (
        small_disk(tmp_path / "disk", megabytes=1) as disk,
        serve(opa, disk / "service", database_url) as service,
    ):
        os.truncate(service.stderr, 0)
        assert decided(service, OWN_USAGE) is True
        with filled(disk):
            freeze(service.opa())
            # A refusal that is logged is none of the log.
            assert (decided(service, BILLS), decided(service, OWN_USAGE)) == (None, True)
            kill_opa(service)
            wait_until(lambda: unready(service) == set())
            assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)
            assert is_alive(service)
            assert service.stderr.stat().st_size == 0
        kill_opa(service)
        wait_until(lambda: "opa.ended" in service.stderr.read_text())


def kill_opa(service: Service) -> None:
    """Gives the service something to write, and returns when it has another."""
    before = service.opa()
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: service.processes("opa.sock") - {before} != set())
