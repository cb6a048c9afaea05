"""What is made apart comes back whole, or as a sentence that says why not."""

import os
import time
from functools import partial

from authz_service.errors import ConfigurationError, Fault, InvalidPolicy
from authz_service.handbook.apart import Failed, Workshop
from tests.processes import wait_until


def fails_by_name() -> None:
    raise ConfigurationError("AUTHZ_POLICIES: is not there.")


def fails_with_faults() -> None:
    raise InvalidPolicy([Fault("is wrong", file="a.rego", line=1), Fault("is wrong too", file="b.rego")])


def test_it_is_made_in_another_process_once_and_kept() -> None:
    workshop: Workshop[int] = Workshop(kept=1)
    made = workshop.get("a", os.getpid, 30)
    assert isinstance(made, int)
    assert made != os.getpid()
    assert workshop.get("a", os.getpid) == made
    assert workshop.get("b", os.getpid, 30) not in {made, None}
    assert workshop.get("a", os.getpid, 30) != made


def test_ctrl_c_is_for_the_service_and_not_told_as_a_failure_of_what_is_made() -> None:
    workshop: Workshop[int] = Workshop(kept=1)
    group = workshop.get("a", partial(os.getpgid, 0), 30)
    assert isinstance(group, int)
    assert group != os.getpgid(0)


def test_whoever_has_no_patience_gets_nothing_until_it_is_made() -> None:
    workshop: Workshop[object] = Workshop(kept=1)
    assert workshop.get("slow", partial(time.sleep, 0.2)) is None
    assert workshop.get("slow", partial(time.sleep, 0.2)) is None
    wait_until(lambda: "slow" in workshop._made, 30.0)  # noqa: SLF001 - what it gives is nothing, too


def test_what_it_refuses_is_told_in_its_words_and_tried_again() -> None:
    workshop: Workshop[None] = Workshop(kept=1)
    assert workshop.get("a", fails_by_name, 30) == Failed("AUTHZ_POLICIES: is not there.")
    assert workshop.get("a", fails_with_faults, 30) == Failed("a.rego:1: is wrong\nb.rego: is wrong too")


def test_what_goes_wrong_in_it_is_for_the_log() -> None:
    workshop: Workshop[None] = Workshop(kept=1)
    assert workshop.get("a", partial(os._exit, 3), 30) == Failed(
        "Something went wrong here; it is in the log of the service."
    )
