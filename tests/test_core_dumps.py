"""What a process has in its memory is in no core dump, and no other process of the same user reads it."""

import subprocess
import sys

import pytest

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
