"""A kept decision as it is shown to people and programs."""

from authz_service.journal.queries import KeptDecision
from authz_service.questions import Json

_AS_THEY_ARE = ("kind", "caller", "subject", "action", "resource", "customer", "option", "sought", "found")
_OF_RULING = ("facts", "reasons", "route", "requires", "effects")


def shown(kept: KeptDecision) -> dict[str, Json]:
    """The decision as JSON: what was asked by whom, what was known, what was answered, under which policy."""
    body, ruling = kept.body, kept.ruling
    value: dict[str, Json] = {"id": kept.id, "at": kept.at.isoformat(timespec="milliseconds")}
    value |= {name: body[name] for name in _AS_THEY_ARE if name in body}
    if "request" in body:
        value["request_id"] = body["request"]
    if "trace" in body:
        value["traceparent"] = body["trace"]
    if "answer" in body:
        value["decision"] = body["answer"] == "permit"
    if "revision" in body:
        value["policy_revision"] = body["revision"]
    if ruling:
        value |= {name: ruling[name] for name in _OF_RULING}
    if "became_users" in body:
        value |= {"became_users": body["became_users"], "notified": body["notified"]}
    return value | {"chain": kept.chain, "sequence": kept.sequence}
