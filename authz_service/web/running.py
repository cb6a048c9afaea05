"""What runs here, for whoever operates it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from authz_service.callers.entrance import Entrance


class Running(NamedTuple):
    """What runs here.

    Attributes:
        version: The version of the service.
        workers: How many processes answer on this machine.
        policy_status: The file in which the supervisor of OPA tells how the policy stands; None with a sidecar.
        opa_version: Asks OPA for its version.
        entrance: Knows who may call.
    """

    version: str
    workers: int
    policy_status: Path | None
    opa_version: Callable[[], str]
    entrance: Entrance
