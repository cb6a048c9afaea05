"""An entry as it is shown to people and programs."""

from authz_service.journal.queries import KeptDecision
from authz_service.questions import Json

_NAMES = {"request": "request_id", "trace": "traceparent", "revision": "policy_revision", "answer": "decision"}
_LEFT_OUT = {"id", "item", "ruling", "asked"}
_OF_RULING = ("facts", "reasons", "route", "requires", "effects")


def shown(kept: KeptDecision) -> dict[str, Json]:
    """The entry as JSON: what was asked by whom, what was known, what was answered, under which policy."""
    body, ruling = kept.body, kept.ruling
    value: dict[str, Json] = {"id": kept.id, "at": kept.at.isoformat(timespec="milliseconds")}
    for name, member in body.items():
        if name not in _LEFT_OUT:
            value[_NAMES.get(name, name)] = member == "permit" if name == "answer" else member
    if ruling:
        value |= {name: ruling[name] for name in _OF_RULING}
    return value | {"chain": kept.chain, "sequence": kept.sequence}
