"""The journal cannot be written: its disk is full, or takes no more. What is not kept is not answered."""

import resource
import subprocess
from pathlib import Path

import pytest

from authz_service.callers.callers import new_token, token_sha256
from authz_service.journal.writer import MOST_WAITING
from tests.conftest import ROOT
from tests.failures.asking import BILLS, OWN_USAGE, SMITHS, WISH, Clock, decided, is_alive, unready
from tests.failures.disks import filled, small_disk
from tests.journals import journal_settings
from tests.ports import free_port
from tests.processes import wait_until
from tests.services import COMMAND, HOST, Service, environment, serve


def on_disk(folder: Path, disk: Path, **more: str) -> dict[str, str]:
    """The settings of a journal on that disk."""
    settings = journal_settings(folder) | {"journal_folder": disk / "journal"} | more
    return {f"AUTHZ_{name.upper()}": str(value) for name, value in settings.items()}


def searched(service: Service) -> int:
    body = OWN_USAGE | {"subject": {"type": "person"}}
    return service.call("POST", "/access/v1/search/subject", body).status_code


def test_while_its_disk_is_full_nothing_is_decided_and_as_soon_as_there_is_room_everything_is(
    opa: Path, database_url: str, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        more = on_disk(tmp_path, disk)
        nothing_is_decided_while_full(opa, database_url, tmp_path, disk, more)
        environ = environment(opa, {"AUTHZ_DATABASE_URL": database_url, **more})
        command = [*COMMAND, "journal", "verify"]
        verified = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        assert (verified.returncode, verified.stderr) == (0, "")


def nothing_is_decided_while_full(
    opa: Path, database_url: str, tmp_path: Path, disk: Path, more: dict[str, str]
) -> None:
    with serve(opa, tmp_path / "service", database_url, more) as service:
        assert (decided(service, OWN_USAGE), decided(service, BILLS), searched(service)) == (True, False, 200)
        with filled(disk):
            with Clock() as clock:
                # As many as fit in the last page of the file may still be kept.
                wait_until(lambda: decided(service, OWN_USAGE) is None)
                assert (decided(service, OWN_USAGE), decided(service, BILLS), searched(service)) == (None, None, 503)
            assert clock.took < 5
            assert is_alive(service)
            wait_until(lambda: unready(service) == {"journal"})
            roles = service.call("GET", f"/v1/customers/{SMITHS}/members/mary.jones")
            assert (roles.status_code, roles.json()["role"]) == (200, "user")
        wait_until(lambda: unready(service) == set())
        assert (decided(service, OWN_USAGE), decided(service, BILLS), searched(service)) == (True, False, 200)


def test_a_take_over_while_its_disk_is_full_is_kept_in_the_database_until_there_is_room(
    opa: Path, database_url: str, tmp_path: Path
) -> None:
    with (
        small_disk(tmp_path / "disk", megabytes=1) as disk,
        serve(opa, tmp_path / "service", database_url, on_disk(tmp_path, disk)) as service,
    ):
        with filled(disk):
            wait_until(lambda: decided(service, BILLS) is None)
            done = service.call("POST", f"/v1/customers/{SMITHS}/administrators", WISH)
            assert done.status_code == 201
        wait_until(lambda: service.call("GET", f"/v1/decisions/{done.json()['decision_id']}").status_code == 200)
        assert service.call("GET", f"/v1/decisions/{done.json()['decision_id']}").json()["kind"] == "take_over"


def test_a_journal_whose_answers_do_not_wait_for_it_goes_on_until_too_many_entries_wait(
    opa: Path, database_url: str, tmp_path: Path
) -> None:
    batch = OWN_USAGE | {"evaluations": [{}] * (MOST_WAITING // 2)}
    with (
        small_disk(tmp_path / "disk", megabytes=8) as disk,
        serve(opa, tmp_path / "service", database_url, on_disk(tmp_path, disk, journal="buffered")) as service,
    ):
        with filled(disk):
            answers = [service.call("POST", "/access/v1/evaluations", batch) for _ in range(3)]
            assert answers[0].status_code == 200
            assert answers[-1].status_code == 503
            assert decided(service, OWN_USAGE) is None
            assert unready(service) == {"journal"}
        wait_until(lambda: unready(service) == set())
        assert decided(service, OWN_USAGE) is True


def test_a_file_that_takes_no_more_is_as_a_full_disk(opa: Path, database_url: str, tmp_path: Path) -> None:
    with serve(opa, tmp_path / "service", database_url) as service:
        assert decided(service, OWN_USAGE) is True
        [worker] = service.workers()
        before = resource.prlimit(worker, resource.RLIMIT_FSIZE)
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (16, before[1]))
        try:
            assert (decided(service, OWN_USAGE), decided(service, BILLS)) == (None, None)
            assert is_alive(service)
            assert "journal" in unready(service)
        finally:
            resource.prlimit(worker, resource.RLIMIT_FSIZE, before)
        wait_until(lambda: decided(service, OWN_USAGE) is True)


@pytest.mark.parametrize("durability", ["strict", "buffered"])
def test_a_service_whose_journal_is_on_a_disk_for_reading_only_does_not_start(
    opa: Path, database_url: str, tmp_path: Path, durability: str
) -> None:
    with small_disk(tmp_path / "disk", megabytes=1, options=",ro") as disk:
        callers = tmp_path / "callers.yaml"
        callers.write_text(
            f"callers: [{{name: tests, token_sha256: '{token_sha256(new_token())}', scopes: [decide]}}]\n"
        )
        settings = {"AUTHZ_DATABASE_URL": database_url, "AUTHZ_CALLERS": str(callers)}
        environ = environment(opa, settings | on_disk(tmp_path, disk, journal=durability))
        command = [*COMMAND, "serve", "--host", HOST, "--port", str(free_port())]
        refused = subprocess.run(
            command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=30
        )
        assert refused.returncode == 1
        assert "Read-only file system" in refused.stderr
        assert "Traceback" not in refused.stderr
