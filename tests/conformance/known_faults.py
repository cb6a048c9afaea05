"""What the outside suites have wrong themselves."""

from typing import Any, NamedTuple


class KnownFault(NamedTuple):
    """A case that a right service fails.

    Attributes:
        why: Who says so, and what is wrong with it.
        right: What a right service answers instead.
    """

    why: str
    right: dict[str, Any]


KNOWN_FAULTS = {
    "authzen-pdp-evaluations-batch-with-default-value-merging": KnownFault(
        "openid/authzen#640: it wants a part of an item's resource taken from the default, while an entity that is "
        "given replaces the default whole",
        {"evaluations": [{"decision": False}, {"decision": False}]},
    ),
}
"""By the case's id."""
