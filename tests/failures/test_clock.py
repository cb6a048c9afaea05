"""The clock jumps, under a served process: libfaketime tells it another time, and can tell it another one any time."""

import datetime as dt
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import libfaketime

from authz_service.opa.bundle import build_bundle
from tests.conftest import ROOT
from tests.failures.asking import BILLS, OWN_USAGE, SMITHS, WISH, decided, unready
from tests.failures.lying_opa import sidecar
from tests.mail import MailServerForTests
from tests.ports import free_port
from tests.processes import wait_until
from tests.services import COMMAND, HOST, Service, environment, serve

LIBRARY = Path(libfaketime.__file__).parent / "vendor/libfaketime/src/libfaketime.so.1"
HOUR = 3600
JUMPS = [5, -5, HOUR, -HOUR, 400 * 24 * HOUR, -30 * 24 * HOUR, 0]

Jump = Callable[[int], None]


@contextmanager
def with_clock(opa: Path, database_url: str, folder: Path, **more: str) -> Iterator[tuple[Service, Jump]]:
    """A service, and what sets its clock so many seconds after the true one."""
    told = folder / "clock"
    told.write_text("+0")

    def jump(seconds: int) -> None:
        written = folder / "clock.new"
        written.write_text(f"{seconds:+}")
        written.replace(told)

    faked = {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(told),
        "FAKETIME_NO_CACHE": "1",
        # What a process waits by does not jump with the time of day.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with serve(opa, folder / "service", database_url, faked | more) as service:
        yield service, jump


def told_time(service: Service, asked: dict[str, object]) -> dt.datetime:
    """When the service says that it has decided."""
    response = service.call("POST", "/v1/decide", asked)
    address = f"/v1/decisions/{response.headers['Decision-Id']}"
    wait_until(lambda: service.call("GET", address).status_code == 200)
    return dt.datetime.fromisoformat(service.call("GET", address).json()["at"])


def test_a_clock_that_jumps_changes_no_decision_and_every_decision_is_kept(
    opa: Path, database_url: str, tmp_path: Path
) -> None:
    with with_clock(opa, database_url, tmp_path) as (service, jump):
        for seconds in JUMPS:
            jump(seconds)
            for _ in range(3):
                assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (True, False)
            at = told_time(service, OWN_USAGE)
            assert abs((at - dt.datetime.now(dt.UTC)).total_seconds() - seconds) < 2
        wait_until(lambda: unready(service) == set())
        assert service.call("POST", f"/v1/customers/{SMITHS}/administrators", WISH).status_code == 201
    verified = subprocess.run(
        [*COMMAND, "journal", "verify"],
        cwd=ROOT,
        env=environment(opa, {"AUTHZ_DATABASE_URL": database_url}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, ""), verified.stdout


def test_remembered_answers_outlive_opa_no_longer_and_no_shorter_because_a_clock_jumps(
    opa: Path, policies: Path, database_url: str, tmp_path: Path
) -> None:
    bundle, port = tmp_path / "bundle.tar.gz", free_port()
    build_bundle(opa, policies, bundle)
    more = {"AUTHZ_OPA_URL": f"http://{HOST}:{port}", "AUTHZ_STALE_SECONDS": "4"}
    with sidecar(opa, bundle, port) as running, with_clock(opa, database_url, tmp_path, **more) as (service, jump):
        assert decided(service, OWN_USAGE) is True
        running.kill()
        running.wait()
        gone = time.monotonic()
        jump(HOUR)
        assert decided(service, OWN_USAGE) is True
        jump(-HOUR)
        wait_until(lambda: decided(service, OWN_USAGE) is None)
        assert 3 < time.monotonic() - gone < 9


def test_a_letter_goes_out_though_the_clock_is_put_back_before_it_is_due(
    opa: Path, database_url: str, tmp_path: Path, mail_server: MailServerForTests
) -> None:
    mail = {"AUTHZ_SMTP_URL": mail_server.url, "AUTHZ_MAIL_FROM": "no-reply@example.org"}
    with with_clock(opa, database_url, tmp_path, **mail) as (service, jump):
        jump(5)
        assert service.call("POST", f"/v1/customers/{SMITHS}/administrators", WISH).status_code == 201
        jump(0)
        wait_until(lambda: len(mail_server.mailbox.messages) == 1, seconds=20)
