import time

from structlog.testing import capture_logs

from authz_service.watch import Watch
from tests.processes import wait_until


def test_a_task_that_fails_is_done_again_and_hinders_no_other() -> None:
    done: list[float] = []

    def fail() -> None:
        raise RuntimeError

    with capture_logs() as logs, Watch(fail, lambda: done.append(time.monotonic()), interval=0.01):
        wait_until(lambda: len(done) >= 3)
    assert {log["event"] for log in logs} == {"watch.task_failed"}
    count = len(done)
    time.sleep(0.05)
    assert len(done) == count


def test_one_that_was_never_started_can_be_stopped() -> None:
    Watch(lambda: None).stop()
