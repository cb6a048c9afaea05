"""What a process has in its memory is in no core dump, and no other process of the same user reads it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import wait_until
from tests.services import serve

# Root may read everything, so that neither of the two is to be root's.
AS_NOBODY = """
import ctypes, os, sys
from authz_service.core_dumps import forbid_core_dumps
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as it is of a process that was nobody's from the start
"""
LOOK = """
try:
    print("hunter2" in open(f"/proc/{sys.argv[1]}/environ").read())
except PermissionError:
    print("refused")
"""


@pytest.mark.parametrize(("call", "seen"), [("", "True"), ("forbid_core_dumps()", "refused")])
def test_another_process_of_the_same_user_reads_the_environment_only_of_one_that_does_not_forbid_it(
    call: str, seen: str
) -> None:
    program = f"{AS_NOBODY}\n{call}\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={"SECRET": "hunter2"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as secretive:
        assert secretive.stdout
        assert secretive.stdout.readline() == "\n"
        look = [sys.executable, "-c", AS_NOBODY + LOOK, str(secretive.pid)]
        assert subprocess.run(look, capture_output=True, text=True, check=True).stdout == f"{seen}\n"
        secretive.communicate("\n")


def test_no_core_dump_is_written_and_none_can_be_allowed_again() -> None:
    program = """
import ctypes, resource
from authz_service.core_dumps import forbid_core_dumps
forbid_core_dumps()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told == "(0, 0) 0\n"


def test_the_first_process_of_a_service_and_each_worker_are_for_root_alone(opa: Path, tmp_path: Path) -> None:
    # What root's processes have is root's in any case, but with another group not that group's.
    group = 65534 if os.geteuid() == 0 else None
    url, more = f"sqlite:///{tmp_path / 'authz.db'}", {"AUTHZ_WORKERS": "2"}
    with serve(opa, tmp_path / "service", url, more, group=group) as service:
        assert owners(service.opa()) != (0, 0)
        assert owners(service.process.pid) == (0, 0)
        # The service is ready as soon as one of them is.
        wait_until(lambda: [owners(worker) for worker in service.workers()] == [(0, 0)] * 2)


def owners(pid: int) -> tuple[int, int]:
    """The user and the group that the kernel lets see the memory of a process: root's, where it is not dumpable."""
    shown = Path(f"/proc/{pid}/environ").stat()
    return shown.st_uid, shown.st_gid
